"""A choice as something that is lazily saved: the model that it keeps."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import PartialState

from pare.choice.blend import Decision, decide, mean_of, shares_text
from pare.choice.chosen import ChosenModel, load_trained
from pare.choice.fits import Candidate, described
from pare.choice.search import Search, Tried, defined_score
from pare.config import ChoiceRun
from pare.start.folds import folds_that_keep
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import fingerprint
from pare.storage.lock import held_alone
from pare.storage.store import ArrayStore
from pare.training import SourceFolders
from pare.training.machine import peak_memory_mb, versions
from pare.training.record import recorded_fingerprint, tell_of_replaced
from pare.training.saved_model import SavedModel
from pare.uncertainty import Calibration

logger = logging.getLogger(__name__)
SEARCH, LOCK, MODEL = "search", ".choosing", "model"  # next to the model's folder; MODEL: in that of a candidate


@dataclass(frozen=True)
class Choice:
    """A choice that is described and not made yet; lazily saved, see `pare.storage.lazy.Lazy`.

    Held-out predictions lie next to the model, so that an interrupted choice goes on, and one with more minutes begins
    with them.

    Attributes:
        run: what to choose from.
        store: the model input.
        source: files of the encoder and its proxy.
    """

    run: ChoiceRun
    store: ArrayStore
    source: SourceFolders

    def is_current(self, path: Path) -> bool:
        """Whether the model at ``path`` is that of this choice."""
        return recorded_fingerprint(path) == self._fingerprint

    def write(self, path: Path) -> None:
        """Compare the candidates, fit what is kept to all rows, and write its folder whole or not at all.

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
            for name in chosen.members:
                shutil.rmtree(path.parent / SEARCH / name / MODEL)

    @property
    def _fingerprint(self) -> str:
        return fingerprint(self.run.decisive(), self.run.minutes, self.store.fingerprint, self.source.fingerprints)

    def _chosen(self, folder: Path) -> ChosenModel:
        search = Search(self.run, self.store, self.source, folder)
        finished = search.finished()
        outputs, mean = {tried.name: tried.outputs for tried in finished}, mean_of(self.run.task)
        truth, groups = finished[0].truth, finished[0].groups
        parts = folds_that_keep(self.run.task.split, groups, len(truth)) if len(truth) > 1 else None
        decision = decide(outputs, truth, mean, search.loss, parts, groups)
        _tell(decision, len(finished))
        final = search.final(decision.blend.shares)
        members = {name: self._fitted(run, folder / name / MODEL) for name, run in final.items()}
        record = self._record(search, decision, finished[0], members)
        first = next(iter(members.values()))
        # by models, and shares, that did not learn from a row
        calibration = Calibration.of_rows(self.run.task, decision.outputs, finished[0].truth, finished[0].groups)
        return ChosenModel(self.run, record, decision.blend, members, first.preparation, calibration)

    def _fitted(self, run: Candidate, path: Path) -> SavedModel:
        """A member fitted to all rows, unless an interrupted choice has done it."""
        fit = described(run, self.store, self.source)
        if not fit.is_current(path):
            logger.info("%s is fitted to all rows:", run.method_name)
            fit.write(path)
        return load_trained(path)

    def _record(
        self, search: Search, decision: Decision, first: Tried, members: Mapping[str, SavedModel]
    ) -> dict[str, Any]:
        final = sum(model.record["train_seconds"] for model in members.values())
        return {
            "fingerprint": self._fingerprint,
            "model_input": self.store.fingerprint,
            "decisive": self.run.decisive(),
            "candidates": [tried.row(decision.blend.shares.get(tried.name, 0.0)) for tried in search.tried],
            "losses": decision.losses,
            "history": [],
            "validation": defined_score(self.run, decision.outputs, first.truth),
            "best_epoch": None,
            "n_train": len(self.store.rows("train")) + len(self.store.rows("validation")),
            "train_seconds": round(self.run.minutes * 60 - search.left + final, 1),
            "samples_per_second": None,
            "peak_memory_mb": round(peak_memory_mb()),
            "device": str(PartialState().device),
            "precision": None,
            "versions": versions(),
        }


def _tell(decision: Decision, finished: int) -> None:
    if finished > 1:
        losses = ", ".join(f"{way} {loss:.4g}" for way, loss in decision.losses.items())
        logger.info("Loss on rows that did not choose: %s.", losses)
    logger.info("Kept: %s.", shares_text(decision.blend.shares))
