"""The metrics that readers ask for next to a task's own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.metrics import recall_score
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from pare.config.errors import PareError
from pare.config.schema import OutputConfig, Task
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import score
from pare.uncertainty import log_loss
from pare.uncertainty.calibration import probabilities

BINS = 10  # of the calibration error


def usual_metrics(task: Task, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Metrics of the kind of output, by name; None where one is undefined for these rows, empty for masks.

    Args:
        task: what is predicted.
        predictions: ``prediction`` and ``truth`` of the test rows, ``(rows, …)``.

    Returns:
        Of classes ``accuracy``, ``auroc``, ``f1_macro``, ``recall`` of each class, ``log_loss`` and
        ``calibration_error``. Of labels ``auroc`` and ``map``, both averaged over the labels, ``log_loss`` and
        ``calibration_error``. Of numbers ``rmse``, ``mae`` and ``r2``. Of fields ``relative_l2``, ``rmse`` and
        ``max_error``, and under ``channels`` the same of each where there are several.
    """
    prediction, truth = predictions["prediction"], predictions["truth"]
    match task.output.kind:
        case "classification":
            return _of_classes(task.output, prediction, truth)
        case "multilabel":
            return _of_labels(task.output, prediction, truth)
        case "regression":
            return {name: _value(name, task.output, prediction, truth) for name in ("rmse", "mae", "r2")}
    return _of_fields(task.output, prediction, truth) if task.compares_values else {}


def probability_errors(shares: np.ndarray, logits: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Log loss, in nats, and expected calibration error of ten bins (Naeini et al. 2015), of classes or labels.

    Args:
        shares: the probabilities, ``(rows, …)``.
        logits: from which they come; a probability that rounds to 0 still has a logarithm.
        truth: class numbers ``(rows,)``, or labels 0 or 1 ``(rows, labels)``.
    """
    # Rounded to more than 1, they would be taken for logits.
    given, right = torch.tensor(shares.clip(0, 1), dtype=torch.float64), torch.tensor(truth).long()
    if truth.ndim == 1:
        error = multiclass_calibration_error(given, right, shares.shape[1], n_bins=BINS)
    else:
        error = binary_calibration_error(given.flatten(), right.flatten(), n_bins=BINS)
    return {"log_loss": log_loss(logits, truth), "calibration_error": float(error)}


def _of_classes(output: OutputConfig, logits: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    predicted, classes = logits.argmax(axis=1), np.arange(output.shape[0])
    recall = recall_score(truth, predicted, labels=classes, average=None, zero_division=np.nan)
    f1 = _value("one_minus_f1", output, logits, truth)
    return {
        "accuracy": float((predicted == truth).mean()),
        "auroc": _value("auroc_ovo", output, logits, truth),
        "f1_macro": None if f1 is None else 1 - f1,
        "recall": [None if np.isnan(share) else float(share) for share in recall],
        **probability_errors(probabilities(logits, output.kind), logits, truth),
    }


def _of_labels(output: OutputConfig, logits: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    errors = {"auroc": "one_minus_auroc", "map": "one_minus_map"}
    values = {name: _value(metric, output, logits, truth) for name, metric in errors.items()}
    ranked = {name: None if value is None else 1 - value for name, value in values.items()}
    return ranked | probability_errors(probabilities(logits, output.kind), logits, truth)


def _of_fields(output: OutputConfig, prediction: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {name: _value(name, output, prediction, truth) for name in ("relative_l2", "rmse")}
    valid = ~np.isnan(truth)
    found["max_error"] = float(np.abs(prediction - truth)[valid].max()) if valid.any() else None
    if prediction.shape[1] > 1:
        found["channels"] = {
            name: _of_fields(output, prediction[:, i : i + 1], truth[:, i : i + 1])
            for i, name in enumerate(output.names("channel"))
        }
    return found


def _value(name: str, output: OutputConfig, prediction: np.ndarray, truth: np.ndarray) -> float | None:
    """One of the metrics; None where it is undefined, such as AUROC without a row of some class."""
    try:
        return score(build_metric(name, output), prediction, truth)
    except PareError:
        return None
