"""Solved heads against scikit-learn and closed forms."""

import tracemalloc

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict

from as_on_device import AsOnDevice, moved
from pare.learners.networks.start import heads
from pare.learners.networks.start.cross_validation import FOLDS
from pare.learners.networks.start.heads import SPREAD, solve_head

ROWS, ENCODED, RAW = 120, 30, 2


@pytest.fixture
def features() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.c_[rng.normal(3, 5, (ROWS, ENCODED)), rng.normal(size=(ROWS, RAW))]


def scaled(features: np.ndarray) -> np.ndarray:
    """The features as a solver without principal axes would take them."""
    centred = features - features.mean(0)
    own = centred[:, :ENCODED]
    return np.c_[own * SPREAD / np.sqrt((own**2).sum(1).mean()), centred[:, ENCODED:]]


def classes(features: np.ndarray, count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (features @ rng.normal(size=(features.shape[1], count)) + rng.normal(size=(len(features), count))).argmax(1)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("balanced", [False, True])
def test_probabilities_are_those_of_scikit_learn_without_the_rotation(features, count, balanced):
    y = classes(features, count)
    head = solve_head(
        features, y, "classification", count, encoded=ENCODED, standardised=False, balanced=balanced, penalties=[0.1]
    )
    model = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8, class_weight="balanced" if balanced else None)
    expected = model.fit(scaled(features), y).predict_proba(scaled(features))
    np.testing.assert_allclose(softmax(head(features), 1), expected, atol=2e-3)


def test_the_penalty_has_the_least_log_loss_over_the_folds(features):
    y = classes(features, 3)
    head = solve_head(features, y, "classification", 3, encoded=ENCODED, standardised=False, seed=4)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=4)
    losses = {}
    for penalty in (0.01, 0.1, 1.0, 10.0, 100.0):
        model = LogisticRegression(C=penalty, max_iter=5000)
        p = cross_val_predict(model, scaled(features), y, cv=folds, method="predict_proba")
        losses[penalty] = -np.log(p[np.arange(ROWS), y]).mean()
    assert head.penalty == min(losses, key=losses.__getitem__)
    assert head.loss == pytest.approx(losses[head.penalty], rel=1e-2)


def test_axes_too_short_for_a_penalty_change_next_to_nothing(features):
    """Most of them are left out here: as little as they vary, a regression that has them all hardly uses them."""
    x = features[:, :ENCODED] @ np.diag(np.geomspace(1, 1e-4, ENCODED))
    y = classes(x, 3)
    head = solve_head(x, y, "classification", 3, encoded=ENCODED, standardised=False, penalties=[0.1])
    centred = x - x.mean(0)
    whole = centred * SPREAD / np.sqrt((centred**2).sum(1).mean())
    expected = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8).fit(whole, y).predict_proba(whole)
    np.testing.assert_allclose(softmax(head(x), 1), expected, atol=1e-2)


def test_no_weaker_penalty_is_tried_behind_one_that_is_clearly_worse(features, monkeypatch):
    """Of chance, the less is learnt the better."""
    tried = []
    solve = heads._Logistic.solve
    monkeypatch.setattr(heads._Logistic, "solve", lambda self, c: tried.append(c) or solve(self, c))
    y = np.random.default_rng(5).integers(0, 3, ROWS)
    head = solve_head(features, y, "classification", 3, encoded=ENCODED, standardised=False)
    assert head.penalty == 0.01
    assert len(head.out_of_fold) == ROWS
    assert 100.0 not in tried


def test_numbers_are_those_of_ridge_in_closed_form(features):
    y = features @ np.random.default_rng(2).normal(size=(ENCODED + RAW, 2)) + 7
    head = solve_head(features, y, "regression", 2, encoded=ENCODED, standardised=False, penalties=[0.1])
    x = scaled(features)
    weight = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ (y - y.mean(0)))
    np.testing.assert_allclose(head(features), x @ weight + y.mean(0), atol=1e-6)


