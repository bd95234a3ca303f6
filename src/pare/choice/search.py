"""Candidates compared within some minutes: fold by fold, and the worst are dropped where time is short."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pare.baselines.registry import why_not
from pare.choice.blend import loss_alone, mean_of, task_loss
from pare.choice.fits import Candidate, HeldOut, held_out
from pare.choice.folds import fold_parts, write_fold
from pare.config import ChoiceRun, PareError
from pare.config.estimate import duration, estimate
from pare.config.run import BaselineRun
from pare.evaluation.checks import UndefinedMetric
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.prediction import score
from pare.storage.store import ArrayStore
from pare.training import SourceFolders
from pare.training.machine import accelerator_of, matrix_speed

logger = logging.getLogger(__name__)
SHARE = 0.1  # of the minutes, for a fit that minutes bound, while candidates are compared
SAME = 1e-4  # standard deviations of the predictions, below which two are the same
EXACT = 1e-6  # of the answers, below which an error is that of rounding


@dataclass
class Tried:
    """A candidate and what came of it.

    Attributes:
        run: the candidate.
        folds: one after the other.
        left_out: why it was tried no further; empty for one that saw all folds.
        failed: whether a fit of it did.
        lost: seconds of the fit that failed.
    """

    run: Candidate
    folds: list[HeldOut] = field(default_factory=list)
    left_out: str = ""
    failed: bool = False
    lost: float = 0.0

    @property
    def name(self) -> str:
        """The method's or the baseline's."""
        return self.run.method_name

    @property
    def metric(self) -> float | None:
        """The task's, of all held-out rows together; None where it is undefined."""
        return defined_score(self.run, self.outputs, self.truth)

    @property
    def metrics(self) -> list[float | None]:
        """The task's metric of each fold; None where it is undefined, such as AUROC without a row of some class."""
        return [defined_score(self.run, fold.outputs, fold.truth) for fold in self.folds]

    @property
    def seconds(self) -> float:
        """Of a fit, on average."""
        return float(np.mean([fold.seconds for fold in self.folds]))

    @property
    def is_exact(self) -> bool:
        """Whether it predicts numbers or fields but for rounding, so that no other candidate could be better."""
        if not self.folds or self.run.task.output.kind not in ("regression", "dense"):
            return False
        axis = 0 if self.run.task.output.kind == "regression" else None  # several numbers have units of their own
        error = np.sqrt(np.nanmean(np.square(self.outputs - self.truth, dtype=float), axis))
        return bool(np.all(error <= EXACT * np.nanstd(self.truth, axis, dtype=float)))

    def row(self, share: float) -> dict[str, Any]:
        """A row of the leaderboard: the share that it got, and what came of it."""
        came: dict[str, Any] = {"left_out": self.left_out}
        if self.folds:
            came |= {"metric": self.metric, "folds": self.metrics, "seconds": round(self.seconds, 1)}
        return {"method": self.name, "share": share, **came}

    @property
    def outputs(self) -> np.ndarray:
        """Of all held-out rows, fold after fold, ``(rows, …)``."""
        return np.concatenate([fold.outputs for fold in self.folds])

    @property
    def truth(self) -> np.ndarray:
        """Answers of the same rows, ``(rows, …)``."""
        return np.concatenate([fold.truth for fold in self.folds])

    @property
    def groups(self) -> np.ndarray | None:
        """Of the same rows, ``(rows,)``; None where they have none."""
        groups = [fold.groups for fold in self.folds if fold.groups is not None]
        return np.concatenate(groups) if groups else None


