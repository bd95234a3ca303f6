"""What every metric asks of the rows that it is given."""

import numpy as np

from pare.config.errors import PareError


class UndefinedMetric(PareError):
    """A metric that has no value for these rows, such as AUROC of one class; others of the task may have one."""


def check_classes(logits: np.ndarray, labels: np.ndarray, classes: int) -> None:
    """Refuse class predictions that no metric can take.

    Args:
        logits: ``(rows, classes)``.
        labels: class numbers from 0, ``(rows,)``.
        classes: number of classes.

    Raises:
        PareError: if a prediction is not finite, or a label is no class of the task.
        ValueError: if the shapes do not fit.
    """
    if logits.ndim != 2 or logits.shape[1] != classes or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits have shape {logits.shape}, labels {labels.shape}: expected (rows, {classes}) and (rows,)"
        )
    require_finite(logits)
    strange = labels[(labels < 0) | (labels >= classes)]
    if len(strange):
        raise PareError(f"labels must lie in 0..{classes - 1}, found {int(strange[0])}; correct the task's classes")


def check_numbers(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check predictions of numbers or fields.

    Args:
        prediction: ``(rows, …)``.
        truth: the same shape; NaN where it is masked.

    Returns:
        Both in float64, with 0 where the truth is masked, and where it is valid (not masked).

    Raises:
        PareError: if a prediction is not finite, or the truth is infinite.
        ValueError: if the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, truth has {truth.shape}: both must match")
    require_finite(prediction)
    infinite = int(np.isinf(truth).sum())
    if infinite:
        raise PareError(f"the truth must be finite, or NaN where it is masked; found {infinite} infinite values")
    valid = ~np.isnan(truth)
    return np.where(valid, prediction, 0).astype(np.float64), np.where(valid, truth, 0).astype(np.float64), valid


def check_labels(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Check predictions of labels that are 0 or 1.

    Args:
        logits: ``(rows, …)``.
        labels: 0 or 1, or NaN where they are masked, the same shape.

    Returns:
        Where the labels are valid, ``(rows, …)``.

    Raises:
        PareError: if a prediction is not finite, or a label is neither 0 nor 1.
        ValueError: if the shapes differ.
    """
    if logits.shape != labels.shape:
        raise ValueError(f"logits have shape {logits.shape}, labels {labels.shape}: both must match")
    require_finite(logits)
    valid = ~np.isnan(labels)
    strange = labels[valid & (labels != 0) & (labels != 1)]
    if len(strange):
        raise PareError(f"labels must be 0 or 1, found {strange[0]:.4g}; correct the reader, or choose another metric")
    return valid


def require_finite(prediction: np.ndarray) -> None:
    """Refuse predictions that are NaN or infinite."""
    bad = int((~np.isfinite(prediction)).sum())
    if bad:
        raise PareError(
            f"predictions must be finite, found {bad} NaN or infinite values among {prediction.size}: "
            f"the training diverged; lower the learning rate or clip the gradient"
        )


def require_samples(count: float) -> None:
    """Refuse to compute a metric of nothing."""
    if not count:
        raise UndefinedMetric(
            "a metric needs at least one valid sample, found none; enlarge the part it is computed on"
        )
