"""What every baseline is given, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor
from torchmetrics import Metric

from pare.config.errors import import_extra
from pare.config.run import TaskRun
from pare.config.schema import Task
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import predict_rows, score
from pare.preparation import draw_rows
from pare.start.folds import weights_of
from pare.storage.store import ArrayStore, Rows
from pare.training.losses import build_loss
from pare.uncertainty import Calibration


@dataclass(frozen=True)
class Problem:
    """A task as a baseline sees it.

    Attributes:
        task: what is to be learnt.
        store: the model input.
        chosen: numbers of the training rows that are used.
        seed: of everything random.
        class_weights: whether classes are weighted by their inverse frequency.
        positive_weight: weight of labels that are 1.
        metric: the task's, for the choice of the best epoch.
        loss: the task's, of predictions and targets ``(batch, …)`` in physical units.
        symmetries: of the task's equation, keys of `pare.models.symmetries.SYMMETRIES`.
    """

    task: Task
    store: ArrayStore
    chosen: np.ndarray
    seed: int
    class_weights: bool
    positive_weight: float
    metric: Metric
    loss: Callable[[Tensor, Tensor], Tensor]
    symmetries: tuple[str, ...] = ()

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


def problem_of(run: TaskRun, store: ArrayStore) -> Problem:
    """The task of a run as a baseline sees it: the rows, weights, metric and loss that the run would use itself."""
    task, training = run.task, run.training
    chosen = draw_rows(len(store.rows("train")), training.fraction, run.seed)
    loss = build_loss(task.loss, task.output.kind, positive_weight=training.positive_weight)
    metric = build_metric(run.metric, task.output)
    weights = training.class_weights, training.positive_weight
    return Problem(task, store, chosen, run.seed, *weights, metric, loss, training.symmetries)


class FittedModel(Protocol):
    """What a fitted baseline predicts with; `load` of its `Estimator` reads what it wrote."""

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs ``(rows, …)`` to logits, numbers or fields in physical units, ``(rows, …)`` float32."""

    def write(self, folder: Path) -> None:
        """Write it into a folder that is there, in formats that hold no code."""


@dataclass(frozen=True)
class Fitted:
    """A fitted baseline, and how the fitting went.

    Attributes:
        model: what predicts.
        versions: of the libraries, by name.
        best_epoch: the one that was kept, counted from 1; none where there are no epochs.
        passes: how often each training row was seen; its epochs, where there are some.
        device: where it was computed.
        precision: in which its layers computed while it was fitted, ``no`` for single or more.
        threads: number of threads that made most steps of a network; None for others.
        unseen: predictions of the validation rows by fits that did not learn from them, ``(rows, …)``; None where
            the model is such a fit itself.
        members: where the model is the mean of several trainings, the epoch that each kept.
    """

    model: FittedModel
    versions: dict[str, str]
    best_epoch: int | None = None
    passes: int = 1
    device: str = "cpu"
    precision: str = "no"
    threads: int | None = None
    unseen: np.ndarray | None = None
    members: tuple[int, ...] = ()

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Predict rows; see `FittedModel.predict`."""
        return self.model.predict(inputs)

    def validate(self, problem: Problem) -> float | None:
        """The metric of the validation rows, by fits that did not learn from them; None where there are none."""
        if not len(problem.validation):
            return None
        outcome = self._held_out(problem.validation)
        return score(problem.metric, outcome["prediction"], outcome["truth"])

    def calibrate(self, problem: Problem) -> Calibration | None:
        """How sure predictions are, by fits that did not learn from the validation rows; None as of `held_out`."""
        if not len(problem.validation):
            return None
        outcome, groups = self._held_out(problem.validation), problem.validation.groups
        return Calibration.of_rows(problem.task, outcome["prediction"], outcome["truth"], groups)

    def _held_out(self, rows: Rows) -> dict[str, np.ndarray]:
        if self.unseen is None:
            return predict_rows(self.model.predict, rows)
        return {"prediction": self.unseen, "truth": rows.array("y")}


def require(module: str) -> Any:
    """Import a library that only the baselines need; PareError where it is not installed."""
    return import_extra(module, "this baseline", "pare-transfer[baselines]")
