"""A choice as something that is lazily saved: the selected model."""

import logging
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState

from pare.config import PareError, Run
from pare.evaluation.calibration import Calibration
from pare.evaluation.scoring import predict_rows
from pare.learners.choice.blend import Decision, decide, mean_of, weights_text
from pare.learners.choice.chosen import ChosenModel, load_trained
from pare.learners.choice.fold_rows import holds_validation_out
from pare.learners.choice.processes import side_by_side
from pare.learners.choice.search import Search
from pare.learners.choice.tried import Candidate, defined_score, described, is_bounded, not_installed
from pare.learners.machine import peak_memory_mb, versions
from pare.learners.model import Model, recorded_fingerprint, tell_of_replaced
from pare.learners.networks.start.cross_validation import folds_that_keep
from pare.learners.networks.training import SourceFolders
from pare.storage.access import held_alone
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import fingerprint
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
SEARCH, LOCK, MODEL = "search", ".choosing", "model"  # next to the model's folder; MODEL: in that of a candidate


@dataclass(frozen=True)
class Choice:
    """A choice that is described and not made yet; lazily saved, see `pare.storage.fingerprint.Lazy`.

    Held-out predictions lie next to the model, so that an interrupted choice goes on, and one with more minutes begins
    with them.

    Attributes:
        run: what to choose from.
        store: the model input.
        source: files of the encoder and its proxy.
    """

    run: Run
    store: ArrayStore
    source: SourceFolders

    def is_current(self, path: Path) -> bool:
        """Whether the model at ``path`` is that of this choice."""
        return recorded_fingerprint(path) == self._fingerprint

    def write(self, path: Path) -> None:
        """Compare the candidates, fit the selected ones to all rows, and write a folder whole or not at all.

        Raises:
            PareError: where another process makes the same choice.
        """
        with held_alone(
            path.parent / LOCK,
            f"{self.run.folder} is being chosen",
            "wait until it is done, or name this run to choose as well: variant=NAME",
        ):
            tell_of_replaced(path, self.run)
            chosen = self._chosen(path.parent / SEARCH)
            with atomic_path(path) as unfinished:
                chosen.save(unfinished)
            for fitted in (path.parent / SEARCH).glob(f"*/{MODEL}"):
                shutil.rmtree(fitted)

    @property
    def _fingerprint(self) -> str:
        return fingerprint(self.run.decisive(), self.run.minutes, self.store.fingerprint, self.source.fingerprints)

    def _chosen(self, folder: Path) -> ChosenModel:
        search = Search(self.run, self.store, self.source, folder)
        search.announce()
        finished = search.finished()
        outputs, truth, groups = {one.name: one.outputs for one in finished}, finished[0].truth, finished[0].groups
        parts = folds_that_keep(self.run.task.split, groups, len(truth)) if len(truth) > 1 else None
        decided = partial(decide, y=truth, mean=mean_of(self.run.task), loss=search.loss, parts=parts, groups=groups)
        decision = decided(outputs)
        _tell("Best in the comparison", decision, len(finished))
        runs = search.final(decision.blend.weights)
        networks = self._trained({name: run for name, run in runs.items() if is_bounded(run)}, folder, search)
        trained = self._validated(networks)
        for name in networks.keys() - outputs.keys() - trained.keys():
            search.leave_out(name, "it keeps its solved start, which the probe is as well")
        known = {name: predicted for name, predicted in (outputs | trained).items() if name in runs}
        if trained:
            decision = decided(known)
        others = {name: runs[name] for name in decision.blend.weights if name not in networks}
        members = networks | self._fitted(others, folder)
        _tell("Selected", decision, len(known))
        selected = {name: members[name] for name in decision.blend.weights}
        finals = {name: self._final(networks[name], predicted, truth) for name, predicted in trained.items()}
        record = self._record(search, decision, truth, finals) | _costs(search, members, networks)
        preparation = next(iter(selected.values())).preparation
        calibration = Calibration.of_rows(self.run.task, decision.outputs, truth, groups)
        return ChosenModel(self.run, record, decision.blend, selected, preparation, calibration)

    def _trained(self, networks: Mapping[str, Candidate], folder: Path, search: Search) -> dict[str, Model]:
        """Networks trained side by side; one that was not compared before and fails is left out, as in a comparison."""
        compared = {tried.name for tried in search.tried if tried.folds}
        for name, error in self._fit(networks, folder, search.at_a_time).items():
            if name in compared:
                raise error
            search.leave_out(name, str(error))
        left_out = {tried.name for tried in search.tried if tried.left_out}
        return {name: load_trained(folder / name / MODEL) for name in networks if name not in left_out}

    def _fitted(self, runs: Mapping[str, Candidate], folder: Path) -> dict[str, Model]:
        """Candidates fitted one after the other."""
        for error in self._fit(runs, folder, at_a_time=1).values():
            raise error
        return {name: load_trained(folder / name / MODEL) for name in runs}

    def _fit(self, runs: Mapping[str, Candidate], folder: Path, at_a_time: int) -> dict[str, PareError]:
        """Fit candidates to all rows, so many at a time, unless an interrupted choice has done it; what failed."""
        jobs = {}
        for name, run in runs.items():
            fit, path = described(run, self.store, self.source), folder / name / MODEL
            if not fit.is_current(path):
                jobs[name] = partial(fit.write, path)
        if jobs:
            logger.info("Fitted to all rows: %s.", ", ".join(jobs))
        return {name: outcome.error for name, outcome in side_by_side(jobs, at_a_time) if outcome.error}

    def _validated(self, networks: Mapping[str, Model]) -> dict[str, np.ndarray]:
        """Outputs of trained networks for the validation rows, which chose their epochs and taught them nothing.

        None where other rows are held out. A network that kept its solved start has none: it learnt from all rows.
        """
        if not holds_validation_out(self.store, self.run.folds):
            return {}
        device, rows = PartialState().device, self.store.rows("validation")
        return {
            name: predict_rows(partial(model.outputs, device=device), rows)["prediction"]
            for name, model in networks.items()
            if model.record["best_epoch"]
        }

    def _final(self, network: Model, predicted: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
        """Metric and seconds of a network's final fit."""
        return {"final": defined_score(self.run, predicted, truth), "seconds": network.record["train_seconds"]}

    def _record(
        self, search: Search, decision: Decision, truth: np.ndarray, finals: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        weights = decision.blend.weights
        return {
            "fingerprint": self._fingerprint,
            "model_input": self.store.fingerprint,
            "decisive": self.run.decisive(),
            "candidates": [tried.row(weights.get(tried.name, 0.0), finals.get(tried.name)) for tried in search.tried],
            "not_installed": not_installed(self.run),
            "losses": decision.losses,
            "history": [],
            "validation": defined_score(self.run, decision.outputs, truth),
            "best_epoch": None,
            "n_train": len(self.store.rows("train")) + len(self.store.rows("validation")),
            "samples_per_second": None,
            "device": str(PartialState().device),
            "precision": None,
            "versions": versions(),
        }


def _costs(search: Search, members: Mapping[str, Model], networks: Collection[str]) -> dict[str, Any]:
    """Seconds of the comparison and the final fits, and the most memory that they took together."""
    records = {name: model.record for name, model in members.items()}
    seconds = {name: record["train_seconds"] for name, record in records.items()}
    final = max((seconds.pop(name) for name in networks), default=0.0) + sum(seconds.values())
    memory = max(peak_memory_mb(), sum(records[name]["peak_memory_mb"] for name in networks))
    return {
        "train_seconds": round(search.run.minutes * 60 - search.left + final, 1),
        "peak_memory_mb": round(memory),
    }


def _tell(what: str, decision: Decision, candidates: int) -> None:
    if candidates > 1:
        losses = ", ".join(f"{way} {loss:.4g}" for way, loss in decision.losses.items())
        logger.info("Loss on rows that did not choose: %s.", losses)
    logger.info("%s: %s.", what, weights_text(decision.blend.weights))
