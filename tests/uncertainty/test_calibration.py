"""Sets, intervals and bands cover the truths of new rows as often as was asked for."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from pare.config import PareError
from pare.uncertainty import Calibration

RNG = np.random.default_rng(0)


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
    calibration = Calibration.of_fields([fields(300), fields(300)], [fields(500)])
    prediction, truth = fields(2000)
    lower, upper = calibration.interval(prediction, 0.9)
    assert ((lower <= truth) & (truth <= upper)).mean() == pytest.approx(0.9, abs=0.015)
    width = (upper - lower)[0, 0]
    assert width[7, 7] / width[0, 0] == pytest.approx(8, rel=0.25)  # 16 against 2


def test_masked_points_do_not_count():
    def masked(rows):
        prediction, truth = fields(rows)
        truth[:, 0, 0] = np.nan  # never known
        truth[0] = np.nan  # a field of which nothing is known
        return prediction, truth

    calibration = Calibration.of_fields([masked(200)], [masked(200)])
    assert calibration.rows == 199
    lower, upper = calibration.interval(masked(1)[0], 0.9)
    assert np.isfinite(lower).all() and np.isfinite(upper).all()


def test_a_perfect_model_has_bands_without_width():
    _, truth = fields(30)
    lower, upper = Calibration.of_fields([(truth, truth)], [(truth, truth)]).interval(truth, 0.9)
    np.testing.assert_array_equal(lower, upper)


def test_too_few_rows_are_refused_and_the_largest_coverage_is_named():
    calibration = Calibration("regression", numbers(8))
    with pytest.raises(
        PareError, match=r"needs 9 .* found 8; .* split.validation .* estimator more rows.* at most 0.8889"
    ):
        calibration.interval(np.zeros((1, 2)), 0.9)
    one = Calibration.of_fields([fields(1)], [])
    with pytest.raises(PareError, match=r"found 0; train again with more .* a tenth$"):
        one.interval(fields(1)[0], 0.5)


def test_what_does_not_suit_the_output_is_refused():
    with pytest.raises(PareError, match="intervals are of numbers and fields, this model predicts classification"):
        Calibration("classification", classes(20)).interval(np.zeros((1, 4)), 0.9)
    with pytest.raises(PareError, match="sets are of classes, this model predicts regression"):
        Calibration("regression", numbers(20)).sets(np.zeros((1, 2)), 0.9)


@pytest.mark.parametrize(
    "made", [Calibration("classification", classes(20)), Calibration.of_fields([fields(5)], [fields(9)])]
)
def test_a_saved_one_is_the_same(made, tmp_path):
    assert Calibration.load(tmp_path, made.kind) is None
    made.save(tmp_path)
    loaded = Calibration.load(tmp_path, made.kind)
    assert loaded.kind == made.kind and loaded.arrays.keys() == made.arrays.keys()
    for name, array in made.arrays.items():
        np.testing.assert_array_equal(loaded.arrays[name], array)
