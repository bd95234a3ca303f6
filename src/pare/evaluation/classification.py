"""Metrics of class predictions: logits ``(rows, classes)`` against class numbers ``(rows,)``."""

from functools import partial
from itertools import combinations

import numpy as np
from scipy.special import softmax

from pare.evaluation.binary import auroc
from pare.evaluation.checks import UndefinedMetric, check_classes, require_samples
from pare.evaluation.row_sums import RowSums


def auroc_one_vs_one(logits: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Area under the ROC curve, one class against one, averaged over all pairs (Hand and Till, 2001).

    With two classes this is the ordinary AUROC of the second class. Provenance: the OpenML tasks, the paper's table 14.

    Args:
        logits: checked by `check_classes`.
        labels: checked by `check_classes`.
        classes: number of classes.

    Raises:
        UndefinedMetric: if there is no sample, or none of one of the classes.
    """
    check_classes(logits, labels, classes)
    require_samples(len(labels))
    labels, logits = labels.astype(int), logits.astype(np.float64)
    missing = np.flatnonzero(np.bincount(labels, minlength=classes) == 0)
    if len(missing):
        raise UndefinedMetric(
            f"AUROC needs samples of all {classes} classes, found none of class {', '.join(map(str, missing))} among "
            f"{len(labels)}; use a stratified or larger split, or metric: error_percent"
        )
    if classes == 2:  # the logits themselves: probabilities close to 1 would tie
        return auroc(labels == 1, logits[:, 1] - logits[:, 0])
    return _mean_over_pairs(softmax(logits, axis=1), labels, classes)


def _mean_over_pairs(probabilities: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Mean over pairs of classes of both areas, each class by its own probability, ``(rows, classes)``."""
    areas = []
    for one, other in combinations(range(classes), 2):
        rows = (labels == one) | (labels == other)
        of_one = labels[rows] == one
        for number, own in ((one, of_one), (other, ~of_one)):
            areas.append(auroc(own, probabilities[rows, number]))
    return float(np.mean(areas))


def error_percent(classes: int) -> RowSums:
    """100 · (1 − top-1 accuracy) over all samples, 0 to 100.

    Args:
        classes: number of classes.
    """
    return RowSums(partial(_counts, classes=classes), _error)


def one_minus_balanced_accuracy(classes: int) -> RowSums:
    """One minus the balanced accuracy, the mean over the classes that have samples of the fraction found.

    Args:
        classes: number of classes.
    """
    return RowSums(partial(_counts, classes=classes), _one_minus_recall)


def one_minus_f1(classes: int) -> RowSums:
    """One minus the macro F1 score, the mean over the classes that have samples.

    A class without samples has no recall; that it was predicted by mistake shows in the precision of the others.
    Provenance: the ECG metric of NAS-Bench-360, the paper's table 1.

    Args:
        classes: number of classes.
    """
    return RowSums(partial(_counts, classes=classes), _one_minus_f1)


def _counts(logits: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Whether each row is a hit of each class, is predicted as it, and is of it, ``(rows, 3 · classes)``."""
    check_classes(logits, labels, classes)
    numbers = np.arange(classes)
    predicted, true = logits.argmax(axis=1)[:, None] == numbers, labels[:, None] == numbers
    return np.concatenate([predicted & true, predicted, true], axis=1).astype(np.float64)


def _error(sums: np.ndarray) -> float:
    hits, _, true = sums.reshape(3, -1).sum(axis=1)
    require_samples(true)
    return float(100 * (true - hits) / true)


def _one_minus_recall(sums: np.ndarray) -> float:
    hits, _, true = sums.reshape(3, -1)
    seen = true > 0
    require_samples(seen.sum())
    return float(1 - np.mean(hits[seen] / true[seen]))


def _one_minus_f1(sums: np.ndarray) -> float:
    hits, predicted, true = sums.reshape(3, -1)
    seen = true > 0
    require_samples(seen.sum())
    return float(1 - np.mean(2 * hits[seen] / (predicted + true)[seen]))
