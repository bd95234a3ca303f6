"""What the test rows say of how sure a model was."""

import numpy as np
import pandas as pd
import pytest

from evaluated_runs import with_task
from pare.evaluation.calibration import Calibration
from pare.evaluation.coverage import calibration_error, calibration_of, covered_share, uncertainty_record

RNG = np.random.default_rng(0)


@pytest.fixture
def task(run):
    return run.task


def classes(rows, factor=4.0):
    """Logits that are too large by a factor."""
    share = RNG.random(rows)
    logits = np.stack([np.zeros(rows), factor * np.log(share / (1 - share))], axis=1)
    return {"prediction": logits, "truth": (RNG.random(rows) < share).astype(int)}


def test_of_classes_probabilities_get_better_and_sets_cover(task):
    record = uncertainty_record(task, Calibration("classification", classes(1000)), classes(4000))
    assert record["n_validation"] == 1000 and record["asked"] == 0.9
    assert record["coverage"] == pytest.approx(0.9, abs=0.03)
    assert 1 <= record["set_size"] <= 2
    assert record["temperature"] == pytest.approx(4, rel=0.2)
    assert record["log_loss"]["after"] == pytest.approx(0.5, abs=0.03)  # nats, ∫ of the entropy of a share
    assert record["log_loss"]["after"] < record["log_loss"]["before"]
    assert record["calibration_error"]["after"] < 0.03 < record["calibration_error"]["before"]


def test_the_calibration_error_is_the_mean_gap_of_ten_bins():
    confidence = RNG.random(500)
    right = RNG.random(500) < confidence**2
    rows = pd.DataFrame({"confidence": confidence, "right": right.astype(float)})
    bins = rows.groupby(pd.cut(rows["confidence"], np.linspace(0, 1, 11)), observed=True)
    gaps = (bins["confidence"].mean() - bins["right"].mean()).abs()
    assert calibration_error(confidence, right) == pytest.approx(np.average(gaps, weights=bins.size()), rel=1e-12)
    assert calibration_error(np.array([0.0, 1.0, 1.0, 0.95]), np.array([0, 1, 1, 0])) == pytest.approx(0.95 / 4)


def test_too_few_rows_have_a_temperature_and_no_coverage(task):
    record = uncertainty_record(task, Calibration("classification", classes(8)), classes(50))
    assert record["coverage"] is None and record["set_size"] is None
    assert record["temperature"] > 0


def test_each_number_has_a_width(task):
    def drawn(rows):
        return {"prediction": np.zeros((rows, 2)), "truth": RNG.uniform(-1, 1, (rows, 2)) * [1, 10]}

    record = uncertainty_record(task, Calibration("regression", drawn(1000)), drawn(1000))
    assert record["coverage"] == pytest.approx(0.9, abs=0.03)
    np.testing.assert_allclose(record["width"], [1.8, 18], rtol=0.05)
    assert "temperature" not in record


def test_of_fields_the_share_of_points_counts(run):
    truth = RNG.uniform(-1, 1, (400, 1, 9, 9))
    prediction = np.zeros_like(truth)
    field = {"input": {"shape": [1, 9, 9]}, "output": {"kind": "dense", "shape": [1, 9, 9]}, "loss": "mse"}
    task = with_task(run, **field, metric="rmse", tokens={"kind": "patch"}).task
    calibration = Calibration.of_rows(task, prediction, truth, None)
    record = uncertainty_record(task, calibration, {"prediction": prediction, "truth": truth})
    assert record["coverage"] == pytest.approx(0.9, abs=0.02)
    assert len(record["width"]) == 1


def test_points_that_are_masked_are_no_misses():
    truth = np.array([[0.0, np.nan], [5.0, 0.0], [np.nan, np.nan]])
    assert covered_share(truth * 0 - 1, np.nan_to_num(truth * 0) + 1, truth) == pytest.approx((1 + 0.5) / 2)


def test_where_groups_are_scored_groups_calibrate(run):
    rows = Calibration("classification", classes(6) | {"group": np.array([0, 0, 1, 1, 1, 2])})
    assert calibration_of(run.task, rows).rows == 6
    assert calibration_of(with_task(run, average_groups=True).task, rows).rows == 3


def test_without_a_calibration_there_is_none(task):
    assert uncertainty_record(task, None, classes(3)) is None
