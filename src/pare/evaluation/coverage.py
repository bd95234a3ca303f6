"""How well a model knew how sure it was: coverage and width on the test rows, and probabilities before and after."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pare.config.schema import Task
from pare.evaluation.calibration import Calibration, fewest_rows, log_loss, probabilities
from pare.evaluation.scoring import average_groups

COVERAGE = 0.9  # asked for
BINS = 10  # in the calibration error


def calibration_of(task: Task, calibration: Calibration | None) -> Calibration | None:
    """The calibration of what is scored: groups, where the task averages their rows."""
    if calibration is None or not task.average_groups:
        return calibration
    return replace(calibration, arrays=average_groups(dict(calibration.arrays)))


def uncertainty_record(
    task: Task, calibration: Calibration | None, predictions: Mapping[str, np.ndarray]
) -> dict[str, Any] | None:
    """How a calibration does on the test rows.

    Args:
        task: what is predicted.
        calibration: the model's, with one output a row.
        predictions: ``prediction`` and ``truth`` of the test rows, ``(rows, …)``.

    Returns:
        ``asked``, the coverage that sets and intervals are made for, and ``coverage``, that which they have;
        ``set_size``, or ``width`` of each number or channel, both means. That of fields is of their points.
        Where the rows that calibrate, ``n_validation``, are too few, these are None. Of classes and labels
        ``temperature``, and ``log_loss`` and ``calibration_error`` ``before`` and ``after`` it. None without a
        calibration.
    """
    scored = calibration_of(task, calibration)
    if scored is None:
        return None
    record: dict[str, Any] = {"n_validation": scored.rows, "asked": COVERAGE}
    prediction, truth = predictions["prediction"], predictions["truth"]
    if scored.kind != "multilabel":
        record |= _coverage(scored, prediction, truth)
    if scored.kind in ("classification", "multilabel"):
        record |= _temperature(scored, prediction, truth)
    return record


def _coverage(calibration: Calibration, prediction: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    size = "set_size" if calibration.kind == "classification" else "width"
    if calibration.rows < fewest_rows(COVERAGE):
        return {"coverage": None, size: None}
    if calibration.kind == "classification":
        members = calibration.sets(prediction, COVERAGE)
        covered = members[np.arange(len(truth)), truth]
        return {"coverage": float(covered.mean()), size: float(members.sum(axis=1).mean())}
    lower, upper = calibration.interval(prediction, COVERAGE)
    width = (upper[0] - lower[0]).reshape(prediction.shape[1], -1).mean(axis=1)  # that of every row
    return {"coverage": covered_share(lower, upper, truth), size: width.tolist()}


def covered_share(lower: np.ndarray, upper: np.ndarray, truth: np.ndarray) -> float:
    """Mean over rows of the fraction of valid numbers or points that are between the ends, all ``(rows, …)``."""
    inside = ((lower <= truth) & (truth <= upper)).reshape(len(truth), -1).sum(axis=1)
    valid = np.isfinite(truth).reshape(len(truth), -1).sum(axis=1)
    return float((inside[valid > 0] / valid[valid > 0]).mean())


def _temperature(calibration: Calibration, prediction: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    before = probability_errors(probabilities(prediction, calibration.kind), prediction, truth)
    cooled = prediction / calibration.temperature
    after = probability_errors(calibration.probabilities(prediction), cooled, truth)
    pairs = {name: {"before": before[name], "after": after[name]} for name in before}
    return {"temperature": calibration.temperature, **pairs}


def probability_errors(shares: np.ndarray, logits: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Log loss, in nats, and expected calibration error of ten bins (Naeini et al. 2015), of classes or labels.

    Args:
        shares: the probabilities, ``(rows, …)``.
        logits: from which they come; a probability that rounds to 0 still has a logarithm.
        truth: class numbers ``(rows,)``, or labels 0 or 1 ``(rows, labels)``.
    """
    if truth.ndim == 1:
        error = calibration_error(shares.max(axis=1), shares.argmax(axis=1) == truth)
    else:
        error = calibration_error(shares.ravel(), truth.ravel())
    return {"log_loss": log_loss(logits, truth), "calibration_error": error}


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean over bins of equal width, by their rows, of the gap between mean confidence and the share that is right.

    Args:
        confidence: probabilities ``(n,)``.
        right: whether what they are of is so, ``(n,)``.
    """
    bins = np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1])
    return float(np.abs(np.bincount(bins, weights=confidence - right)).sum() / len(right))
