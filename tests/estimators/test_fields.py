"""Fields by an estimator: a linear one is found exactly, and shapes that are no fields are refused."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score

from pare import PaReField
from pare.config import PareError

RNG = np.random.default_rng(0)
LINE = RNG.normal(size=(120, 2, 12))
SHIFTED = 30 * np.roll(LINE[:, :1], 3, axis=2) - LINE[:, 1:] + 5  # each point of two others
SQUARE = RNG.normal(size=(120, 1, 6, 6))
BOTH = np.concatenate([SQUARE.cumsum(axis=2), 2 * SQUARE[..., ::-1]], axis=1)


@pytest.mark.parametrize(("X", "y"), [(LINE, SHIFTED), (SQUARE, BOTH)], ids=["1D", "2D"])
def test_ridge_finds_a_linear_field_exactly(X, y):
    model = PaReField("ridge").fit(X[:100], y[:100])
    np.testing.assert_allclose(model.predict(X[100:]), y[100:], atol=1e-3)
    assert model.score(X[100:], y[100:]) == pytest.approx(1)
    assert model.predictor_.trained.run.task.kind == "field"


def test_fields_may_have_their_channels_last_or_none_and_another_grid():
    expected = PaReField("ridge").fit(SQUARE, BOTH).predict(SQUARE)
    last = np.moveaxis(BOTH, 1, -1)
    alone = PaReField("ridge", channels="none").fit(SQUARE[:, 0], last)
    np.testing.assert_allclose(alone.predict(SQUARE[:, 0]), np.moveaxis(expected, 1, -1), atol=1e-4)
    model = PaReField("ridge").fit(np.moveaxis(LINE, 1, -1), SHIFTED[:, 0])
    np.testing.assert_allclose(model.predict(np.moveaxis(LINE, 1, -1)), SHIFTED[:, 0], atol=1e-3)
    assert all(end.shape == (120, 12) for end in model.predict_interval(np.moveaxis(LINE, 1, -1), 0.5))
    coarse = PaReField("ridge").fit(LINE[:100], SHIFTED[:100, :, ::2])
    np.testing.assert_allclose(coarse.predict(LINE[100:]), SHIFTED[100:, :, ::2], atol=1e-3)


def test_the_score_is_that_of_all_points_together():
    noisy = SHIFTED + RNG.normal(scale=10, size=SHIFTED.shape)
    model = PaReField("ridge").fit(LINE[:100], noisy[:100])
    truth, field = noisy[100:].reshape(20, -1), model.predict(LINE[100:]).reshape(20, -1)
    expected = r2_score(truth, field, multioutput="variance_weighted")
    assert model.score(LINE[100:], noisy[100:]) == pytest.approx(expected)
    unknown = noisy[100:].copy()
    unknown[:, 0, 4] = np.nan
    others = np.arange(12) != 4
    expected = r2_score(truth[:, others], field[:, others], multioutput="variance_weighted")
    assert model.score(LINE[100:], unknown) == pytest.approx(expected)


def test_a_band_holds_about_the_share_of_points_that_it_says():
    x = RNG.normal(size=(500, 1, 8))
    noisy = np.roll(x, 2, axis=2) + RNG.normal(size=x.shape)
    model = PaReField("ridge").fit(x[:400], noisy[:400])
    for coverage in (0.5, 0.9):
        lower, upper = model.predict_interval(x[400:], coverage)
        assert lower.shape == (100, 1, 8)
        assert ((lower <= noisy[400:]) & (noisy[400:] <= upper)).mean() == pytest.approx(coverage, abs=0.1)


def test_it_is_cloned_pickled_and_cross_validated():
    model = PaReField("ridge", random_state=2).fit(LINE, SHIFTED)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(LINE), model.predict(LINE))
    others = {"source": None, "training": None, "minutes": None, "ordered": False, "channels": "auto"}
    assert clone(model).get_params() == {"method": "ridge", "random_state": 2, **others}
    assert PaReField().method == "choose"
    assert cross_val_score(PaReField("ridge"), LINE, SHIFTED, cv=2).min() > 0.99


def test_points_that_are_not_known_are_left_out():
    masked = SHIFTED.copy()
    masked[:50, 0, 4] = np.nan
    model = PaReField("finetune", training={"epochs": 1, "precision": "no"}).fit(LINE, masked)
    assert np.isfinite(model.predict(LINE)).all()
    assert model.predict(LINE).shape == SHIFTED.shape


def test_the_best_of_several_is_kept():
    model = PaReField(minutes=0.02).fit(LINE, SHIFTED)
    assert model.score(LINE, SHIFTED) > 0.99
    assert model.predictor_.trained.record["candidates"][0]["method"] == "probe"


def test_the_operator_of_periodic_lines_is_compared_where_the_symmetry_is_named(caplog):
    with caplog.at_level("INFO"):
        model = PaReField(minutes=0.02, training={"symmetries": ["shift"]}).fit(LINE, SHIFTED)
    assert "fno" in {row["method"] for row in model.predictor_.trained.record["candidates"]}
    assert "training.symmetries has no effect on kernel_ridge, which learns without it" in caplog.text
    with pytest.raises(PareError, match=r"training\.symmetries has no effect on method 'ridge'"):
        PaReField("ridge", training={"symmetries": ["shift"]}).fit(LINE, SHIFTED)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (LINE[:, 0], SHIFTED),
        (LINE, SHIFTED[:, 0, 1:]),
        (LINE, SHIFTED[1:]),
        (SQUARE, SHIFTED),
        (SQUARE[:, :, None], BOTH[:, :, None]),
    ],
)
def test_what_are_no_fields_on_one_grid_is_told(X, y):
    with pytest.raises(ValueError, match=r"X has shape .* and y .*; expected \(rows, channels, points\)"):
        PaReField("ridge").fit(X, y)


def test_a_method_for_other_data_is_told():
    with pytest.raises(PareError, match="catboost"):
        PaReField("catboost").fit(LINE, SHIFTED)


def test_new_fields_have_the_grid_of_the_others():
    model = PaReField("ridge").fit(LINE, SHIFTED)
    with pytest.raises(PareError, match=r"new rows have shape \[2, 11\]"):
        model.predict(LINE[..., 1:])
    with pytest.raises(PareError, match="X holds NaN"):
        model.predict(np.full_like(LINE, np.nan))


@pytest.mark.parametrize("size", [0.0, 1e-8])
def test_fields_of_nothing_or_next_to_it_do_not_decide_the_others(size):
    """A tenth of the fields follow from nothing and are zero or nearly so; the others are linear in the input."""
    rng = np.random.default_rng(0)
    faint = np.arange(120) % 10 == 3
    y = np.where(faint[:, None, None], size * rng.normal(size=SHIFTED.shape), SHIFTED - 5)
    others = np.flatnonzero(~faint)[-20:]
    if size:
        model = PaReField("probe").fit(LINE[:100], y[:100])
    else:
        with pytest.warns(UserWarning, match="10 fields to predict are zero everywhere, so loss and metric are rmse"):
            model = PaReField("probe").fit(LINE[:100], y[:100])
    assert model.score(LINE[others], y[others]) > 0.8
