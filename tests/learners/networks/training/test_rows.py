"""What is kept of the validation rows are outputs of the model as it predicts, before it learns from them."""

from functools import partial

import numpy as np
import torch

from evaluated_runs import with_task, write_splits
from pare.evaluation.scoring import calibrated, predict_rows
from pare.learners.model import Model

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)


def as_it_is(x):
    return x


def test_of_a_kept_epoch_they_are_what_the_model_predicts(train, table_run, table, tmp_path):
    trained = train(table_run(), table, tmp_path)
    outcome = predict_rows(partial(trained.outputs, device=CPU), table.rows("validation"))
    kept = trained.calibration.arrays
    assert kept.keys() == outcome.keys()
    np.testing.assert_allclose(kept["prediction"], outcome["prediction"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(kept["truth"], outcome["truth"])
    trained.save(tmp_path / "model")
    np.testing.assert_array_equal(Model.load(tmp_path / "model").calibration.arrays["truth"], kept["truth"])


def test_groups_are_kept(table_run, tmp_path):
    x, group = RNG.normal(size=(7, 2)).astype(np.float32), np.array([0, 0, 1, 1, 1, 2, 3])
    rows = write_splits(tmp_path / "s.h5", validation={"x": x, "y": group % 2, "group": group}).rows("validation")
    calibration = calibrated(table_run().task, as_it_is, rows)
    np.testing.assert_array_equal(calibration.arrays["prediction"], x)
    np.testing.assert_array_equal(calibration.arrays["group"], group)


def test_of_fields_every_other_row_says_where_errors_are_large(table_run, tmp_path):
    x = np.zeros((20, 1, 3, 4), np.float32)
    y = np.full_like(x, 2.0)
    y[1::2, ..., 3] = 6.0  # rows of the second half have thrice the error of the first in one column
    rows = write_splits(tmp_path / "s.h5", validation={"x": x, "y": y}).rows("validation")
    field = {"output": {"kind": "dense", "shape": [1, 3, 4]}, "input": {"shape": [1, 3, 4]}}
    run = with_task(table_run(), **field, loss="mse", metric="rmse", tokens={"kind": "patch", "patch": 1})
    calibration = calibrated(run.task, as_it_is, rows)
    np.testing.assert_allclose(calibration.arrays["spread"], np.full((1, 3, 4), 2.0), rtol=1e-3)
    assert calibration.rows == 10
    np.testing.assert_allclose(calibration.arrays["ratios"][:, [0, -1]], [[1, 3]] * 10, rtol=1e-3)
    masks = with_task(run, loss="binary_cross_entropy", metric="one_minus_auroc")
    assert calibrated(masks.task, as_it_is, rows) is None


def test_without_validation_rows_there_is_nothing(table_run, tmp_path):
    rows = write_splits(tmp_path / "s.h5", train={"x": np.zeros((2, 2)), "y": np.arange(2)}).rows("validation")
    assert calibrated(table_run().task, as_it_is, rows) is None
