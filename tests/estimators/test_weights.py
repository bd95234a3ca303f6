"""Weights of rows: what counts more decides, whole weights are repeated rows, and none are refused."""

import numpy as np
import pytest
from scipy.special import logit

from pare import PaReClassifier, PaReRegressor
from pare.config import PareError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("method", ["probe", "logistic_regression", "lightgbm", "xgboost", "catboost"])
def test_rows_that_count_more_decide(method):
    """Each row is there twice, with contrary classes: its weights say which one holds."""
    if method not in ("probe", "logistic_regression"):
        pytest.importorskip(method)
    X, rows = RNG.normal(size=(80, 3)), np.r_[:80, :80]
    y = X[:, 0] > 0
    for first, second in ((1, 0.05), (0.05, 1)):
        weights = np.repeat([first, second], 80)
        model = PaReClassifier(method).fit(X[rows], np.r_[y, ~y], groups=rows, sample_weight=weights)
        assert (model.predict(X) == (y if first > second else ~y)).mean() > 0.9


@pytest.mark.parametrize("method", ["probe", "logistic_regression"])
def test_whole_weights_are_nearly_repeated_rows(method):
    """Those that are held out, and scales, may differ, and so may the temperature of the probabilities.

    Copies of a row are in one group. Weights make a second input tell the class.
    """
    noise = np.random.default_rng(0)
    X, rows = noise.normal(size=(300, 4)), np.arange(300)
    y = (X[:, 0] + noise.normal(size=300) > 0).astype(int)
    counts = 1 + 3 * (X[:, 1] * (2 * y - 1) > 0)
    weighted, repeated, plain = (
        logit(PaReClassifier(method).fit(X[of], y[of], groups=of, sample_weight=weights).predict_proba(X)[:, 1])
        for of, weights in ((rows, counts), (np.repeat(rows, counts), None), (rows, None))
    )
    assert np.corrcoef(weighted, repeated)[0, 1] > 0.95
    assert np.corrcoef(plain, repeated)[0, 1] < 0.8


@pytest.mark.parametrize("method", ["probe", "logistic_regression"])
def test_weights_of_zero_drop_rows(wine, method):
    X, y = wine
    weights = RNG.uniform(1, 2, len(X)) * (np.arange(len(X)) % 3 > 0)
    some = weights > 0
    dropped = PaReClassifier(method).fit(X[some], y[some], sample_weight=weights[some])
    zero = PaReClassifier(method).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(zero.predict_proba(X), dropped.predict_proba(X))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(11), "inconsistent numbers of samples"),
        (np.ones((12, 2)), "1d array"),
        (np.zeros(12), "at least 0, not all of them zero"),
        (np.arange(12) - 1, "at least 0, not all of them zero"),
    ],
)
def test_what_are_no_weights_is_told(weights, message):
    with pytest.raises(ValueError, match=message):
        PaReRegressor().fit(RNG.normal(size=(12, 3)), np.arange(12.0), sample_weight=weights)


@pytest.mark.parametrize("method", ["finetune", "choose"])
def test_a_method_without_weights_says_which_have_them(method):
    with pytest.raises(PareError, match="takes no sample_weight; those that do are probe, logistic_regression and the"):
        PaReRegressor(method).fit(RNG.normal(size=(12, 3)), np.arange(12.0), sample_weight=np.arange(12) + 1)
