"""Sets, intervals and bands cover the truths of new rows as often as was asked for."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.metrics import log_loss as sklearn_log_loss

from pare.config import PareError
from pare.evaluation.calibration import Calibration, conformal_quantile, fewest_rows, fit_temperature, log_loss

FIELDS = SimpleNamespace(output=SimpleNamespace(kind="dense"), compares_values=True)  # what is asked of their task
RNG, DRAWS = np.random.default_rng(0), np.random.default_rng(0)


def classes(rows):
    logits = RNG.normal(size=(rows, 4)) * 2
    truth = np.array([RNG.choice(4, p=p) for p in softmax(logits, axis=1)])
    return {"prediction": (3 * logits).astype(np.float32), "truth": truth}  # too sure


def numbers(rows):
    truth = RNG.normal(size=(rows, 2)) * [1, 100]
    return {"prediction": (truth + RNG.normal(size=(rows, 2)) * [1, 100]).astype(np.float32), "truth": truth}


def fields(rows):
    """Errors that are large in one corner, and in some fields everywhere."""
    truth = RNG.normal(size=(rows, 1, 8, 8)).astype(np.float32)
    grid = np.add.outer(np.arange(1, 9), np.arange(1, 9))
    error = RNG.normal(size=truth.shape) * grid * RNG.exponential(size=(rows, 1, 1, 1))
    return (truth + error).astype(np.float32), truth


def of_fields(prediction, truth):
    return Calibration.of_rows(FIELDS, prediction, truth, None)


def test_sets_hold_the_true_class_as_often_as_asked_for_and_the_most_probable_always():
    calibration, new = Calibration("classification", classes(2000)), classes(2000)
    members = calibration.sets(new["prediction"], 0.8)
    assert members[np.arange(2000), new["truth"]].mean() == pytest.approx(0.8, abs=0.03)
    assert members[np.arange(2000), new["prediction"].argmax(1)].all()
    wider = calibration.sets(new["prediction"], 0.95)
    assert (wider >= members).all() and wider.sum() > members.sum()


def test_a_sure_model_still_has_a_class_in_each_set():
    logits = np.array([[50.0, 0.0, 0.0]] * 30)
    calibration = Calibration("classification", {"prediction": logits, "truth": np.zeros(30, int)})
    doubtful = np.array([[0.1, 0.0, 0.0]])
    np.testing.assert_array_equal(calibration.sets(doubtful, 0.9), [[True, False, False]])


def test_probabilities_are_those_of_logits_at_the_temperature():
    calibration, new = Calibration("classification", classes(4000)), classes(10)
    assert calibration.temperature == pytest.approx(3, rel=0.1)
    wanted = softmax(new["prediction"] / 3, axis=1)
    np.testing.assert_allclose(calibration.probabilities(new["prediction"]), wanted, atol=0.02)
    logits = 2 * RNG.normal(size=(4000, 2))
    labels = (RNG.random((4000, 2)) < expit(logits / 2)).astype(np.float32)
    of_labels = Calibration("multilabel", {"prediction": logits, "truth": labels})
    np.testing.assert_allclose(of_labels.probabilities(logits), expit(logits / 2), atol=0.02)


def test_each_number_has_its_own_interval():
    calibration, new = Calibration("regression", numbers(2000)), numbers(2000)
    lower, upper = calibration.interval(new["prediction"], 0.9)
    assert lower.shape == upper.shape == (2000, 2)
    covered = ((lower <= new["truth"]) & (new["truth"] <= upper)).mean(axis=0)
    np.testing.assert_allclose(covered, 0.9, atol=0.02)
    np.testing.assert_allclose((upper - lower)[0], [2 * 1.645, 200 * 1.645], rtol=0.07)  # of a normal distribution


def test_a_band_holds_the_share_of_points_and_is_wide_where_errors_are_large():
    calibration = of_fields(*fields(2000))
    prediction, truth = fields(2000)
    lower, upper = calibration.interval(prediction, 0.9)
    assert ((lower <= truth) & (truth <= upper)).mean() == pytest.approx(0.9, abs=0.015)
    width = (upper - lower)[0, 0]
    assert width[7, 7] / width[0, 0] == pytest.approx(8, rel=0.25)  # 16 against 2


def test_masked_points_do_not_count():
    def masked(rows):
        prediction, truth = fields(rows)
        truth[:, 0, 0] = np.nan  # never known
        truth[:2] = np.nan  # fields of which nothing is known
        return prediction, truth

    calibration = of_fields(*masked(400))
    assert calibration.rows == 199
    lower, upper = calibration.interval(masked(1)[0], 0.9)
    assert np.isfinite(lower).all() and np.isfinite(upper).all()


def test_a_perfect_model_has_bands_without_width():
    _, truth = fields(30)
    lower, upper = of_fields(truth, truth).interval(truth, 0.9)
    np.testing.assert_array_equal(lower, upper)


def test_too_few_rows_are_refused_and_the_largest_coverage_is_named():
    calibration = Calibration("regression", numbers(8))
    with pytest.raises(
        PareError, match=r"needs 9 .* found 8; .* split.validation .* estimator more rows.* at most 0.8889"
    ):
        calibration.interval(np.zeros((1, 2)), 0.9)
    one = of_fields(*fields(1))
    with pytest.raises(PareError, match=r"found 0; train again with more .* a tenth$"):
        one.interval(fields(1)[0], 0.5)


def test_what_does_not_suit_the_output_is_refused():
    with pytest.raises(PareError, match="intervals are of numbers and fields, this model predicts classification"):
        Calibration("classification", classes(20)).interval(np.zeros((1, 4)), 0.9)
    with pytest.raises(PareError, match="sets are of classes, this model predicts regression"):
        Calibration("regression", numbers(20)).sets(np.zeros((1, 2)), 0.9)


@pytest.mark.parametrize("made", [Calibration("classification", classes(20)), of_fields(*fields(18))])
def test_a_saved_one_is_the_same(made, tmp_path):
    assert Calibration.load(tmp_path, made.kind) is None
    made.save(tmp_path)
    loaded = Calibration.load(tmp_path, made.kind)
    assert loaded.kind == made.kind and loaded.arrays.keys() == made.arrays.keys()
    for name, array in made.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)


# Conformal quantiles, by counting and by drawing many times


def test_of_one_score_a_row_it_is_the_published_rank():
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 30.0))[:, None]  # 29 rows
    assert conformal_quantile(scores, 0.9) == 27  # ⌈0.9 · 30⌉
    assert conformal_quantile(scores, 0.91) == 28
    assert conformal_quantile(scores[:9], 0.9) == scores[:9].max()


def test_a_new_row_is_covered_as_often_as_was_asked_for():
    rng = np.random.default_rng(0)
    scores = rng.exponential(size=(20_000, 20, 1))
    covered = [drawn[-1] <= conformal_quantile(drawn[:-1], 0.8) for drawn in scores]
    assert np.mean(covered) == pytest.approx(16 / 20, abs=0.01)  # exactly ⌈0.8 · 20⌉ / 20


def test_of_many_scores_a_row_the_expected_share_is_covered():
    """Rows differ much from each other: pooling the scores as if they were independent would cover too few."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(3000):
        scores = rng.exponential(size=(13, 1)) * rng.exponential(size=(13, 40))
        shares.append((scores[-1] <= conformal_quantile(scores[:-1], 0.8)).mean())
    assert 0.79 < np.mean(shares) < 0.87


