"""Metrics of labels and masks, 0 or 1: ranking, which depends on the order of the logits only, and error rates."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from pare.config.errors import PareError
from pare.evaluation.checks import UndefinedMetric, check_labels, require_samples
from pare.evaluation.row_sums import RowSums

Ranking = Callable[[NDArray[np.bool_], NDArray[np.floating]], float]


def auroc(labels: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Area under the ROC curve of one label, both ``(n,)``; NaN where all labels are equal.

    The fraction of pairs with a 1 and a 0 whose scores are in order, half of those that tie: Mann and Whitney's U.
    This is the number of scikit-learn's ``roc_auc_score``, two to nine times as fast, which counts where an interval is
    made of hundreds of draws.
    """
    count = int(labels.sum())
    pairs = count * (len(labels) - count)
    return float((rankdata(scores)[labels].sum() - count * (count + 1) / 2) / pairs) if pairs else float("nan")


def average_precision(labels: NDArray[np.bool_], logits: NDArray[np.floating]) -> float:
    """Average precision of one label, both ``(n,)``; NaN where it is never 1."""
    return float(average_precision_score(labels, logits)) if labels.any() else float("nan")


def one_minus_ranking(logits: np.ndarray, labels: np.ndarray, ranking: Ranking, *, pooled: bool) -> float:
    """One minus the mean of a ranking score over the labels for which it is defined, between 0 and 1.

    Args:
        logits: ``(rows, labels)``, or ``(rows, …)`` where points are pooled.
        labels: 0 or 1, the same shape; where points are pooled, NaN where they are masked.
        ranking: the score of one label from its values and logits; NaN where it is undefined.
        pooled: whether all points of a field are samples of one label, rather than every column a label.

    Raises:
        PareError: if a prediction is not finite, or a label neither 0 nor 1.
        UndefinedMetric: if there is no sample, or the score is undefined for every label.
        ValueError: if the shapes differ.
    """
    valid = check_labels(logits, labels)
    require_samples(valid.sum())
    if pooled:
        logits, labels = logits[valid][:, None], labels[valid][:, None]
    elif not valid.all():
        raise PareError("labels must be 0 or 1, found NaN; correct the reader")
    scores = [ranking(true == 1, column) for true, column in zip(labels.T, logits.T, strict=True)]
    if np.isnan(scores).all():
        raise UndefinedMetric(
            f"{ranking.__name__} needs a label that is 1 in some samples and 0 in others, found none in "
            f"{len(labels)} samples; enlarge the part it is computed on, e.g. split.validation"
        )
    return float(1 - np.nanmean(scores))


def _points(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """True points that are 1, those of them that are missed, those that are 0, and false alarms, ``(rows, 4)``."""
    found, true = (logits > 0) & check_labels(logits, labels), labels == 1
    parts = true, true & ~found, ~true, ~true & found
    return np.stack([part.reshape(len(part), -1).sum(axis=1, dtype=np.float64) for part in parts], axis=1)


def _mean_error_rate(sums: np.ndarray) -> float:
    positives, missed, negatives, alarms = sums
    require_samples(positives + negatives)
    if not positives or not negatives:
        raise UndefinedMetric(
            f"balanced accuracy needs points of both kinds, found {int(positives)} positive and "
            f"{int(negatives)} negative ones; enlarge the part it is computed on"
        )
    return float((alarms / negatives + missed / positives) / 2)


# One minus the balanced accuracy of all points at logit 0: half the sum of both error rates. The Cosmic task publishes
# it as "1 − AUROC": its code takes the area of the thresholded mask and multiplies prediction and truth by 0 where a
# point is ignored. Ignored points are true negatives here too, as published; ``one_minus_auroc`` leaves them out.
BALANCED_POINTS = RowSums(_points, _mean_error_rate)
