"""What a model is known to rest on is found, and nothing else; as scikit-learn and closed forms have it."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, r2_score

from pare.evaluation.row_sums import batches, blocks
from pare.explanation import explain
from pare.explanation.occlusion import change_names, changes, loss_name, losses
from pare.explanation.questions import MOST_COLUMNS

ROWS = 12


def two_classes(evidence):
    """Logits of two classes, from evidence for the second ``(batch,)``."""
    return torch.stack([torch.zeros_like(evidence), evidence], 1)


def names(explanation, count):
    """The most important regions."""
    return [explanation.regions[i].name for i in explanation.order[:count]]


def others(explanation, count):
    """Importance and changes of all but the most important regions."""
    rest = explanation.order[count:]
    return np.abs(explanation.weights[rest]).max(), np.abs(explanation.changes[:, rest]).max()


def test_a_label_that_depends_on_one_column_is_explained_by_it(known, rng):
    x = rng.normal(size=(80, 5)).astype(np.float32)
    y = (x[:, 3] > 0).astype(int)
    model, question = known(lambda rows: two_classes(8 * rows[:, 3]), x, y)
    explanation = explain(model, question)
    assert names(explanation, 1) == ["column 4"]
    assert explanation.weights[3] > 1
    assert max(others(explanation, 1)) < 1e-9
    # Hidden, the column is the mean of the training rows: what it says of each row is known.
    sure = 1 / (1 + np.exp(-8 * x[40:, 3].astype(float)))
    typical = 1 / (1 + np.exp(-8 * x[:40, 3].astype(float).mean()))
    expected = np.where(sure > 0.5, sure - typical, typical - sure)
    np.testing.assert_allclose(explanation.changes[:, 3, 0], expected, atol=1e-6)


def test_a_label_that_depends_on_one_span_of_one_channel_is_explained_by_it(known, rng):
    x = rng.normal(size=(40, 2, 64)).astype(np.float32)
    y = (x[:, 1, 20:24].sum(1) > 0).astype(int)
    model, question = known(lambda rows: two_classes(9 * rows[:, 1, 20:24].sum(1)), x, y)
    explanation = explain(model, question)
    assert names(explanation, 1) == ["channel 2, points 20 to 23"]
    assert explanation.weights.max() > 1
    assert max(others(explanation, 1)) < 1e-9


def test_a_label_that_depends_on_one_patch_is_explained_by_it(known, rng):
    x = rng.normal(size=(40, 3, 16, 24)).astype(np.float32)
    y = (x[:, :, 2:4, 9:12].sum((1, 2, 3)) > 0).astype(int)
    model, question = known(lambda rows: two_classes(rows[:, :, 2:4, 9:12].sum((1, 2, 3))), x, y)
    explanation = explain(model, question)
    assert names(explanation, 1) == ["rows 2 to 3, columns 9 to 11"]
    assert explanation.weights.max() > 0.1
    assert max(others(explanation, 1)) < 1e-9


def test_a_field_that_copies_its_input_rests_on_each_patch_by_its_share_of_the_square_sum(known, rng):
    x = rng.normal(2, 1, size=(12, 1, 8, 8)).astype(np.float32)
    model, question = known(lambda rows: rows, x, x, kind="dense", outputs=[1, 8, 8])
    explanation = explain(model, question)
    assert len(explanation.regions) == 64
    moved = x[6:] - x[:6].mean(0)
    expected = np.abs(moved) / np.sqrt((x[6:].astype(float) ** 2).sum((1, 2, 3), keepdims=True))
    np.testing.assert_allclose(explanation.changes[:, :, 0], expected.reshape(6, 64), atol=1e-7)
    np.testing.assert_allclose(explanation.weights, expected.reshape(6, 64).mean(0), rtol=1e-4)


@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_the_importance_of_a_linear_models_columns_is_that_of_scikit_learn(known, rng, kind):
    x = rng.normal(size=(600, 4)).astype(np.float32)
    score = x @ [2.0, -1.0, 0.3, 0.0] + rng.normal(0, 0.5, 600)
    if kind == "numbers":
        fitted = LinearRegression().fit(x[:300], score[:300])
        weights = torch.tensor(fitted.coef_, dtype=torch.float32)
        y = score.astype(np.float32)[:, None]
        model, question = known(
            lambda rows: (rows @ weights + fitted.intercept_)[:, None].float(), x, y, kind="regression", outputs=[1]
        )
        scoring, truth = "r2", score[300:]
    else:
        y = (score > 0).astype(int)
        fitted = LogisticRegression().fit(x[:300], y[:300])
        weights = torch.tensor(fitted.coef_[0], dtype=torch.float32)
        model, question = known(lambda rows: two_classes(rows @ weights + float(fitted.intercept_[0])), x, y)
        scoring, truth = "neg_log_loss", y[300:]
    found = explain(model, question)
    expected = permutation_importance(fitted, x[300:], truth, scoring=scoring, n_repeats=30, random_state=1)
    assert list(found.order) == list(np.argsort(-expected.importances_mean))
    margin = 3 * expected.importances_std + 1e-3  # of the mean of five exchanges
    assert (np.abs(found.weights - expected.importances_mean) < margin).all()
    np.testing.assert_allclose(found.deviation[:2], expected.importances_std[:2], rtol=0.8)


def test_new_rows_are_explained_without_truths(known, rng):
    x = rng.normal(size=(40, 3)).astype(np.float32)
    model, question = known(lambda rows: two_classes(rows[:, 1]), x, np.arange(40) % 2)
    unknown = type(question)("new", question.names, lambda a, b: (question.read(a, b)[0], None), question.typical)
    explanation = explain(model, unknown)
    assert explanation.importance is None and explanation.deviation is None
    np.testing.assert_allclose(explanation.changes, explain(model, question).changes)
    assert names(explanation, 1) == ["column 2"]


def test_of_a_wide_table_the_columns_that_go_with_predictions_are_explained(known, rng):
    x = rng.normal(size=(160, 600)).astype(np.float32)
    y = (5 * x[:, 3] + 3 * x[:, 555] > 0).astype(int)
    model, question = known(lambda rows: two_classes(5 * rows[:, 3] + 3 * rows[:, 555]), x, y)
    explanation = explain(model, question)
    assert len(explanation.regions) == MOST_COLUMNS
    assert names(explanation, 2) == ["column 4", "column 556"]
    assert max(others(explanation, 2)) < 1e-9


def test_rows_are_read_in_batches_that_memory_holds(known, rng):
    assert list(batches(130, 4)) == [(0, 64), (64, 128), (128, 130)]
    assert [stop - start for start, stop in batches(3, 30 << 20)] == [1, 1, 1]


def test_blocks_are_whole_batches_that_memory_holds():
    assert list(blocks(130, 4)) == [(0, 130)]
    assert list(blocks(300, (32 << 20) // 150)) == [(0, 128), (128, 256), (256, 300)]
    assert [stop - start for start, stop in blocks(3, 30 << 20)] == [1, 1, 1]


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


def test_a_field_of_zeros_has_no_relative_error_and_leaves_the_mean_of_the_others(model, rng):
    fields = model("dense", [1, 4, 4])
    truth = rng.normal(size=(3, 1, 4, 4)).astype(np.float32)
    truth[1] = 0
    found = losses(fields, 2 * truth + (truth == 0), truth, None)
    np.testing.assert_allclose(found, [1, np.nan, 1])


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