def test_raw_features_take_no_matrix_of_all_their_pairs():
    """Numbers as in closed form by the rows' products; 4,000 x 4,000 of them would be 128 MB."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, ENCODED + 4000)), rng.normal(size=(50, 1))
    tracemalloc.start()
    head = solve_head(x, y, "regression", 1, encoded=ENCODED, standardised=False, penalties=[0.1])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6
    products = scaled(x) @ scaled(x).T
    expected = products @ np.linalg.solve(products + 10 * np.eye(50), y - y.mean(0)) + y.mean(0)
    np.testing.assert_allclose(head(x), expected, atol=1e-6)


def test_labels_have_a_logistic_regression_each(features):
    y = np.stack([classes(features, 2), classes(features[::-1], 2)], 1)
    head = solve_head(features, y, "multilabel", 2, encoded=ENCODED, standardised=False, penalties=[0.1])
    for label in range(2):
        model = LogisticRegression(C=0.1, max_iter=5000).fit(scaled(features), y[:, label])
        np.testing.assert_allclose(head(features)[:, label], model.decision_function(scaled(features)), atol=2e-2)


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression"])
def test_whole_weights_are_repeated_rows(features, kind):
    """With next to no penalty, whose size depends on the scale of the features."""
    rng, x = np.random.default_rng(3), features[:, :4]
    y = {"regression": rng.normal(size=(ROWS, 2)), "multilabel": rng.integers(0, 2, (ROWS, 2))}
    y = y.get(kind, rng.integers(0, 3, ROWS))
    counts = rng.integers(1, 4, ROWS)
    rules = {"encoded": 4, "standardised": False, "penalties": [1e6]}
    outputs = 3 if kind == "classification" else 2
    head = solve_head(x, y, kind, outputs, weights=counts.astype(float), **rules)
    repeated = solve_head(np.repeat(x, counts, 0), np.repeat(y, counts, 0), kind, outputs, **rules)
    np.testing.assert_allclose(head(x), repeated(x), atol=2e-2)
    assert np.abs(head(x) - solve_head(x, y, kind, outputs, **rules)(x)).max() > 0.1


def test_the_penalty_has_the_least_weighted_loss(features):
    """What is learnt of half of the rows is wrong for the others, so that the latter want a strong penalty."""
    x, y = features[:, :4], features[:, :1].copy()
    y[ROWS // 2 :] *= -1
    rules = {"encoded": 4, "standardised": False, "penalties": [1e-6, 1.0]}
    halves = [solve_head(x, y, "regression", 1, weights=np.repeat(w, ROWS // 2), **rules) for w in ([1, 1e-3], [1, 1])]
    assert halves[0].penalty > halves[1].penalty


def test_standardised_features_do_not_depend_on_their_units(features):
    y, units = classes(features, 2), np.geomspace(1e-2, 1e2, ENCODED)
    other = np.c_[features[:, :ENCODED] * units, features[:, ENCODED:]]
    rules = {"encoded": ENCODED, "standardised": True, "penalties": [1.0]}
    one, another = (solve_head(x, y, "classification", 2, **rules) for x in (features, other))
    np.testing.assert_allclose(one(features), another(other), atol=1e-2)


def test_more_features_than_rows_and_constant_ones_are_fine():
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(size=(30, 400)), np.ones(30)]
    y = (x[:, 0] > 0).astype(int)
    head = solve_head(x, y, "classification", 2, encoded=401, standardised=True)
    assert np.isfinite(head(x)).all()
    assert (head(x).argmax(1) == y).mean() > 0.9


def test_a_class_without_rows_is_never_predicted(features):
    y = classes(features, 2) * 2  # classes 0 and 2 of three
    head = solve_head(features, y, "classification", 3, encoded=ENCODED, standardised=False)
    assert softmax(head(features), 1)[:, 1].max() < 1e-3


def test_a_rare_class_may_be_missing_in_a_fold(features):
    y = classes(features, 2)
    y[0] = 2
    head = solve_head(features, y, "classification", 3, encoded=ENCODED, standardised=False)
    assert np.isfinite(head.loss)


def test_too_few_rows_for_folds_take_a_fixed_penalty_and_say_so(caplog):
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 0, 1, 0, 1])
    head = solve_head(x, y, "classification", 2, encoded=3, standardised=False)
    assert head.penalty == 1.0
    assert "too few to choose a penalty" in caplog.text


def test_the_penalty_may_be_chosen_on_folds_that_are_given(features):
    y = classes(features, 3)
    folds = list(GroupKFold(4).split(features, groups=np.arange(ROWS) // 10))
    head = solve_head(features, y, "classification", 3, encoded=ENCODED, standardised=False, folds=folds)
    model = LogisticRegression(C=head.penalty, max_iter=5000)
    p = cross_val_predict(model, scaled(features), y, cv=folds, method="predict_proba")
    np.testing.assert_allclose(softmax(head.out_of_fold, 1), p, atol=1e-2)


@pytest.mark.parametrize(("kind", "outputs"), [("classification", 3), ("regression", 2)])
def test_features_may_depend_on_the_fold(features, kind, outputs):
    """Out-of-fold outputs are those of a model of the fold's own features, and the head is one of the last ones."""
    rng, rules = np.random.default_rng(4), {"encoded": ENCODED, "standardised": False, "penalties": [0.1, 0.2]}
    y = classes(features, 3) if kind == "classification" else features[:, :2] + rng.normal(size=(ROWS, 2))
    folds = list(StratifiedKFold(4).split(features, np.arange(ROWS) % 4))
    own = [features + rng.normal(size=features.shape) for _ in folds]
    head = solve_head(features, y, kind, outputs, folds=folds, of_folds=own, **rules)
    alone = solve_head(features, y, kind, outputs, **rules | {"penalties": [head.penalty]})
    np.testing.assert_allclose(head(features), alone(features), atol=1e-6)
    for x, (fitted, held) in zip(own, folds, strict=True):
        if kind == "regression":
            model = Ridge(1 / head.penalty).fit(scaled(x)[fitted], y[fitted])
            np.testing.assert_allclose(head.out_of_fold[held], model.predict(scaled(x)[held]), atol=1e-6)
        else:
            model = LogisticRegression(C=head.penalty, max_iter=5000).fit(scaled(x)[fitted], y[fitted])
            expected = model.predict_proba(scaled(x)[held])
            np.testing.assert_allclose(softmax(head.out_of_fold[held], 1), expected, atol=1e-2)


