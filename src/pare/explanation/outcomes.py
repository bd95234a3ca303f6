"""How far a prediction changes, and how wrong it is, row by row."""

import numpy as np
from scipy.special import log_expit, log_softmax

from pare.evaluation.prediction import sample_errors
from pare.prediction.predict import Predictor


def changes(model: Predictor, outputs: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """What is lost where something was hidden.

    Args:
        model: whose outputs they are.
        outputs: of whole rows, ``(rows, …)``.
        hidden: of the same rows, of which something was hidden.

    Returns:
        ``(rows, outcomes)`` float64: of classes the fall of the probability of the predicted one; of labels that of
        each; of numbers the fall of each; of fields and masks how far another field is predicted, as relative L2.
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
    """What each column of `changes` is of; one column alone is ``change``."""
    if model.classes is not None or model.task.output.kind == "dense":
        return ["change"]
    names = model.task.output.names("prediction")
    return ["change"] if len(names) == 1 else [f"change of {name}" for name in names]


def losses(model: Predictor, outputs: np.ndarray, truth: np.ndarray, spread: np.ndarray | None) -> np.ndarray:
    """How wrong each prediction is, ``(rows,)`` float64, see `loss_name`; NaN for a field without a valid point.

    Args:
        model: whose outputs they are.
        outputs: of the rows, ``(rows, …)``.
        truth: of the rows, as a model input has it.
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
        return sample_errors(outputs, truth, relative=True)
    assert spread is not None  # of numbers
    return ((outputs - truth.astype(np.float64)) ** 2 / np.where(spread > 0, spread, 1)).mean(axis=1)


def loss_name(model: Predictor) -> str:
    """What the mean of `losses` is."""
    if model.classes is not None or model.is_binary:
        return "log loss"
    return "relative L2 error" if model.task.output.kind == "dense" else "1 − R²"
