"""Candidates compared within some minutes: fold by fold, and the worst are dropped where time is short."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pare.config import PareError, Run
from pare.config.estimate import duration, estimate
from pare.config.run import Run
from pare.evaluation.metrics import METRICS
from pare.learners.choice.blend import losses_alone, mean_of, task_loss
from pare.learners.choice.fold_rows import (
    Parts,
    are_many,
    expected_seconds,
    few_rows,
    fold_parts,
    holds_validation_out,
    write_fold,
)
from pare.learners.choice.processes import Outcome, fits_at_a_time, side_by_side
from pare.learners.choice.tried import Candidate, HeldOut, Tried, held_out, is_bounded, not_installed, within
from pare.learners.libraries.by_name import INSTALL, why_not
from pare.learners.machine import accelerator_of, matrix_speed
from pare.learners.networks.start.cross_validation import clearly_smaller
from pare.learners.networks.training import SourceFolders
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
SHARE = 0.1  # fraction of the budget for the trial of a network that minutes bound
HOPELESS = 3.0  # times the least loss in the comparison: networks had up to 2.4 times what they had in the end
SAME = 1e-4  # standard deviations of the predictions, below which two are the same


class Search:
    """The comparison of a run's candidates on folds of its training and validation rows.

    Time is counted as the seconds of the fits, those of an interrupted search included, so that a search which goes on
    decides as one that was never interrupted. Networks that minutes bound are trained side by side; a comparison before
    tells which, unless all of them can be. Those that `run.uncompared` names need none. Where rows are many, fits that
    no minutes bound are timed on few rows first.

    Args:
        run: candidates and minutes.
        store: the model input.
        source: files of the encoder and its proxy.
        folder: for held-out predictions, which outlive an interrupted search.
    """

    def __init__(self, run: Run, store: ArrayStore, source: SourceFolders, folder: Path) -> None:
        self.run, self.store, self.source, self.folder = run, store, source, folder
        self.loss = task_loss(run.task, run.training.positive_weight, store.statistics.get("y_scale"))
        self.tried = [Tried(candidate) for candidate in run.candidates]
        self.at_a_time = fits_at_a_time()
        self.uncompared: list[Tried] = []

    @cached_property
    def parts(self) -> list[Parts]:
        """Numbers of the rows of each fold."""
        return fold_parts(self.store, self.run.task, self.run.folds)

    @property
    def has_many(self) -> bool:
        """Whether rows are so many that a fit is timed on few of them first, and one fold may tell enough."""
        return are_many(self.parts[0])

    @property
    def left(self) -> float:
        """Seconds of the budget that no fit has used."""
        spent = [self._part(tried) * (tried.lost + sum(fold.seconds for fold in tried.folds)) for tried in self.tried]
        return self.run.minutes * 60 - sum(spent)

    def _part(self, tried: Tried) -> float:
        """Fraction of a fit's wall time that is charged to the budget; networks run in parallel."""
        if not is_bounded(tried.run):
            return 1.0
        others = [other for other in self.tried if other not in self.uncompared and not _unsuited(other.run)]
        networks = sum(is_bounded(other.run) for other in others)
        return math.ceil(networks / self.at_a_time) / max(networks, 1)

    def finished(self) -> list[Tried]:
        """Compare the candidates; those that saw every fold, without networks that are not compared.

        Raises:
            PareError: if the fit of each failed.
        """
        going = list(self._suitable())
        for number, store in enumerate(self._folds()):
            networks: list[Tried] = []
            for tried in going:
                if not tried.folds and not (self._may_be_better(tried) and self._is_affordable(tried, networks)):
                    continue
                if is_bounded(tried.run):
                    networks.append(tried)
                else:
                    self._fit([tried], store, number)
            if self.has_many and not networks and not any(tried.folds for tried in going):
                self._fit_cheapest(going, store)
            self.uncompared = self._sure(networks)
            if self.uncompared:
                logger.info("Trained without a comparison: %s.", ", ".join(one.name for one in self.uncompared))
            compared = [tried for tried in networks if tried not in self.uncompared]
            if compared:
                self._fit(compared, store, number)
            going = [tried for tried in going if tried.folds and not tried.left_out]
            if not going:
                return self._without_failed()
            going, fits = list(_distinct(going)), self.run.folds - number
            if self.has_many and fits > 1 and not self._can_go_on(going, fits):
                logger.info("The comparison ends with fold %d: no time is left for others.", number + 1)
                return self._with_best_networks(self._going_on(going, 1))
            going = self._going_on(going, fits)
        return self._with_best_networks(going)

    def _sure(self, networks: list[Tried]) -> list[Tried]:
        """Networks that are trained without a comparison; none where only a comparison shows their worth.

        All, where all can be trained side by side; else those that are named so, but for one place, for the best of
        the others.
        """
        others = any(tried.folds and not tried.left_out for tried in self.tried)
        if not others or not holds_validation_out(self.store, self.run.folds):
            return []
        if len(networks) <= self.at_a_time:
            return networks
        return [tried for tried in networks if tried.name in self.run.uncompared][: self.at_a_time - 1]

    def _without_failed(self) -> list[Tried]:
        """Compare those without a failed fit, if the others took the time; their folds are not fitted again."""
        others = list(self._suitable())
        if not others:
            reasons = "; ".join(f"{tried.name}: {tried.left_out}" for tried in self.tried)
            raise PareError(f"no candidate could be fitted to task {self.run.task_name!r}: {reasons}")
        for tried in others:
            tried.folds = []
        return self.finished()

    def final(self, names: Iterable[str]) -> dict[str, Candidate]:
        """What is fitted to all rows, by name: candidates of these names, and networks with the minutes that are left.

        A network without weight after a tenth of the minutes may have one in the end, if validation rows can tell.
        """
        minutes = max(self.run.minutes * SHARE, self.left / 60)
        again = holds_validation_out(self.store, self.run.folds)
        going = [tried for tried in self.tried if not tried.left_out]
        kept = [tried for tried in going if tried.name in names or (again and is_bounded(tried.run))]
        return {tried.name: within(tried.run, minutes) for tried in kept}

    def leave_out(self, name: str, reason: str) -> None:
        """Drop a candidate after its final fit."""
        next(tried for tried in self.tried if tried.name == name).left_out = reason
        logger.warning("%s is left out: %s", name, reason)

    def announce(self) -> None:
        """Log the candidates, the budget and missing packages."""
        rows, names = sum(map(len, self.parts[0].values())), ", ".join(tried.name for tried in self._suitable())
        logger.info("Compared on %s rows within %s: %s.", f"{rows:,}", duration(60 * self.run.minutes), names)
        if missing := not_installed(self.run):
            logger.warning("Not installed, so left out: %s. All of them: %s", ", ".join(missing), INSTALL)

    def _suitable(self) -> Iterator[Tried]:
        for tried in self.tried:
            if tried.failed:
                continue
            tried.left_out = _unsuited(tried.run)
            if not tried.left_out:
                yield tried

    def _folds(self) -> Iterator[ArrayStore]:
        for number, parts in enumerate(self.parts):
            path = self.folder / f"fold_{number}.h5"
            yield write_fold(path, self.store, parts, compress=self.run.task.input.compress)
            path.unlink()

    def _fit(self, some: Sequence[Tried], store: ArrayStore, number: int) -> None:
        """Fit some candidates to a fold, several of them side by side; failing ones are left out."""
        jobs = {tried.name: self._job(tried.run, store) for tried in some}
        by_name = {tried.name: tried for tried in some}
        with quiet():
            for name, outcome in side_by_side(jobs, self.at_a_time):
                self._note(by_name[name], outcome, number)

    def _job(self, run: Candidate, store: ArrayStore) -> Callable[[], HeldOut]:
        """A fit to a fold."""
        bounded = within(run, self.run.minutes * SHARE)
        return partial(held_out, bounded, store, self.source, self.folder / run.method_name)

    def _note(self, tried: Tried, outcome: Outcome[HeldOut], number: int) -> None:
        fold, error, seconds = outcome.result, outcome.error, outcome.seconds
        if fold is not None and not np.isfinite(fold.outputs).all():
            error, seconds = PareError("it predicts numbers that are not finite"), fold.seconds
        if fold is None or error:  # what one candidate cannot do, such as a small grid, stops no other
            tried.left_out, tried.failed, tried.lost = str(error), True, tried.lost + seconds
            logger.warning("%s is left out: %s", tried.name, error)
            return
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

    def _is_affordable(self, tried: Tried, networks: Sequence[Tried]) -> bool:
        """Whether a candidate's expected cost fits into the time that those before it leave.

        The first one does, unless its rows are many. Of a training all fits count; of a candidate that was timed on few
        rows the first and the final one: how good it is then says whether it goes on.

        Args:
            tried: the candidate.
            networks: those before it that are still to be trained.
        """
        before = [other for other in self.tried if other.folds and not other.left_out]
        if not self.has_many and not before and not networks:
            return True
        # that each has to make after the first fold, the final one among them
        fits = 1 if self._is_timed(tried) else self.run.folds
        seconds = self._needed(tried, fits)
        taken = sum(self._cost(other) * fits for other in self._in_time(before, fits))
        free = max(self.left - taken - sum(self._needed(other, fits) for other in networks), 0)
        if seconds > free:
            needed = f"about {duration(seconds)} are needed, " if math.isfinite(seconds) else ""
            tried.left_out = f"no time: {needed}{duration(free)} are left"
            logger.info("%s is left out: %s.", tried.name, tried.left_out)
        return not tried.left_out

    def _needed(self, tried: Tried, fits: int) -> float:
        """Seconds that a candidate without a fit is expected to take for its first and so many more."""
        if tried.expected is None:
            bounded = within(tried.run, self.run.minutes * SHARE)
            tried.expected = self._timed(tried) if self._is_timed(tried) else _expected(bounded)
        return self._part(tried) * tried.expected * (fits + 1)

    def _is_timed(self, tried: Tried) -> bool:
        """Whether its fit time is measured first: rows are many, and neither minutes nor an estimate bound it."""
        trains = not isinstance(tried.run, Run) and tried.run.training.epochs
        return self.has_many and not trains and not is_bounded(tried.run)

    def _timed(self, tried: Tried) -> float:
        """Seconds of a fit to a fold, by fits to few rows; infinite where time runs out meanwhile.

        None where such a fit fails, as that to all rows may not.
        """
        seconds: list[float] = []
        with TemporaryDirectory() as folder, quiet():
            for store in few_rows(self.store, self.parts[0], Path(folder)):
                if self.left <= 0:
                    return math.inf
                ((_, outcome),) = side_by_side({tried.name: self._job(tried.run, store)}, 1)
                if outcome.result is None:
                    return 0.0
                seconds.append(outcome.result.seconds)
                tried.lost += outcome.result.seconds
        expected = expected_seconds(seconds, self.parts[0])
        logger.info("%s: about %s a fit, by fits to few rows.", tried.name, duration(expected))
        return expected

    def _fit_cheapest(self, going: Sequence[Tried], store: ArrayStore) -> None:
        """Fit the candidate that takes the least time to the first fold, if there is time for none."""
        slow = [tried for tried in going if tried.expected is not None and not tried.failed]
        if slow:
            cheapest = min(slow, key=lambda tried: tried.expected or 0.0)
            cheapest.left_out = ""
            logger.warning("%s takes the least time and is fitted all the same.", cheapest.name)
            self._fit([cheapest], store, 0)

    def _cost(self, tried: Tried) -> float:
        """Seconds of the budget that a fit takes."""
        return self._part(tried) * tried.seconds

    def _can_go_on(self, going: list[Tried], fits: int) -> bool:
        """Whether one that is not clearly worse than the best can make so many more fits in the time that is left."""
        return any(self._cost(tried) * fits <= self.left for tried in self._near_best(going))

    def _going_on(self, going: list[Tried], fits: int) -> list[Tried]:
        """Those that can make so many more fits in the time that is left: to the other folds, and the final one."""
        kept = self._in_time(going, fits)
        for tried in going:
            if tried not in kept:
                needed = duration(self._cost(tried) * fits)
                near = tried in self._near_best(going)
                why = "faster ones are about as good" if near else "it is clearly worse than the best"
                tried.left_out = f"no time after fold {len(tried.folds)}: {needed} more are needed; {why}"
                logger.info("%s is left out: %s.", tried.name, tried.left_out)
        return [tried for tried in going if tried in kept]

    def _in_time(self, going: list[Tried], fits: int) -> list[Tried]:
        """Those that can make so many more fits in the time that is left, in this order.

        First those that are not clearly worse than the best, from the fastest to the slowest: the best of them may be
        so by chance, and a slow one would take the time of all others. Then the clearly worse, from the best.
        """
        near = self._near_best(going)
        others = sorted((tried for tried in going if tried not in near), key=self._loss)
        seconds = 0.0
        kept: list[Tried] = []
        for tried in sorted(near, key=self._cost) + others:
            needed = self._cost(tried) * fits
            if not kept or seconds + needed <= self.left:
                seconds += needed
                kept.append(tried)
        return kept

    def _near_best(self, going: list[Tried]) -> list[Tried]:
        """Those that are not clearly worse than the best."""
        ranked = sorted(going, key=self._loss)
        return [tried for tried in ranked if not clearly_smaller(self._losses(ranked[0]), self._losses(tried))]

    def _with_best_networks(self, going: list[Tried]) -> list[Tried]:
        """Without networks but the best, as many as are trained side by side: more of them would divide the time.

        Nor with one whose loss is so high that the time that is left will hardly make it useful. Those that were not
        compared keep their places.
        """
        networks = sorted((tried for tried in going if is_bounded(tried.run)), key=self._loss)
        places = self.at_a_time - len(self.uncompared)
        best, others = networks[:places], networks[places:]
        for tried in others:
            tried.left_out = f"the time that is left is for the best: {' and '.join(one.name for one in best)}"
        least = min(map(self._loss, going))
        for tried in best:
            if self._loss(tried) > HOPELESS * least:
                tried.left_out = f"its loss was more than {HOPELESS:g} times the least"
        for tried in networks:
            if tried.left_out:
                logger.info("%s is left out: %s.", tried.name, tried.left_out)
        return [tried for tried in going if not tried.left_out]

    def _loss(self, tried: Tried) -> float:
        """Mean loss on the held-out rows so far, at the best temperature."""
        return float(self._losses(tried).mean())

    def _losses(self, tried: Tried) -> np.ndarray:
        """Losses on blocks of the held-out rows so far, ``(blocks,)``, at the best temperature of all of them."""
        return losses_alone(tried.outputs, tried.truth, mean_of(self.run.task), self.loss, tried.groups)


