import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from pare.config.errors import PareError
from pare.evaluation.binary import BALANCED_POINTS, auroc, average_precision, one_minus_ranking


def labelled(labels=6, n=80):
    draw = np.random.default_rng(0)
    truth = (draw.random((n, labels)) < np.linspace(0.1, 0.6, labels)).astype(np.float32)
    return (draw.normal(size=truth.shape) + truth).astype(np.float32), truth


def area(labels, logits):
    """AUROC by counting pairs; no scikit-learn."""
    high, low = logits[labels == 1][:, None], logits[labels == 0][None, :]
    return np.mean((high > low) + 0.5 * (high == low))


def precision_at_each_hit(labels, logits):
    """Average precision as the mean precision at the rank of each positive; right where no logits tie."""
    hits = labels[np.argsort(-logits)]
    return np.mean((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits == 1])


@pytest.mark.parametrize(
    ("ranking", "scikit_learn", "by_hand", "rel"),
    [
        (auroc, roc_auc_score, area, 1e-12),
        (average_precision, average_precision_score, precision_at_each_hit, 1e-6),
    ],
)
def test_a_score_of_labels_is_the_mean_over_labels(ranking, scikit_learn, by_hand, rel):
    logits, labels = labelled()
    found = one_minus_ranking(logits, labels, ranking, pooled=False)
    assert found == pytest.approx(1 - scikit_learn(labels, logits, average="macro"), rel=1e-12)
    expected = 1 - np.mean([by_hand(t, p) for t, p in zip(labels.T, logits.T, strict=True)])
    assert found == pytest.approx(expected, rel=rel)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("ranking", "scikit_learn", "kept"),
    [(auroc, roc_auc_score, [0, 2, 4, 5]), (average_precision, average_precision_score, [0, 2, 3, 4, 5])],
)
def test_labels_for_which_the_score_is_undefined_are_left_out(ranking, scikit_learn, kept):
    logits, labels = labelled()
    labels[:, 1], labels[:, 3] = 0, 1
    expected = 1 - scikit_learn(labels[:, kept], logits[:, kept])
    assert one_minus_ranking(logits, labels, ranking, pooled=False) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("ranking", [auroc, average_precision])
def test_a_score_that_is_defined_for_no_label_is_an_error(ranking):
    with pytest.raises(PareError, match=rf"{ranking.__name__} needs a label .* 4 samples; enlarge"):
        one_minus_ranking(np.ones((4, 2), np.float32), np.zeros((4, 2), np.float32), ranking, pooled=False)


def test_auroc_of_a_mask_pools_all_valid_points():
    draw = np.random.default_rng(0)
    truth = (draw.random((5, 1, 7, 6)) < 0.2).astype(np.float32)
    logits = (draw.normal(size=truth.shape) + truth).astype(np.float32)
    truth[draw.random(truth.shape) < 0.3] = np.nan
    valid = ~np.isnan(truth)
    expected = 1 - area(truth[valid], logits[valid])
    assert one_minus_ranking(logits, truth, auroc, pooled=True) == pytest.approx(expected, rel=1e-12)


def test_sure_logits_do_not_tie():
    logits = np.array([[30], [60], [90], [120]], np.float32)
    labels = np.array([[0], [1], [0], [1]], np.float32)
    assert one_minus_ranking(logits, labels, auroc, pooled=False) == 0.25


def test_labels_that_are_neither_0_nor_1_are_refused():
    logits, labels = labelled()
    for strange in (0.5, np.nan):
        labels[2, 2] = strange
        with pytest.raises(PareError, match=f"must be 0 or 1, found {str(strange).replace('nan', 'NaN')}"):
            one_minus_ranking(logits, labels, auroc, pooled=False)


def test_labels_of_another_shape_are_refused():
    logits, labels = labelled()
    with pytest.raises(ValueError, match="both must match"):
        one_minus_ranking(logits, labels[:, :1], auroc, pooled=False)


def masks():
    """Logits and a mask with ignored points."""
    draw = np.random.default_rng(0)
    truth = (draw.random((4, 1, 9, 8)) < 0.2).astype(np.float32)
    logits = (draw.normal(size=truth.shape) + truth).astype(np.float32)
    truth[draw.random(truth.shape) < 0.25] = np.nan
    return logits, truth


def test_ignored_points_are_true_negatives_as_in_the_published_metric():
    logits, truth = masks()
    ignored = np.isnan(truth)
    published = [np.where(ignored, 0, part).ravel() for part in (truth, logits)]
    expected = 1 - roc_auc_score(published[0], published[1] > 0)  # the area of the thresholded mask
    assert BALANCED_POINTS(logits, truth) == pytest.approx(expected, rel=1e-12)


def test_without_ignored_points_it_is_one_minus_the_balanced_accuracy():
    logits, truth = masks()
    truth = np.nan_to_num(truth)
    assert BALANCED_POINTS(logits, truth) == pytest.approx(
        1 - balanced_accuracy_score(truth.ravel(), logits.ravel() > 0)
    )


def test_a_mask_without_positive_points_is_an_error():
    logits, truth = masks()
    with pytest.raises(PareError, match="found 0 positive"):
        BALANCED_POINTS(logits, truth * 0)