class Search:
    """The comparison of a run's candidates on folds of its training and validation rows.

    Time is counted as the seconds of the fits, those of an interrupted search included, so that a search which goes on
    decides as one that was never interrupted.

    Args:
        run: what is tried, and for how long.
        store: the model input.
        source: files of the encoder and its proxy.
        folder: for held-out predictions, which outlive an interrupted search.
    """

    def __init__(self, run: ChoiceRun, store: ArrayStore, source: SourceFolders, folder: Path) -> None:
        self.run, self.store, self.source, self.folder = run, store, source, folder
        self.loss = task_loss(run.task, run.training.positive_weight, store.statistics.get("y_scale"))
        self.tried = [Tried(candidate) for candidate in run.candidates]

    @property
    def left(self) -> float:
        """Seconds of the budget that no fit has used."""
        used = sum(tried.lost + sum(fold.seconds for fold in tried.folds) for tried in self.tried)
        return self.run.minutes * 60 - used

    def finished(self) -> list[Tried]:
        """Compare the candidates; those that saw every fold.

        Raises:
            PareError: where there is none, because the fit of each failed.
        """
        going = list(self._suitable())
        for number, store in enumerate(self._folds()):
            for tried in list(going):
                if not tried.folds and not (self._may_be_better(tried) and self._is_affordable(tried)):
                    going.remove(tried)
                    continue
                started = time.perf_counter()
                try:
                    self._fit(tried, store, number)
                except PareError as error:  # what one candidate cannot do, such as a small grid, stops no other
                    tried.left_out, tried.failed = str(error), True
                    tried.lost = tried.lost or time.perf_counter() - started
                    logger.warning("%s is left out: %s", tried.name, error)
                    going.remove(tried)
            if not going:
                return self._without_failed()
            going = self._going_on(list(_distinct(going)), self.run.folds - number - 1)
        return self._with_one_network(going)

    def _without_failed(self) -> list[Tried]:
        """Compare those of which no fit failed, where the others took the time; their folds are not fitted again."""
        others = list(self._suitable())
        if not others:
            reasons = "; ".join(f"{tried.name}: {tried.left_out}" for tried in self.tried)
            raise PareError(f"no candidate could be fitted to task {self.run.task_name!r}: {reasons}")
        for tried in others:
            tried.folds = []
        return self.finished()

    def final(self, names: Iterable[str]) -> dict[str, Candidate]:
        """The runs that fit what is kept to all rows, by name; the network that minutes bound has all that are left."""
        minutes = max(self.run.minutes * SHARE, self.left / 60)
        return {tried.name: within(tried.run, minutes) for tried in self.tried if tried.name in names}

    def _suitable(self) -> Iterator[Tried]:
        for tried in self.tried:
            if tried.failed:
                continue
            tried.left_out = why_not(tried.run) if isinstance(tried.run, BaselineRun) else ""
            if not tried.left_out:
                yield tried

    def _folds(self) -> Iterator[ArrayStore]:
        task = self.run.task
        for number, parts in enumerate(fold_parts(self.store, task, self.run.folds)):
            path = self.folder / f"fold_{number}.h5"
            yield write_fold(path, self.store, parts, compress=task.input.compress)
            path.unlink()

    def _fit(self, tried: Tried, store: ArrayStore, number: int) -> None:
        run = within(tried.run, self.run.minutes * SHARE)
        with quiet():
            fold = held_out(run, store, self.source, self.folder / tried.name)
        if not np.isfinite(fold.outputs).all():
            tried.lost = fold.seconds
            raise PareError("it predicts numbers that are not finite")
        tried.folds.append(fold)
        so_far = "" if self.run.folds == 1 else f"fold {number + 1} of {self.run.folds}, "
        spec, value = METRICS[self.run.metric], tried.metric
        text = f"{spec.title} undefined" if value is None else spec.text(value)
        logger.info("%s%s: %s so far, %.1f s", so_far, tried.name, text, fold.seconds)

    def _may_be_better(self, tried: Tried) -> bool:
        """Whether those before it leave anything to gain."""
        exact = next((other.name for other in self.tried if other.is_exact), "")
        if exact:
            tried.left_out = f"{exact} leaves nothing to gain: it predicts the held-out rows but for rounding"
            logger.info("%s is left out: %s.", tried.name, tried.left_out)
        return not exact

    def _is_affordable(self, tried: Tried) -> bool:
        """Whether a training fits into the time that those before it leave, by its estimated cost; the first does."""
        before = [other for other in self.tried if other.folds and not other.left_out]
        if not before:
            return True
        fits = self.run.folds  # that each of the others has to make after the first fold, the final one among them
        seconds = _expected(within(tried.run, self.run.minutes * SHARE)) * (fits + 1)
        free = max(self.left - sum(other.seconds * fits for other in self._in_time(before, fits)), 0)
        if seconds > free:
            tried.left_out = f"needs about {duration(seconds)}, the others leave {duration(free)}"
            logger.info("%s is left out: it %s.", tried.name, tried.left_out)
        return not tried.left_out

    def _going_on(self, going: list[Tried], folds_left: int) -> list[Tried]:
        """Those that fit into the time that is left with their other folds and final fits."""
        kept = self._in_time(going, folds_left + 1)
        for tried in going:
            if tried not in kept:
                needed = duration(tried.seconds * (folds_left + 1))
                tried.left_out = f"after fold {len(tried.folds)}: needs {needed} more, others were better"
                logger.info("%s is left out %s.", tried.name, tried.left_out)
        return [tried for tried in going if tried in kept]

    def _in_time(self, going: list[Tried], fits: int) -> list[Tried]:
        """From the best to the worst, those that can make so many more fits in the time that is left."""
        seconds = 0.0
        kept: list[Tried] = []
        for tried in sorted(going, key=self._loss):
            needed = tried.seconds * fits
            if not kept or seconds + needed <= self.left:
                seconds += needed
                kept.append(tried)
        return kept

    def _with_one_network(self, going: list[Tried]) -> list[Tried]:
        """Without networks that minutes bound but the best: two of them would have half of the time each."""
        bounded = sorted((tried for tried in going if _is_bounded(tried.run)), key=self._loss)
        for tried in bounded[1:]:
            tried.left_out = f"{bounded[0].name} was better, and has the time that is left"
            logger.info("%s is left out: %s.", tried.name, tried.left_out)
        return [tried for tried in going if not tried.left_out]

    def _loss(self, tried: Tried) -> float:
        """Of the held-out rows so far, at the best temperature."""
        return loss_alone(tried.outputs, tried.truth, mean_of(self.run.task), self.loss)


