"""The interface of everything that learns: what it is given, what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Protocol

import numpy as np
import torch

from pare.config.run import Run
from pare.config.schema import LEARNERS
from pare.evaluation.calibration import Calibration
from pare.learners.source_folders import SourceFolders
from pare.storage.fingerprint import fingerprint
from pare.storage.store import ArrayStore
from pare.tracking import Tracking

ENSEMBLE = "ensemble.json"  # weights of the members; only in the folder of an ensemble


@dataclass(frozen=True)
class Data:
    """What is learnt from.

    Attributes:
        store: the model input.
        source: files of the pretrained encoder and its proxy; None for a learner that begins with none.
    """

    store: ArrayStore
    source: SourceFolders | None = None

    @property
    def fingerprints(self) -> list[Any]:
        """What of the data decides a model."""
        return [self.store.fingerprint, self.source and self.source.fingerprints]


@dataclass(frozen=True)
class Work:
    """Where a fit works.

    Attributes:
        folder: for what an interrupted fit leaves, so that it can go on.
        fingerprint: digest of everything that decides the model, for what is left in the folder.
        tracking: the tracker that logs each epoch.
    """

    folder: Path
    fingerprint: str
    tracking: Tracking = field(default_factory=Tracking)


def in_batches(predict: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, rows: int) -> np.ndarray:
    """What a function predicts for inputs ``(rows, …)``, of which it gets a number of rows at a time."""
    return np.concatenate([predict(inputs[start : start + rows]) for start in range(0, len(inputs), rows)])


class Predictor(Protocol):
    """What predicts, once it is fitted; `Learner.load` reads its files."""

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """Logits, numbers or fields in physical units, ``(rows, …)`` float32, of prepared inputs ``(rows, …)``.

        Args:
            inputs: prepared rows, float32, one at least and any number: a model that needs much memory for each row
                takes them in batches.
            device: where networks compute; the libraries of tables take the CPU.
        """

    def write(self, folder: Path) -> None:
        """Write it into a folder that is there, in formats that hold no code."""


@dataclass(frozen=True)
class Fitted:
    """A fitted model, and how the fitting went.

    Attributes:
        predictor: what predicts.
        record: what the fitting found out, for `record.json`: at least ``n_train``, ``train_seconds``, ``device`` and
            ``versions``; ``validation``, ``best_epoch``, ``samples_per_second`` and ``precision`` where there are any.
        calibration: how sure predictions are, by fits that did not learn from the validation rows; None without such
            rows, and for masks.
    """

    predictor: Predictor
    record: dict[str, Any]
    calibration: Calibration | None = None


class Learner(Protocol):
    """What learns; one for each kind of `pare.config.schema.LearnerConfig`."""

    def suits(self, run: Run) -> str:
        """Why the run cannot be made here, as it takes other data or a package is missing; empty where it can."""

    def check(self, run: Run) -> None:
        """Refuse a run before any file is brought; PareError with what is wrong and what would be right."""

    def fit(self, run: Run, data: Data, work: Work) -> Fitted:
        """Fit the run's model, or go on with an interrupted fit; PareError where that is not possible."""

    def load(self, folder: Path, run: Run, record: Mapping[str, Any]) -> Predictor:
        """Read what `Predictor.write` wrote; needs neither the source nor the model input.

        Args:
            folder: folder of the model.
            run: the run that made it.
            record: the record of its fitting.

        Raises:
            PareError: where a file is missing, damaged or of another model.
        """

    def weighs_rows(self, run: Run) -> bool:
        """Whether rows may count differently."""


def fit_fingerprint(run: Run, data: Data) -> str:
    """Digest of everything that decides the model of a run, except for the machine."""
    return fingerprint(run.decisive(), run.minutes, run.member, *data.fingerprints)


def learner_of(run: Run) -> Learner:
    """The learner of a run, imported."""
    learner: Learner = resolve_name(f"{__package__}.{LEARNERS[run.learner.kind]}")()
    return learner


def load_predictor(folder: Path, run: Run, record: Mapping[str, Any]) -> Predictor:
    """Read what predicts, an ensemble or a single model; arguments and errors as for `Learner.load`."""
    if (folder / ENSEMBLE).is_file():
        ensemble: Predictor = resolve_name(f"{__package__}.ensemble:load_ensemble")(folder, run.task)
        return ensemble
    return learner_of(run).load(folder, run, record)
