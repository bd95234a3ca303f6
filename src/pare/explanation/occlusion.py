"""Regions hidden one by one in each row, columns exchanged among the rows, and what that changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from rich import get_console
from rich.progress import Progress
from scipy.special import log_expit, log_softmax

from pare.evaluation.row_sums import blocks
from pare.evaluation.scoring import sample_errors
from pare.explanation.questions import EXCHANGES, Question
from pare.explanation.regions import Region, regions_of
from pare.prediction.predict import Predictor

Advance = Callable[[], None]


@dataclass(frozen=True)
class Explanation:
    """What the predictions of some rows rest on.

    Attributes:
        regions: regions of a row.
        outputs: outputs for the rows, ``(rows, …)``; None for fields.
        changes: change of each outcome where a region is hidden, ``(rows, regions, outcomes)``, see `changes`.
        importance: how far the mean loss rises without each region, ``(regions,)``; None for new rows.
        deviation: deviation of the importance over the exchanges of a column, ``(regions,)``; None where it was hidden.
    """

    regions: list[Region]
    outputs: np.ndarray | None
    changes: np.ndarray
    importance: np.ndarray | None
    deviation: np.ndarray | None = None

    @property
    def sizes(self) -> np.ndarray:
        """How far the prediction of each row changes without each region, in whatever direction, ``(rows, regions)``.

        Several outcomes are averaged.
        """
        return np.abs(self.changes).mean(axis=2)

    @property
    def weights(self) -> np.ndarray:
        """The importance of each region, ``(regions,)``; for new rows the mean of `sizes`."""
        return np.nanmean(self.sizes, axis=0) if self.importance is None else self.importance

    @property
    def order(self) -> np.ndarray:
        """Numbers of the regions, the most important first."""
        return np.argsort(-self.weights, kind="stable")


def explain(model: Predictor, question: Question) -> Explanation:
    """Hide each region of each row; with truths also measure how much worse the predictions become.

    For that, columns of a table are exchanged among the rows, five times (permutation importance, Breiman 2001); spans
    and patches are hidden. In memory is one batch of rows; of a table all.

    Args:
        model: a trained model of any method.
        question: the rows.
    """
    regions = regions_of(model.task, model.trained.preparation.columns)
    if question.columns is not None:
        regions = [regions[column] for column in question.columns]
    first, truth = question.read(0, 1)
    exchanges = EXCHANGES if model.task.kind == "table" and truth is not None else 0
    parts = list(blocks(len(question.names), first.nbytes))
    with Progress(transient=True, disable=not get_console().is_terminal) as progress:
        bar = progress.add_task("explaining", total=len(parts) * len(regions) * (1 + exchanges))
        hide = partial(_hidden, model, question, regions, lambda: progress.advance(bar))
        outputs, found, wrong = zip(*(hide(*part) for part in parts), strict=True)
        importance, deviation = _risen(wrong), None
        if exchanges:
            gains = _exchanged(model, question, regions, lambda: progress.advance(bar, len(parts)))
            importance, deviation = gains.mean(axis=0), gains.std(axis=0)
    predicted = None if model.task.output.kind == "dense" else np.concatenate(outputs)
    return Explanation(regions, predicted, np.concatenate(found), importance, deviation)


def _hidden(
    model: Predictor, question: Question, regions: list[Region], advance: Advance, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Outputs for a batch, its changes, and its losses, first of whole rows: ``(rows, 1 + regions)``."""
    x, truth = question.read(start, stop)
    outputs = model.trained.outputs(x, model.device)
    found, wrong = [], [] if truth is None else [losses(model, outputs, truth, question.spread)]
    for region in regions:
        hidden = model.trained.outputs(region.replaced(x, question.typical), model.device)
        found.append(changes(model, outputs, hidden))
        if truth is not None:
            wrong.append(losses(model, hidden, truth, question.spread))
        advance()
    return outputs, np.stack(found, axis=1), np.stack(wrong, axis=1) if wrong else None


