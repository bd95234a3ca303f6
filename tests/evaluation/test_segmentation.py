import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from pare.config.errors import PareError
from pare.evaluation.segmentation import OneMinusBalancedAccuracy


def masks():
    """Logits and a mask with ignored points."""
    draw = np.random.default_rng(0)
    truth = (draw.random((4, 1, 9, 8)) < 0.2).astype(np.float32)
    logits = (draw.normal(size=truth.shape) + truth).astype(np.float32)
    truth[draw.random(truth.shape) < 0.25] = np.nan
    return logits, truth


def score(logits, truth):
    metric = OneMinusBalancedAccuracy()
    metric.update(torch.as_tensor(logits), torch.as_tensor(truth))
    return metric.compute().item()


def test_ignored_points_are_true_negatives_as_in_the_published_metric():
    logits, truth = masks()
    ignored = np.isnan(truth)
    published = [np.where(ignored, 0, part).ravel() for part in (truth, logits)]
    expected = 1 - roc_auc_score(published[0], published[1] > 0)  # the area of the thresholded mask
    assert score(logits, truth) == pytest.approx(expected, rel=1e-12)


def test_without_ignored_points_it_is_one_minus_the_balanced_accuracy():
    logits, truth = masks()
    truth = np.nan_to_num(truth)
    assert score(logits, truth) == pytest.approx(1 - balanced_accuracy_score(truth.ravel(), logits.ravel() > 0))


def test_a_mask_without_positive_points_is_an_error():
    logits, truth = masks()
    with pytest.raises(PareError, match="found 0 positive"):
        score(logits, truth * 0)
