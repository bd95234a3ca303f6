"""The best of several learners for a task, or their weighted mean, within some minutes.

Four rules. Candidates come in the order of their cost, and each may take half of the time that is left; networks that
train for minutes share them evenly. Each predicts rows that it did not learn from. These predictions choose the
weights. What is selected learns once more, without a fold left out.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState

from pare.config.errors import PareError
from pare.config.estimate import duration, estimate
from pare.config.run import COMMAND_LINE, MODEL, Run
from pare.config.words import listed, weights_text
from pare.evaluation.calibration import Calibration, fit_temperature
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import defined_score
from pare.learners.choice.folds import Held, fitted, fold_parts, held_out
from pare.learners.choice.leaderboard import Tried
from pare.learners.choice.processes import Outcome, Workers
from pare.learners.choice.weights import shrunk_weights, task_loss
from pare.learners.ensemble import Ensemble, combined, load_ensemble, mean_of
from pare.learners.learner import Data, Fitted, Work, learner_of
from pare.learners.machine import peak_memory_mb, speed_here
from pare.learners.model import Model
from pare.storage.atomic import atomic_path
from pare.storage.checksums import Damaged, read_sealed, sealed_json

logger = logging.getLogger(__name__)
MINUTES = "minutes.json"  # minutes of each network, for an interrupted training that goes on
MORE = 1.25  # seconds of a fit to all rows, by those of a fit to four fifths of them
FITTING = 0.85  # part of its time that a fit gets as its minutes; the rest is for reading, solving and predicting
ENOUGH = 500  # held-out rows on which candidates are compared where there is no time for all
LATE, LATE_SECONDS = 1.1, 10.0  # what was begun in time is ended when so much of the minutes is over


class ChoiceLearner:
    """The learner that selects others; see `pare.learners.learner.Learner`."""

    def suits(self, run: Run) -> str:
        """Why no candidate can be fitted; empty where one can."""
        reasons = {one.method_name: learner_of(one).suits(one) for one in run.candidates}
        return "" if "" in reasons.values() else "; ".join(f"{name}: {why}" for name, why in reasons.items())

    def check(self, run: Run) -> None:
        """Refuse a run without a candidate that can be fitted."""
        if why := self.suits(run):
            raise PareError(f"no candidate can be fitted to task {run.task_name!r}: {why}")

    def fit(self, run: Run, data: Data, work: Work) -> Fitted:
        """Compare the candidates, and fit the selected ones to all rows; an interrupted choice goes on."""
        choice = Choice(run, data, work.folder / f"minutes_{run.minutes}")  # one of other minutes begins anew
        with closing(choice.workers):
            return choice.fitted()

    def load(self, folder: Path, run: Run, record: Mapping[str, Any]) -> Ensemble:
        """Read the ensemble of the selected models."""
        return load_ensemble(folder, run.task)

    def weighs_rows(self, run: Run) -> bool:
        """No: not every candidate does."""
        return False


class Choice:
    """A comparison of candidates, and the ensemble that comes of it.

    As long as there is no model, one fit is waited for, however long it takes.

    Args:
        run: candidates and minutes.
        data: what they learn from.
        folder: folder for predictions and models, which outlive an interrupted choice.
    """

    def __init__(self, run: Run, data: Data, folder: Path) -> None:
        assert run.minutes  # which every choice has
        self.run, self.data, self.folder, self.workers = run, data, folder, Workers()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.seconds = 60 * run.minutes
        self.due = time.monotonic() + self.seconds
        self.tried = [Tried(one, learner_of(one).suits(one)) for one in run.candidates]
        self.parts = dict(enumerate(fold_parts(data.store, run.task, run.folds)))

    @property
    def finished(self) -> list[Tried]:
        """Those that predicted all rows that they are compared on."""
        return [one for one in self.tried if one.held]

    def fitted(self) -> Fitted:
        """Compare, select and fit.

        Raises:
            PareError: where no candidate could be fitted in time.
        """
        for one in self.tried:
            if one.left_out:
                logger.info("%s is left out: %s.", one.name, one.left_out)
        for key in self.run.overridden:
            others = [one.method_name for one in self.run.candidates if one.provenance.get(key) != COMMAND_LINE]
            if others:
                verb = "learns" if len(others) == 1 else "learn"
                logger.info("%s has no effect on %s, which %s without it.", key, listed(others), verb)
        rows, names = sum(map(len, self.parts[0].values())), ", ".join(one.name for one in self.tried if one.is_open)
        logger.info("Compared on %s rows within %s: %s.", f"{rows:,}", duration(self.seconds), names)
        own = [one for one in self.tried if not one.run.learner.library]
        networks = [one for one in own if one.run.minutes and self.run.folds == 1]
        dict(self.workers.run({"": int}, 0.0, waits=True))  # the processes begin, which is no candidate's time
        for one in self.tried:
            if one.is_open and one not in networks and (why := self._compare(one)):
                one.leave_out(why)
        if open_ones := [one for one in networks if one.is_open]:
            self._train(open_ones)
        if not self.finished:
            reasons = "; ".join(f"{one.name}: {one.left_out}" for one in self.tried)
            raise PareError(
                f"no candidate was fitted within {duration(self.seconds)}; give more, such as minutes="
                f"{self.seconds / 15:g}. {reasons}"
            )
        return self._ensemble({one.name for one in networks})

    # Rules 1 and 2: candidates in the order of their cost, and what they predict for held-out rows.

    def _compare(self, one: Tried) -> str:
        """Fit a candidate to each fold within half of the time that is left; why it is left out, else empty.

        Of many rows some folds are enough; then all candidates are compared on these. The first one is waited for.
        """
        first, folds, most = not self.finished, dict[int, Held](), self.workers.most
        least, rounds = ceil(self._fewest() / most), ceil(len(self.parts) / most)
        limit = max(0.0, self._left(self.finished) / 2)
        late = f"no time: its fits were not done in {duration(limit)}, half of what was left"
        needed = 0.0
        if one.run.source and one.run.training.epochs:
            needed = least * estimate(one.run, speed_here(one.run, PartialState().device)).seconds
        if limit <= needed and not first:
            return late
        run = _within(one.run, limit / (rounds + 1))
        jobs = {number: partial(held_out, run, self.data, parts, self.folder) for number, parts in self.parts.items()}
        for number, (held, error) in self.workers.run(jobs, limit, waits=first):
            if error:
                return error
            folds[number] = held
            if least * held["seconds"] > limit and not first:
                break
        if len(folds) < self._fewest() and not first:
            return late
        if len(folds) < len(self.parts):
            logger.warning("%d of %d folds are compared, for want of time.", len(folds), len(self.parts))
        self.parts = {number: self.parts[number] for number in sorted(folds)}
        for other in self.finished:
            other.keep(folds)
        one.finish(folds)
        for other in self.tried if one.is_exact else ():
            if other.is_open:
                other.leave_out(f"{one.name} predicts but for rounding")
        return ""

    def _fewest(self) -> int:
        """The number of folds that hold enough rows for a comparison."""
        rows = [len(parts["test"]) for parts in self.parts.values()]
        return min(len(rows), ceil(ENOUGH * len(rows) / sum(rows)))

    def _train(self, networks: list[Tried]) -> None:
        """Train networks for the time that is left, in even parts; validation rows choose their epochs."""
        path = self.folder / MINUTES
        if not path.is_file():
            with atomic_path(path) as unfinished:
                seconds = self._left(self.finished) / ceil(len(networks) / self.workers.most)
                unfinished.write_text(sealed_json({"seconds": seconds}))
        try:
            seconds = read_sealed(path)["seconds"]
        except Damaged as damage:
            raise PareError(f"{damage}; delete {self.folder}, and the same command compares anew") from damage
        outcomes = self._fit_to_all(networks, seconds, waits=not self.finished)
        for one in networks:
            held, error = outcomes[one.name]
            if held is None:
                one.leave_out(error or "it keeps its solved start, which the probe is as well")
            else:
                one.finish({0: held})

    # Rules 3 and 4: weights, and fits to all rows.

    def _ensemble(self, trained: set[str]) -> Fitted:
        mean, first = mean_of(self.run.task), self.finished[0].held
        outputs = {one.name: one.held["prediction"] for one in self.finished}
        truth, groups = first["truth"], first.get("group")
        temperatures = {name: fit_temperature(out, truth) if mean.scaled else 1.0 for name, out in outputs.items()}
        likely = {name: out / np.float32(temperatures[name]) for name, out in outputs.items()}
        loss = task_loss(self.run, self.data.store.statistics.get("y_scale"))
        prior = next((one.name for one in self.finished if one.run.source), "")  # the first around an encoder
        weights = self._final(shrunk_weights(likely, truth, mean, loss, groups, prior), trained)
        logger.info("Selected: %s.", weights_text(weights))
        members = {name: Model.load(self.folder / name / MODEL) for name in weights}
        prediction = combined(outputs, weights, temperatures, mean)
        taken = self.seconds - self._left()
        logger.info("%s of %s were taken.", duration(taken), duration(self.seconds))
        record = {
            "candidates": [one.row(weights.get(one.name, 0.0)) for one in self.tried],
            "validation": defined_score(build_metric(self.run.metric, self.run.task.output), prediction, truth),
            "n_train": sum(len(self.data.store.rows(split)) for split in ("train", "validation")),
            "train_seconds": round(taken, 1),
            "peak_memory_mb": round(max(peak_memory_mb(), *(one.record["peak_memory_mb"] for one in members.values()))),
            "device": str(PartialState().device),
            "versions": {name: number for one in members.values() for name, number in one.record["versions"].items()},
        }
        ensemble = Ensemble(members, weights, {name: temperatures[name] for name in weights}, mean)
        return Fitted(ensemble, record, Calibration.of_rows(self.run.task, prediction, truth, groups))

    def _final(self, weights: dict[str, float], trained: set[str]) -> dict[str, float]:
        """Fit the selected candidates to all rows, the heaviest first; weights of those that are done in time.

        Networks were trained on these rows already.
        """
        fits = [one for one in self.finished if one.name in weights.keys() - trained]
        fits.sort(key=lambda one: (-weights[one.name], one.name))
        seconds = self._left() / max(1, ceil(len(fits) / self.workers.most))
        outcomes = self._fit_to_all(fits, seconds, waits=not trained & weights.keys())
        failed = {name: error for name, (_, error) in outcomes.items() if error}
        for name, error in failed.items():
            logger.warning("%s is left out: %s", name, error)
        kept = {name: weight for name, weight in weights.items() if name not in failed}
        if not kept:
            raise PareError(f"no selected candidate could be fitted to all rows: {failed}")
        return {name: weight / sum(kept.values()) for name, weight in kept.items()}

    def _fit_to_all(self, some: Sequence[Tried], seconds: float, *, waits: bool) -> dict[str, Outcome]:
        """Outcomes of fits to all rows of so many seconds each; what was begun in time is ended when it is late."""
        jobs = {
            one.name: partial(fitted, _within(one.run, seconds), self.data, self.folder / one.name / MODEL)
            for one in some
        }
        end = max(0.0, self._left() + (LATE - 1) * self.seconds + LATE_SECONDS)
        return dict.fromkeys(jobs, (None, "no time: its fit was not done")) | dict(
            self.workers.run(jobs, end, waits=waits)
        )

    # Time.

    def _left(self, finals: Sequence[Tried] = ()) -> float:
        """Seconds that are left, without those of the fits of some candidates to all rows."""
        seconds, most = [MORE * one.seconds for one in finals], self.workers.most
        needed = sum(seconds) / most + (1 - 1 / most) * max(seconds, default=0.0)
        return self.due - time.monotonic() - needed


def _within(run: Run, seconds: float) -> Run:
    """A candidate with minutes for its fit, if it takes them: a network with a given number of epochs keeps those."""
    takes = run.minutes or run.learner.library
    return run.model_copy(update={"minutes": max(FITTING * seconds, 1.0) / 60}) if takes else run