def _unsuited(run: Candidate) -> str:
    """Why a candidate is not tried; empty where it is."""
    return why_not(run) if isinstance(run, Run) else run.unsuited


def _distinct(going: list[Tried]) -> Iterator[Tried]:
    """Those that predict otherwise than each one before; a training that keeps its solved start is the probe again."""
    for number, tried in enumerate(going):
        same = [other.name for other in going[:number] if _is_same(other.outputs, tried.outputs)]
        if same:
            more = "; with more minutes it may not" if is_bounded(tried.run) else ""
            tried.left_out = f"after fold {len(tried.folds)}: predicts what {same[0]} does{more}"
            logger.info("%s is left out %s.", tried.name, tried.left_out)
        else:
            yield tried


def _is_same(outputs: np.ndarray, others: np.ndarray) -> bool:
    """Whether predictions are nearly the same, in any unit."""
    return bool(np.abs(outputs - others).max() <= SAME * outputs.std())


def _expected(run: Candidate) -> float:
    """Seconds of a fit, before it was ever made: what bounds it, or an estimate; 0 for what takes little time."""
    if isinstance(run, Run):
        return 60 * run.options.get("minutes", 0)
    if run.training.minutes:
        return 60 * run.training.minutes
    return estimate(run, matrix_speed(accelerator_of(run))).seconds if run.training.epochs else 0.0


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the log of trainings: a fit to a fold logs its result only."""
    loggers = logging.getLogger("pare.learners.networks.training"), logging.getLogger("pare.learners.networks.start")
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