@pytest.mark.parametrize("wide", [False, True])  # more features than rows, which are standardised
@pytest.mark.parametrize(
    ("kind", "outputs"), [("classification", 2), ("classification", 4), ("multilabel", 2), ("regression", 2)]
)
def test_a_device_finds_what_a_cpu_finds(features, kind, outputs, wide, monkeypatch):
    """So long as both go on to the same small gradient."""
    monkeypatch.setattr(heads, "ROUGHLY", 1e-5)
    x, rng = features.astype(np.float32), np.random.default_rng(6)
    x[:, 3] = 7.0
    y = {
        "multilabel": np.stack([classes(x, 2), classes(x[::-1], 2)], 1),
        "regression": x[:, :2] + rng.normal(size=(ROWS, 2)),
    }
    y = y.get(kind, classes(x, outputs))
    x = np.repeat(x, 5, 1) + rng.normal(0, 0.1, (ROWS, 5 * x.shape[1])).astype(np.float32) if wide else x
    rules = {"encoded": x.shape[1] - RAW, "standardised": wide, "balanced": True, "penalties": [0.01, 1.0]}
    rules |= {"weights": rng.uniform(0.2, 3, ROWS), "chosen": np.arange(0, ROWS, 2)}
    expected = solve_head(x, y, kind, outputs, **rules)
    with AsOnDevice():
        found = solve_head(*moved(x), y, kind, outputs, **rules)
    assert (found.penalty, found.loss) == (expected.penalty, pytest.approx(expected.loss, rel=1e-3))
    np.testing.assert_allclose(found.out_of_fold, expected.out_of_fold, atol=1e-2)
    np.testing.assert_allclose(found(x), expected(x), atol=3e-2)
