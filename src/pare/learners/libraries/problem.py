"""Input and result of a library's fit, its estimator, and estimators as files of skops.

Files of skops are JSON and arrays, from which only named types are made.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import torch
from pydantic import BaseModel

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.schema import Task
from pare.data.formats.memory import OBJECTS, check_memory
from pare.data.preparation import draw_rows
from pare.evaluation.metrics import build_error
from pare.evaluation.row_sums import Metric
from pare.learners.learner import in_batches
from pare.learners.networks.start.cross_validation import weights_of
from pare.storage.store import ArrayStore, Rows

SUFFIX, SCHEMA = ".skops", "schema.json"
# In addition to scikit-learn's own estimators, numpy's arrays and plain Python values, which skops trusts by itself.
TRUSTED = ("numpy.dtype",)


@dataclass(frozen=True)
class Problem:
    """A task as a library sees it.

    Attributes:
        task: the task.
        store: the model input.
        chosen: numbers of the training rows that are used.
        seed: seed of everything random.
        class_weights: whether classes are weighted by their inverse frequency.
        positive_weight: weight of labels that are 1.
        error: the run's metric as an error, for the choice of options.
        deadline: when the fit is to end, by `time.monotonic`; infinite where it may take as long as it does.
    """

    task: Task
    store: ArrayStore
    chosen: np.ndarray
    seed: int
    class_weights: bool
    positive_weight: float
    error: Metric
    deadline: float = inf

    @property
    def train(self) -> Rows:
        """All training rows, those that are not used among them."""
        return self.store.rows("train")

    @property
    def validation(self) -> Rows:
        """The validation rows; none under protocol paper."""
        return self.store.rows("validation")

    @property
    def categories(self) -> Sequence[int]:
        """Number of categories per column of a table, 0 for numbers; empty where all are numbers."""
        return self.store.description.get("categories", ())

    @property
    def weights(self) -> np.ndarray | None:
        """How much each training row that is used counts, ``(rows,)``; None where all count alike."""
        return weights_of([(self.train, self.chosen)])

    def training_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and answers of the training rows that are used, each ``(rows, …)``."""
        arrays = self.train.__getitems__(self.chosen.tolist())
        return arrays["x"], arrays["y"]


def problem_of(run: Run, store: ArrayStore) -> Problem:
    """The task of a run as a library sees it: the rows, weights and metric that the run would use itself."""
    task, training = run.task, run.training
    chosen = draw_rows(len(store.rows("train")), training.fraction, run.seed)
    error = build_error(run.metric, task.output)
    weights = training.class_weights, training.positive_weight
    deadline = time.monotonic() + 60 * run.minutes if run.minutes else inf
    return Problem(task, store, chosen, run.seed, *weights, error, deadline)


def check_two_classes(y: np.ndarray, what: str) -> None:
    """Refuse rows of one class, ``(rows,)``, which an estimator of that name cannot take; PareError."""
    if len(np.unique(y)) == 1:
        raise PareError(
            f"all {len(y)} training rows are of one class, {what} needs two; bring rows of another, or raise "
            "training.fraction"
        )


class LibraryModel(ABC):
    """A library's model, a `pare.learners.learner.Predictor`; `load` of its `Estimator` reads its files.

    Attributes:
        batch_rows: rows that `predict` gets at a time, at most; few where it makes many features of each.
    """

    batch_rows: ClassVar[int] = 64

    @abstractmethod
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs ``(rows, …)`` to logits, numbers or fields in physical units, ``(rows, …)`` float32."""

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write it into a folder that is there, in formats that hold no code."""

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """What it predicts, on the CPU whatever the device."""
        return in_batches(self.predict, inputs, self.batch_rows)


@dataclass(frozen=True)
class LibraryFit:
    """A library's model, and how the fitting went.

    Attributes:
        model: what predicts.
        versions: versions of the libraries, by name.
        threads: number of threads that made most of the fit; None where nobody counted.
        unseen: predictions of the validation rows by fits that did not learn from them, ``(rows, …)``; None where
            the model is such a fit itself.
        others: further models, fitted to other rows; the mean of all is predicted.
    """

    model: LibraryModel
    versions: dict[str, str]
    threads: int | None = None
    unseen: np.ndarray | None = None
    others: Sequence[LibraryModel] = ()


@dataclass(frozen=True)
class Estimator:
    """How an estimator is fitted and loaded; which tasks it learns: `pare.config.suitability`.

    Attributes:
        packages: modules that it imports.
        options: the options that it knows.
        fit: fits it.
        load: reads a fitted model from its folder, the run that made it and the run's options.
        weighted: whether rows may count differently.
        bounded: whether the fit ends at `Problem.deadline`.
    """

    packages: tuple[str, ...]
    options: type[BaseModel]
    fit: Callable[[Problem, Any], LibraryFit]
    load: Callable[[Path, Run, Any], LibraryModel]
    weighted: bool = False
    bounded: bool = False


def class_scores(scores: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Scores of all classes, ``(rows, classes)`` float32; a class that was never seen gets less than any other.

    Args:
        scores: ``(rows,)`` of the second of two classes, else ``(rows, present classes)``.
        present: classes of the training rows.
        classes: number of the task's classes.
    """
    scores = np.stack([-scores, scores], 1) / 2 if scores.ndim == 1 else scores
    full = np.repeat(scores.min(1, keepdims=True) - 10, classes, 1)
    full[:, present] = scores
    return full.astype(np.float32)


def write_skops(estimator: Any, path: Path) -> None:
    """Write a fitted estimator, or a list of several."""
    import skops.io  # noqa: PLC0415 - takes a second, and a fit that is not saved needs none

    skops.io.dump(estimator, path, compression=ZIP_DEFLATED)


def read_skops(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Read what `write_skops` wrote; an error of skops where the file is damaged or has a type that is not trusted.

    Args:
        path: path of the file.
        trusted: whole names of types that it may have besides `TRUSTED`.

    Raises:
        TooLargeError: where it unpacks to more than there is memory for.
    """
    import skops.io  # noqa: PLC0415

    with ZipFile(path) as archive:
        for member in archive.infolist():
            check_memory(member.file_size * (OBJECTS if member.filename == SCHEMA else 1), f"{path}: {member.filename}")
    return skops.io.load(path, trusted=[*TRUSTED, *trusted])
