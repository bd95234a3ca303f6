"""Changes and losses of each kind of output are what scikit-learn or their definition says."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss, r2_score

from pare.explanation.outcomes import change_names, changes, loss_name, losses

ROWS = 12


@pytest.fixture
def model(known, rng):
    """A model of a kind of output."""

    def model(kind, shape, **task):
        grid = shape[1:]
        x = rng.normal(size=(40, 1, *grid) if grid else (40, 3)).astype(np.float32)
        y = np.zeros((40, *shape), np.float32)
        return known(lambda rows: rows, x, y, kind=kind, outputs=shape, **task)[0]

    return model


def test_each_label_has_a_change_and_their_losses_are_averaged(model, rng):
    labels = model("multilabel", [2], output={"kind": "multilabel", "shape": [2], "name": "wet, cold"})
    before, after = rng.normal(size=(2, ROWS, 2))
    truth = rng.integers(2, size=(ROWS, 2)).astype(np.float32)
    np.testing.assert_allclose(changes(labels, before, after), expit(before) - expit(after))
    assert change_names(labels) == ["change of wet", "change of cold"]
    found = losses(labels, before, truth, None)
    assert (found.shape, loss_name(labels)) == ((ROWS,), "log loss")
    expected = np.mean([log_loss(truth[:, i], expit(before[:, i]), labels=[0, 1]) for i in range(2)])
    assert found.mean() == pytest.approx(expected)


def test_numbers_of_any_unit_count_alike_and_lose_what_r2_does(model, rng):
    numbers = model("regression", [2])
    truth = rng.normal(size=(ROWS, 2)) * [1, 1000]
    before = truth + rng.normal(size=(ROWS, 2)) * [0.5, 300]
    found = losses(numbers, before, truth, truth.var(axis=0))
    assert found.mean() == pytest.approx(1 - r2_score(truth, before))
    np.testing.assert_allclose(changes(numbers, before, truth), before - truth)
    assert change_names(numbers) == ["change of prediction 1", "change of prediction 2"]
    assert np.isfinite(losses(numbers, before, truth, np.zeros(2))).all()  # all truths are the same


def test_masks_change_in_probability_and_masked_points_do_not_count(model, rng):
    masks = model("dense", [1, 4, 4], loss="binary_cross_entropy", metric="one_minus_balanced_accuracy")
    before, after = rng.normal(size=(2, ROWS, 1, 4, 4))
    shares = expit(before), expit(after)
    expected = np.linalg.norm((shares[0] - shares[1]).reshape(ROWS, -1), axis=1)
    expected /= np.linalg.norm(shares[0].reshape(ROWS, -1), axis=1)
    np.testing.assert_allclose(changes(masks, before, after), expected[:, None])
    truth = rng.integers(2, size=before.shape).astype(np.float32)
    truth[:, :, :2] = np.nan
    found = losses(masks, before, truth, None)
    assert found[0] == pytest.approx(log_loss(truth[0, 0, 2:].ravel(), expit(before[0, 0, 2:]).ravel()))
    assert (change_names(masks), loss_name(masks)) == (["change"], "log loss")