@pytest.mark.parametrize(("coverage", "rows"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_the_fewest_rows_are_those_of_the_largest_score(coverage, rows):
    assert fewest_rows(coverage) == rows
    assert conformal_quantile(np.arange(rows)[:, None], coverage) == rows - 1
    with pytest.raises(PareError, match=rf"needs {rows} validation rows that calibrate, found {rows - 1}"):
        conformal_quantile(np.arange(rows - 1)[:, None], coverage)


@pytest.mark.parametrize("coverage", [0, 1, 90])
def test_a_coverage_is_a_share(coverage):
    with pytest.raises(PareError, match="between 0 and 1"):
        conformal_quantile(np.ones((50, 1)), coverage)


# Temperatures


def drawn(logits):
    """Classes that are drawn with the probabilities of the logits."""
    return np.array([DRAWS.choice(len(p), p=p) for p in softmax(logits, axis=1)])


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_logits_that_are_too_large_are_divided_by_what_they_were_multiplied_with(factor):
    logits = DRAWS.normal(size=(4000, 3)) * 2
    assert fit_temperature(factor * logits, drawn(logits)) == pytest.approx(factor, rel=0.1)
    labels = (DRAWS.random((4000, 2)) < expit(logits[:, :2])).astype(np.float32)
    assert fit_temperature(factor * logits[:, :2], labels) == pytest.approx(factor, rel=0.1)


def test_the_loss_is_that_of_scikit_learn():
    logits = DRAWS.normal(size=(50, 3))
    y = drawn(logits)
    assert log_loss(logits, y) == pytest.approx(sklearn_log_loss(y, softmax(logits, axis=1)))
    labels = DRAWS.integers(2, size=(50, 2))
    wanted = np.mean([sklearn_log_loss(labels[:, i], expit(logits[:, i])) for i in range(2)])
    assert log_loss(logits[:, :2], labels) == pytest.approx(wanted)


def test_rows_without_a_mistake_do_not_make_a_model_certain():
    logits, truth = np.array([[2.0, 0.0], [0.0, 2.0]] * 20), np.array([0, 1] * 20)
    assert 0.4 < fit_temperature(logits, truth) < 0.6
    assert fit_temperature(2 * logits, truth) == 1  # little is left to be gained


def test_what_is_not_clearly_better_changes_nothing():
    """Of models that were as sure as they should be, about one in twenty is changed."""
    logits = DRAWS.normal(size=(400, 50, 2)) * 2
    changed = np.mean([fit_temperature(rows, drawn(rows)) != 1 for rows in logits])
    assert 0.01 < changed < 0.09


def test_a_sure_mistake_makes_a_model_doubt():
    logits = np.array([[9.0, 0.0], [0.0, 9.0]] * 5)
    assert fit_temperature(logits, np.array([0, 1] * 4 + [1, 0])) > 3


@pytest.mark.parametrize("rows", [30, 300])
@pytest.mark.slow
def test_the_temperature_is_the_most_likely_one_of_a_grid_with_its_prior(rows):
    """By scikit-learn's loss and the normal density of scipy, on a grid of temperatures."""
    logits = DRAWS.normal(size=(rows, 3)) * 6
    truth = drawn(logits / 3)
    grid = np.exp(np.linspace(-1, 2, 3001))
    losses = [sklearn_log_loss(truth, softmax(logits / t, axis=1), labels=range(3)) for t in grid]
    for spread in (0.25, 0.5):
        wanted = grid[np.argmax(norm.logpdf(np.log(grid), scale=spread) - rows * np.array(losses))]
        assert fit_temperature(logits, truth, spread) == pytest.approx(wanted, rel=2e-3)


def test_a_narrow_prior_stays_nearer_to_one_and_harms_less_where_few_rows_mislead():
    """A rare class that the few rows happen to lack; the new rows have it."""
    logits = np.array([[1.5, 0.0]] * 30)
    truth, new = np.zeros(30, int), np.array([0] * 24 + [1] * 6)
    wide, narrow = (fit_temperature(logits, truth, spread) for spread in (0.5, 0.25))
    assert wide < narrow < 1
    assert log_loss(logits / narrow, new) < log_loss(logits / wide, new)


def test_points_of_a_mask_that_are_ignored_have_no_say():
    logits = 3 * RNG.normal(size=(200, 1, 20))
    truth = (RNG.random(logits.shape) < expit(logits / 3)).astype(np.float32)
    ignored = truth.copy()
    ignored[:, :, 15:] = np.nan
    wanted = fit_temperature(logits[:, :, :15], truth[:, :, :15])
    assert fit_temperature(logits, ignored) == pytest.approx(wanted) and wanted > 2
