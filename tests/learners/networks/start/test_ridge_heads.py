"""The head of many features against a ridge regression that leaves out one row at a time."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, LeaveOneOut

from as_on_device import AsOnDevice, moved
from pare.learners.networks.start.ridge_heads import IMPOSSIBLE, out_of_fold_predictions, solve_ridge_head

ROWS, FEATURES = 40, 200


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, FEATURES))


def classes(x: np.ndarray, count: int, noise: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (x[:, :5] @ rng.normal(size=(5, count)) + noise * rng.normal(size=(ROWS, count))).argmax(1)


def left_out(x: np.ndarray, targets: np.ndarray, alpha: float) -> np.ndarray:
    rows = np.arange(ROWS)
    return np.concatenate([Ridge(alpha).fit(x[rows != i], targets[rows != i]).predict(x[[i]]) for i in rows])


def test_what_is_said_of_a_row_is_what_a_fit_without_it_says(x):
    y = x[:, :2] + 0.5
    head = solve_ridge_head(x, y, "regression", 2, penalties=[0.01])
    np.testing.assert_allclose(head.out_of_fold, left_out(x, y, 100.0), atol=1e-6)
    np.testing.assert_allclose(head(x), Ridge(100.0).fit(x, y).predict(x), atol=1e-8)


def test_the_penalty_has_the_least_squared_error_of_rows_left_out(x):
    y = x[:, :2] + np.random.default_rng(2).normal(size=(ROWS, 2))
    penalties = [1.0, 0.01, 1e-4]
    head = solve_ridge_head(x, y, "regression", 2, penalties=penalties)
    errors = {penalty: ((left_out(x, y, 1 / penalty) - y) ** 2).mean() for penalty in penalties}
    assert head.penalty == min(errors, key=errors.__getitem__)
    assert head.loss == pytest.approx(errors[head.penalty])


@pytest.mark.parametrize("count", [2, 4])
def test_classes_are_ranked_as_by_ridge_regression_on_minus_one_and_one(x, count):
    y = classes(x, count)
    head = solve_ridge_head(x, y, "classification", count, penalties=[0.01])
    expected = Ridge(100.0).fit(x, 2 * np.eye(count)[y] - 1).predict(x)
    scale = head(x)[0, 0] / expected[0, 0]
    assert scale > 0
    np.testing.assert_allclose(head(x), scale * expected, atol=1e-8)
    assert head.loss == pytest.approx(-log_softmax(head.out_of_fold, 1)[np.arange(ROWS), y].mean())


def test_scores_that_say_little_of_rows_left_out_are_not_sure(x):
    clear, noise = (solve_ridge_head(x, y, "classification", 3) for y in (classes(x, 3, 0.0), classes(x[::-1], 3)))
    assert np.abs(noise(x)).mean() < np.abs(clear(x)).mean()


def test_labels_and_rare_classes(x):
    labels = np.stack([classes(x, 2), classes(x[::-1], 2)], 1)
    assert solve_ridge_head(x, labels, "multilabel", 2)(x).shape == (ROWS, 2)
    head = solve_ridge_head(x, 2 * classes(x, 2), "classification", 4)  # nothing of classes 1 and 3
    assert (head(x)[:, [1, 3]] < IMPOSSIBLE / 2).all()


def test_whole_weights_are_repeated_rows(x):
    y, counts = x[:, :2] + 0.5, np.random.default_rng(3).integers(1, 4, ROWS)
    weighted = solve_ridge_head(x, y, "regression", 2, weights=counts.astype(float), penalties=[0.01])
    repeated = solve_ridge_head(np.repeat(x, counts, 0), np.repeat(y, counts, 0), "regression", 2, penalties=[0.01])
    np.testing.assert_allclose(weighted(x), repeated(x), atol=1e-8)


def test_balanced_classes_weigh_the_same(x):
    y = (np.arange(ROWS) % 8 == 0).astype(int)
    plain, balanced = (solve_ridge_head(x, y, "classification", 2, balanced=b, penalties=[1e-3]) for b in (False, True))
    assert (balanced(x).argmax(1) == 1).mean() > (plain(x).argmax(1) == 1).mean()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("features", [12, FEATURES])  # fewer than rows, and more
def test_a_fold_that_is_left_out_is_predicted_as_by_a_fit_without_it(x, features, weighted):
    x, y = x[:, :features] + 2, x[:, :2] + 0.5
    weights = np.random.default_rng(3).uniform(0.2, 3, ROWS) if weighted else None
    folds = list(GroupKFold(4).split(x, groups=np.arange(ROWS) // 3))
    alphas = [100.0, 0.1]
    for alpha, found in zip(alphas, out_of_fold_predictions(x, y, weights, alphas, folds), strict=True):
        for fitted, held in folds:
            ridge = Ridge(alpha).fit(x[fitted], y[fitted], sample_weight=None if weights is None else weights[fitted])
            np.testing.assert_allclose(found[held], ridge.predict(x[held]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("unit", [1.0, 1e3])
def test_penalties_next_to_nothing_leave_rows_out_as_exactly_as_others(x, unit):
    """More features than rows, which are fitted to rounding: their residuals alone would say nothing."""
    y, alphas = x[:, :2] + 0.5, [1e-3, 1e-9]
    limit = np.linalg.pinv(np.delete(x, 0, 0) - np.delete(x, 0, 0).mean(0)) @ (np.delete(y, 0, 0) - y[1:].mean(0))
    expected = (x[0] - x[1:].mean(0)) @ limit + y[1:].mean(0)
    for folds in (None, list(LeaveOneOut().split(x))):
        for found in out_of_fold_predictions(unit * x, y, None, alphas, folds):
            np.testing.assert_allclose(found[0], expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["regression", "classification"])
@pytest.mark.parametrize("balanced", [False, True])
def test_folds_of_one_row_each_are_what_is_done_without_folds(x, kind, balanced):
    y = classes(x, 3) if kind == "classification" else x[:, :3] + np.random.default_rng(2).normal(size=(ROWS, 3))
    alone, folded = (
        solve_ridge_head(x, y, kind, 3, balanced=balanced, folds=folds) for folds in (None, [*LeaveOneOut().split(x)])
    )
    assert folded.penalty == alone.penalty
    for found, expected in (
        (folded.out_of_fold, alone.out_of_fold),
        (folded.weight, alone.weight),
        (folded(x), alone(x)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_rows_of_a_group_that_are_alike_do_not_choose_the_penalty():
    """Features that tell groups, not answers: left out one at a time, a row is predicted from its copies."""
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(12), 5)
    x = rng.normal(size=(12, 50))[groups] + 0.01 * rng.normal(size=(60, 50))
    y = rng.normal(size=(12, 1))[groups]
    by_row = solve_ridge_head(x, y, "regression", 1)
    by_group = solve_ridge_head(x, y, "regression", 1, folds=list(GroupKFold(5).split(x, groups=groups)))
    assert by_row.loss < 0.01
    assert by_group.loss > 0.5
    assert by_group.penalty < by_row.penalty


@pytest.mark.filterwarnings("error")
def test_features_that_are_nearly_the_same_are_solved_in_double_precision(x):
    """As the points of a spectrum are; single precision loses the weak penalties that they need."""
    smooth = (x[:, :1] + 1e-4 * x[:, :20]).astype(np.float32)
    y = smooth[:, 3:4] - smooth[:, 4:5]
    folds = list(GroupKFold(4).split(smooth, groups=np.arange(ROWS) // 3))
    head = solve_ridge_head(smooth, y, "regression", 1, folds=folds, penalties=[1e7])
    exact = Ridge(1e-7, solver="svd").fit(smooth.astype(float), y.ravel())
    np.testing.assert_allclose(head(smooth)[:, 0], exact.predict(smooth), atol=1e-8)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("features", [12, FEATURES])  # fewer than rows, and more
@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_a_device_finds_what_a_cpu_finds(x, kind, features, folded):
    x = x[:, :features].astype(np.float32) + 2
    y = {"classification": classes(x, 2), "multilabel": (x[:, :2] > 2).astype(int), "regression": x[:, :2] ** 2}[kind]
    folds = list(GroupKFold(4).split(x, groups=np.arange(ROWS) // 3)) if folded else None
    rules = {"weights": np.random.default_rng(3).uniform(0.2, 3, ROWS), "balanced": True, "folds": folds}
    expected = solve_ridge_head(x, y, kind, 2, **rules)
    with AsOnDevice():
        found = solve_ridge_head(*moved(x), y, kind, 2, **rules)
    assert (found.penalty, found.loss) == (expected.penalty, pytest.approx(expected.loss))
    np.testing.assert_allclose(found.out_of_fold, expected.out_of_fold, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found(x), expected(x), rtol=1e-6, atol=1e-8)
