"""The best of several learners for a task, or their weighted mean, within some minutes.

Four rules. Candidates come in the order of their cost, and each may take half of the time that is left; networks that
train for minutes share them evenly. Each predicts rows that it did not learn from. These predictions choose the
weights. What is selected learns once more from all rows.
"""

import logging
import time
from collections.abc import Mapping
from functools import partial
from math import ceil, inf
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState

from pare.config.errors import PareError
from pare.config.estimate import duration, estimate
from pare.config.run import MODEL, Run
from pare.config.words import weights_text
from pare.evaluation.calibration import Calibration, fit_temperature
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.scoring import defined_score
from pare.learners.choice.folds import fold_parts
from pare.learners.choice.processes import Workers
from pare.learners.choice.tried import Held, Tried, fitted, held_out
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
        choice = Choice(run, data, work.folder)
        try:
            return choice.fitted()
        finally:
            choice.workers.end()

    def load(self, folder: Path, run: Run, record: Mapping[str, Any]) -> Ensemble:
        """Read the ensemble of the selected models."""
        return load_ensemble(folder, run.task)

    def weighs_rows(self, run: Run) -> bool:
        """No: not every candidate does."""
        return False


class Choice:
    """A comparison of candidates, and the ensemble that comes of it.

    Args:
        run: candidates and minutes.
        data: what they learn from.
        folder: folder for predictions and models, which outlive an interrupted choice.
    """

    def __init__(self, run: Run, data: Data, folder: Path) -> None:
        assert run.minutes  # which every choice has
        self.run, self.data, self.folder, self.mean = run, data, folder, mean_of(run.task)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.started, self.seconds, self.workers = time.monotonic(), 60 * run.minutes, Workers()
        self.tried = [Tried(one, learner_of(one).suits(one)) for one in run.candidates]
        self.parts = fold_parts(data.store, run.task, run.folds)

    def fitted(self) -> Fitted:
        """Compare, select and fit.

        Raises:
            PareError: where no candidate could be fitted in time.
        """
        for one in self.tried:
            if one.left_out:
                logger.info("%s is left out: %s.", one.name, one.left_out)
        suitable = [one for one in self.tried if not one.left_out]
        rows, names = sum(map(len, self.parts[0].values())), ", ".join(one.name for one in suitable)
        logger.info("Compared on %s rows within %s: %s.", f"{rows:,}", duration(self.seconds), names)
        networks = [one for one in suitable if one.run.minutes and self.run.folds == 1]
        dict(self.workers.run({"": int}))  # the processes begin, which is no candidate's time
        for one in suitable:
            if one not in networks and not self._is_solved(one):
                self._compare(one)
        if open_ones := [one for one in networks if not self._is_solved(one)]:
            self._train(open_ones)
        if not self._finished:
            reasons = "; ".join(f"{one.name}: {one.left_out}" for one in self.tried)
            raise PareError(
                f"no candidate was fitted within {duration(self.seconds)}; give more, such as minutes="
                f"{self.seconds / 15:g}. {reasons}"
            )
        return self._ensemble({one.name for one in networks})

    # Rules 1 and 2: candidates in the order of their cost, and what they predict for held-out rows.

    def _compare(self, one: Tried) -> None:
        """Fit a candidate to each fold within half of the time that is left.

        The folds that the first candidate ends in its time, one at least, are those of all others.
        """
        limit, rounds, first = self._left / 2, ceil(len(self.parts) / self.workers.most), not self._finished
        if not first and limit <= rounds * self._least_seconds(one):
            self._leave_out(one, f"no time: half of what is left is {duration(max(limit, 0))}")
            return
        run = _within(one.run, max(limit, 1.0) / (rounds + 1))
        jobs = {
            str(number): partial(held_out, run, self.data, parts, self.folder, number)
            for number, parts in enumerate(self.parts)
        }
        folds: dict[int, Held] = {}
        for name, (held, error) in self.workers.run(jobs, limit, least=int(first)):
            if error:
                self._leave_out(one, error)
                return
            folds[int(name)] = held
            if not first and rounds * held["seconds"] > limit:
                break
        if not first and len(folds) < len(self.parts):
            self._leave_out(one, f"no time: its fits were not done in {duration(limit)}")
            return
        if len(folds) < len(self.parts):
            logger.warning("%d of %d folds are compared, for want of time.", len(folds), len(self.parts))
        self.parts = [self.parts[number] for number in sorted(folds)]
        self._finish(one, [folds[number] for number in sorted(folds)])

    def _train(self, networks: list[Tried]) -> None:
        """Train networks for the time that is left, in even parts; validation rows choose their epochs."""
        path = self.folder / MINUTES
        if not path.is_file():
            with atomic_path(path) as unfinished:
                unfinished.write_text(sealed_json({"seconds": self._left / ceil(len(networks) / self.workers.most)}))
        try:
            seconds = read_sealed(path)["seconds"]
        except Damaged as damage:
            raise PareError(f"{damage}; delete {self.folder}, and the same command compares anew") from damage
        jobs = {one.name: partial(fitted, _within(one.run, seconds), *self._place(one.name)) for one in networks}
        # Their own timetables bound them: where there is no other model, it is they that are waited for.
        outcomes = dict(self.workers.run(jobs, self._end if self._finished else inf))
        for one in networks:
            held, error = outcomes.get(one.name, (None, "no time: its training was not done"))
            if held is None:
                self._leave_out(one, error or "it keeps its solved start, which the probe is as well")
            else:
                self._finish(one, [held])

    def _is_solved(self, one: Tried) -> bool:
        """Whether the candidates before one leave it nothing to gain."""
        if exact := next((other.name for other in self._finished if other.is_exact), ""):
            self._leave_out(one, f"{exact} predicts but for rounding")
        return bool(exact)

    # Rules 3 and 4: weights, and fits to all rows.

    def _ensemble(self, trained: set[str]) -> Fitted:
        first, outputs = self._finished[0], {one.name: one.all("prediction") for one in self._finished}
        truth, groups = first.all("truth"), first.all("group") if "group" in first.folds[0] else None
        scaled, loss = self.mean.scaled, task_loss(self.run, self.data.store.statistics.get("y_scale"))
        temperatures = {name: fit_temperature(out, truth) if scaled else 1.0 for name, out in outputs.items()}
        likely = {name: out / np.float32(temperatures[name]) for name, out in outputs.items()}
        weights = self._fit_to_all(shrunk_weights(likely, truth, self.mean, loss, groups), trained)
        logger.info("Selected: %s.", weights_text(weights))
        members = {name: Model.load(self._place(name)[1]) for name in weights}
        prediction = combined(outputs, weights, temperatures, self.mean)
        taken = time.monotonic() - self.started
        logger.info("%s of %s were taken.", duration(taken), duration(self.seconds))
        record = {
            "candidates": [one.row(weights.get(one.name, 0.0)) for one in self.tried],
            "validation": defined_score(build_metric(self.run.metric, self.run.task.output), prediction, truth),
            "best_epoch": None,
            "n_train": sum(len(self.data.store.rows(split)) for split in ("train", "validation")),
            "train_seconds": round(taken, 1),
            "samples_per_second": None,
            "peak_memory_mb": round(max(peak_memory_mb(), *(one.record["peak_memory_mb"] for one in members.values()))),
            "device": str(PartialState().device),
            "precision": None,
            "versions": {name: number for one in members.values() for name, number in one.record["versions"].items()},
        }
        ensemble = Ensemble(members, weights, {name: temperatures[name] for name in weights}, self.mean)
        return Fitted(ensemble, record, Calibration.of_rows(self.run.task, prediction, truth, groups))

    def _fit_to_all(self, weights: dict[str, float], trained: set[str]) -> dict[str, float]:
        """Fit the selected candidates to all rows, except for trained networks; weights of those that are done in time.

        The heaviest come first. Where nothing is done in time, the very first is waited for.
        """
        names = sorted(weights.keys() - trained, key=lambda name: (-weights[name], name))
        seconds = self._left_in_all / max(1, ceil(len(names) / self.workers.most))
        runs = {one.name: _within(one.run, seconds) for one in self.tried}
        jobs = {name: partial(fitted, runs[name], *self._place(name)) for name in names}
        outcomes = dict(self.workers.run(jobs, self._end))
        if not outcomes and not trained & weights.keys():
            outcomes = dict(self.workers.run({names[0]: jobs[names[0]]}))
        failed = {name: why for name in names if (why := outcomes.get(name, (None, "no time"))[1])}
        for name, why in failed.items():
            logger.warning("%s is left out: %s", name, why)
        kept = {name: weight for name, weight in weights.items() if name not in failed}
        if not kept:
            raise PareError(f"no selected candidate could be fitted to all rows: {failed}")
        return {name: weight / sum(kept.values()) for name, weight in kept.items()}

    # Time.

    @property
    def _left_in_all(self) -> float:
        return self.started + self.seconds - time.monotonic()

    @property
    def _left(self) -> float:
        """Seconds that are left, without those of the fits to all rows."""
        finals = [MORE * one.seconds for one in self._finished]
        most = self.workers.most
        return self._left_in_all - sum(finals) / most - (1 - 1 / most) * max(finals, default=0.0)

    @property
    def _end(self) -> float:
        """Seconds until what was begun in time is ended."""
        return max(0.0, self._left_in_all + (LATE - 1) * self.seconds + LATE_SECONDS)

    def _least_seconds(self, one: Tried) -> float:
        """Seconds that a fit takes at least: by an estimate for a training, else as the fastest before it."""
        if one.run.source and one.run.training.epochs and not one.run.minutes:
            return estimate(one.run, speed_here(one.run, PartialState().device)).seconds
        return min((other.seconds for other in self._finished), default=0.0)

    @property
    def _finished(self) -> list[Tried]:
        return [one for one in self.tried if one.folds]

    def _place(self, name: str) -> tuple[Data, Path]:
        """What a fit to all rows learns from, and the folder of its model."""
        return self.data, self.folder / name / MODEL

    def _finish(self, one: Tried, folds: list[Held]) -> None:
        one.folds = folds
        value, spec = one.row(0.0)["metric"], METRICS[self.run.metric]
        text = f"{spec.title} undefined" if value is None else spec.text(value)
        logger.info("%s: %s, %.1f s a fit", one.name, text, one.seconds)

    def _leave_out(self, one: Tried, why: str) -> None:
        one.left_out = why
        logger.warning("%s is left out: %s", one.name, why)


def _within(run: Run, seconds: float) -> Run:
    """A candidate with minutes for its fit, if it takes them: a network with a given number of epochs keeps those."""
    takes = run.minutes or run.learner.library
    return run.model_copy(update={"minutes": max(FITTING * seconds, 1.0) / 60}) if takes else run