def defined_score(run: Candidate | ChoiceRun, outputs: np.ndarray, truth: np.ndarray) -> float | None:
    """The task's metric of rows ``(rows, …)``; None where it is undefined, as R² is where all answers are the same."""
    try:
        return score(build_metric(run.metric, run.task.output), outputs, truth)
    except UndefinedMetric:
        return None


def _distinct(going: list[Tried]) -> Iterator[Tried]:
    """Those that predict otherwise than each one before; a training that keeps its solved start is the probe again."""
    for number, tried in enumerate(going):
        same = [other.name for other in going[:number] if _is_same(other.outputs, tried.outputs)]
        if same:
            more = "; with more minutes it may not" if _is_bounded(tried.run) else ""
            tried.left_out = f"after fold {len(tried.folds)}: predicts what {same[0]} does{more}"
            logger.info("%s is left out %s.", tried.name, tried.left_out)
        else:
            yield tried


def _is_same(outputs: np.ndarray, others: np.ndarray) -> bool:
    """Whether predictions differ by next to nothing, whatever their unit is."""
    return bool(np.abs(outputs - others).max() <= SAME * outputs.std())


def within(run: Candidate, minutes: float) -> Candidate:
    """A candidate bounded by minutes, where its fit has no end of its own: a network for fields."""
    if isinstance(run, BaselineRun):
        bounded = "minutes" in run.options and run.options.get("epochs") is None
        return run.model_copy(update={"options": run.options | {"minutes": minutes}}) if bounded else run
    if run.task.kind != "field" or not run.training.epochs:
        return run
    return run.model_copy(update={"training": run.training.model_copy(update={"minutes": minutes})})


def _is_bounded(run: Candidate) -> bool:
    """Whether minutes bound its fit."""
    return within(run, 1.0) != run


def _expected(run: Candidate) -> float:
    """Seconds of a fit, before it was ever made: what bounds it, or an estimate; 0 for what takes little time."""
    if isinstance(run, BaselineRun):
        return 60 * run.options.get("minutes", 0)
    if run.training.minutes:
        return 60 * run.training.minutes
    return estimate(run, matrix_speed(accelerator_of(run))).seconds if run.training.epochs else 0.0


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what a training tells of itself: of a fit to a fold its result is told."""
    told = logging.getLogger("pare.training"), logging.getLogger("pare.start")
    levels = [logger.level for logger in told]
    for logger in told:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(told, levels, strict=True):
            logger.setLevel(level)