def _risen(wrong: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """The rise of the mean loss without each region, ``(regions,)``; None where no truth is known."""
    known = [batch for batch in wrong if batch is not None]
    if not known:
        return None
    means = np.nanmean(np.concatenate(known), axis=0)
    return means[1:] - means[0]


def _exchanged(model: Predictor, question: Question, regions: list[Region], advance: Advance) -> np.ndarray:
    """The rise of the mean loss where each column has the values of other rows, ``(exchanges, columns)``."""
    x, truth = question.read(0, len(question.names))
    assert truth is not None  # else nothing is exchanged
    parts, rng = list(blocks(len(x), x[0].nbytes)), np.random.default_rng(0)

    def loss(rows: np.ndarray) -> float:
        outputs = [model.trained.outputs(rows[start:stop], model.device) for start, stop in parts]
        return float(losses(model, np.concatenate(outputs), truth, question.spread).mean())

    whole, risen = loss(x), np.zeros((EXCHANGES, len(regions)))
    for exchange, number in np.ndindex(risen.shape):
        risen[exchange, number] = loss(regions[number].replaced(x, x[rng.permutation(len(x))])) - whole
        advance()
    return risen


def changes(model: Predictor, outputs: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """What is lost where something was hidden.

    Args:
        model: whose outputs they are.
        outputs: outputs for whole rows, ``(rows, …)``.
        hidden: outputs for the same rows with something hidden.

    Returns:
        ``(rows, outcomes)`` float64. For classes: the fall of the probability of the predicted one; for labels: that
        of each; for numbers: the fall of each; for fields and masks: the relative L2 distance of both predictions.
    """
    kind = model.task.output.kind
    if model.classes is not None or model.is_binary:
        predicted = outputs.argmax(axis=1)
        outputs, hidden = model.probabilities(outputs), model.probabilities(hidden)
        if model.classes is not None:
            rows = np.arange(len(predicted))
            return (outputs[rows, predicted] - hidden[rows, predicted]).astype(np.float64)[:, None]
    if kind == "dense":
        return sample_errors(hidden, outputs, relative=True)[:, None]
    return outputs.astype(np.float64) - hidden


def change_names(model: Predictor) -> list[str]:
    """The name of each column of `changes`; one column alone is ``change``."""
    if model.classes is not None or model.task.output.kind == "dense":
        return ["change"]
    names = model.task.output.names("prediction")
    return ["change"] if len(names) == 1 else [f"change of {name}" for name in names]


def losses(model: Predictor, outputs: np.ndarray, truth: np.ndarray, spread: np.ndarray | None) -> np.ndarray:
    """How wrong each prediction is, ``(rows,)`` float64, see `loss_name`; NaN for a field
    without a valid point, or of zeros.

    Args:
        model: whose outputs they are.
        outputs: outputs for the rows, ``(rows, …)``.
        truth: truth of the rows, as a model input has it.
        spread: variance of each number that is predicted, over all rows, ``(numbers,)``; None where none are.
    """
    if model.classes is not None or model.is_binary:
        calibration = model.trained.calibration
        logits = outputs.astype(np.float64) / (calibration.temperature if calibration else 1.0)
        if model.classes is not None:
            return -log_softmax(logits, axis=1)[np.arange(len(truth)), truth]
        of_each = -np.where(truth > 0.5, log_expit(logits), log_expit(-logits))
        masked = np.where(np.isnan(truth), np.nan, of_each).reshape(len(truth), -1)
        return np.nanmean(masked, axis=1)
    if model.task.output.kind == "dense":
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = sample_errors(outputs, truth, relative=True)
        return np.where(np.isfinite(errors), errors, np.nan)  # no error is relative to a field of zeros
    assert spread is not None  # for numbers
    return ((outputs - truth.astype(np.float64)) ** 2 / np.where(spread > 0, spread, 1)).mean(axis=1)


def loss_name(model: Predictor) -> str:
    """What the mean of `losses` is."""
    if model.classes is not None or model.is_binary:
        return "log loss"
    return "relative L2 error" if model.task.output.kind == "dense" else "1 − R²"
