import numpy as np
import pytest
import torch
from torch import nn

from pare.arrays.store import ArrayStore, write_store
from pare.config.schema import OutputConfig
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import constant_prediction, predict, score

CPU = torch.device("cpu")


def store(path, x, y):
    write_store(path, blocks=[("test", x, y)], statistics={}, fingerprint="f", description={})
    return ArrayStore(path).rows("test")


@pytest.fixture
def fields():
    return np.random.default_rng(0).normal(size=(150, 1, 4, 4)).astype(np.float32)


def test_every_row_is_predicted_once_and_in_order(fields, tmp_path):
    outcome = predict(nn.Identity(), store(tmp_path / "s.h5", fields, -fields), CPU)
    assert np.array_equal(outcome["prediction"], fields)
    assert np.array_equal(outcome["truth"], -fields)


def test_predictions_are_single_precision_and_need_no_gradient(fields, tmp_path):
    outcome = predict(nn.Flatten().to(CPU), store(tmp_path / "s.h5", fields.astype(np.float64), fields), CPU)
    assert outcome["prediction"].dtype == np.float32


def test_the_score_sees_all_rows_at_once_and_nothing_of_an_earlier_call(fields):
    metric = build_metric("relative_l2")
    score(metric, fields * 3, fields)
    errors = [np.linalg.norm(p - t) / np.linalg.norm(t) for p, t in zip(fields + 1, fields, strict=True)]
    assert score(metric, fields + 1, fields) == pytest.approx(np.mean(errors), rel=1e-6)


def test_the_constant_field_is_the_mean_training_field(fields, tmp_path):
    rows = store(tmp_path / "s.h5", fields, fields)
    constant = constant_prediction(rows, OutputConfig(kind="dense", shape=(1, 4, 4)), 5)
    assert constant.shape == (5, 1, 4, 4)
    np.testing.assert_allclose(constant[3], fields.mean(0), atol=1e-6)


def test_the_constant_class_is_the_training_frequencies_and_a_class_never_seen_stays_finite(tmp_path):
    y = np.array([0] * 60 + [2] * 40)
    rows = store(tmp_path / "s.h5", np.zeros((100, 3), np.float32), y)
    logits = constant_prediction(rows, OutputConfig(kind="classification", shape=(3,)), 4)
    assert logits.shape == (4, 3)
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(np.exp(logits[0]) / np.exp(logits[0]).sum(), [0.6, 0, 0.4], atol=1e-6)
