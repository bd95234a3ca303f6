from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from scipy.stats import bootstrap
from sklearn.metrics import roc_auc_score
from torch import nn

from pare.config.errors import PareError
from pare.config.schema import OutputConfig, Task
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.scoring import (
    DRAWS,
    DRAWS_TOGETHER,
    average_groups,
    bootstrap_interval,
    constant_prediction,
    predict_rows,
    sample_errors,
)
from pare.storage.store import ArrayStore, write_store

RNG = np.random.default_rng(0)
FIELD = OutputConfig(kind="dense", shape=(1, 5, 6))
NUMBER = OutputConfig(kind="regression", shape=(1,))
CLASSES = OutputConfig(kind="classification", shape=(3,))


def predicted(model, rows):
    """What a network predicts."""
    return predict_rows(lambda x: model(torch.from_numpy(x)).numpy(), rows)


def store(path, x, y, **arrays):
    blocks = [("test", {"x": x, "y": y, **arrays})]
    write_store(path, rows={"test": len(x)}, blocks=blocks, statistics={}, fingerprint="f", description={})
    return ArrayStore(path).rows("test")


def task(kind, shape, **keys):
    grid = [1, *shape[1:]] if kind == "dense" else [3]
    return Task.model_validate(
        {
            "title": "t",
            "raw": {"origin": "o", "origins": {"o": {"licence": "none"}}},
            "reader": {"name": "r"},
            "samples": {"train": 1, "test": 1},
            "input": {"shape": grid},
            "output": {"kind": kind, "shape": shape},
            "tokens": {"kind": "patch" if kind == "dense" else "feature"},
            **keys,
        }
    )


@pytest.fixture
def fields():
    return np.random.default_rng(0).normal(size=(150, 1, 4, 4)).astype(np.float32)


def test_every_row_is_predicted_once_and_in_order(fields, tmp_path):
    outcome = predicted(nn.Identity(), store(tmp_path / "s.h5", fields, -fields))
    assert outcome.keys() == {"prediction", "truth"}
    assert np.array_equal(outcome["prediction"], fields)
    assert np.array_equal(outcome["truth"], -fields)


class Recorder(nn.Module):
    """Passes its input on and remembers the sizes of the batches."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, x):
        self.sizes.append(len(x))
        return x


def test_a_block_holds_as_many_rows_as_its_bytes_allow_but_at_least_one(fields, tmp_path, monkeypatch):
    rows = store(tmp_path / "s.h5", fields, fields)
    row_bytes = fields[0].nbytes
    for allowed, wanted in ((row_bytes * 1000, [150]), (row_bytes * 130 - 1, [128, 22])):
        monkeypatch.setattr("pare.evaluation.row_sums.BATCH_BYTES", allowed)
        model = Recorder()
        predicted(model, rows)
        assert model.sizes == wanted
    for allowed, size in ((row_bytes * 60 - 1, 59), (row_bytes - 1, 1)):
        monkeypatch.setattr("pare.evaluation.row_sums.BATCH_BYTES", allowed)
        model = Recorder()
        outcome = predicted(model, rows)
        assert set(model.sizes[:-1]) == {size}
        assert np.array_equal(outcome["prediction"], fields)


def test_groups_of_rows_come_with_their_predictions(tmp_path):
    x, group = np.ones((70, 3), np.float32), np.arange(70) // 4
    outcome = predicted(nn.Identity(), store(tmp_path / "s.h5", x, x, group=group))
    np.testing.assert_array_equal(outcome["group"], group)


def test_the_logits_of_a_group_are_averaged_and_its_first_truth_is_taken():
    draw = np.random.default_rng(0)
    group = np.array([7, 7, 2, 7, 5, 2])
    logits, labels = draw.normal(size=(6, 4)).astype(np.float32), draw.integers(2, size=(6, 4))
    outcome = average_groups({"prediction": logits, "truth": labels, "group": group})
    np.testing.assert_array_equal(outcome["group"], [7, 2, 5])
    np.testing.assert_array_equal(outcome["truth"], labels[[0, 2, 4]])
    expected = [logits[group == number].mean(axis=0) for number in (7, 2, 5)]
    np.testing.assert_allclose(outcome["prediction"], expected, rtol=1e-6)
    assert outcome["prediction"].dtype == np.float32


def test_rows_without_groups_and_fields_are_not_averaged(fields):
    with pytest.raises(PareError, match="found rows without groups"):
        average_groups({"prediction": np.ones((3, 2)), "truth": np.ones(3)})
    with pytest.raises(PareError, match="found fields"):
        average_groups({"prediction": fields, "truth": fields, "group": np.arange(150)})


def test_the_error_of_fields_is_the_mean_over_all_rows(fields):
    metric = build_metric("relative_l2", task("dense", [1, 4, 4]).output)
    errors = [np.linalg.norm(p - t) / np.linalg.norm(t) for p, t in zip(fields + 1, fields, strict=True)]
    assert metric(fields + 1, fields) == pytest.approx(np.mean(errors), rel=1e-6)


def test_a_ranking_is_that_of_all_rows():
    draw = np.random.default_rng(0)
    labels = (draw.random((200, 3)) < 0.2).astype(np.float32)
    logits = (draw.normal(size=labels.shape) + labels).astype(np.float32)
    metric = build_metric("one_minus_auroc", task("multilabel", [3]).output)
    assert metric(logits, labels) == pytest.approx(1 - roc_auc_score(labels, logits), rel=1e-12)


def test_the_constant_field_is_the_mean_training_field(fields, tmp_path):
    rows = store(tmp_path / "s.h5", fields, fields)
    constant = constant_prediction(rows, task("dense", [1, 4, 4]), 5)
    assert constant.shape == (5, 1, 4, 4)
    assert constant.dtype == np.float32
    np.testing.assert_allclose(constant[3], fields.mean(0), atol=1e-6)


def test_points_of_the_constant_field_are_averaged_where_they_are_valid(fields, tmp_path):
    fields[:100, 0, 1, 2] = np.nan
    fields[:, 0, 3, 3] = np.nan
    constant = constant_prediction(store(tmp_path / "s.h5", fields, fields), task("dense", [1, 4, 4]), 2)
    assert constant[0, 0, 1, 2] == pytest.approx(fields[100:, 0, 1, 2].mean(), rel=1e-4)
    assert constant[0, 0, 3, 3] == pytest.approx(np.nanmean(fields), rel=1e-4)


def test_the_constant_mask_is_the_logit_of_the_frequency_at_each_point(fields, tmp_path):
    masks = (fields > 1).astype(np.float32)
    masks[:, 0, 0, 0] = 0
    rows = store(tmp_path / "s.h5", fields, masks)
    constant = constant_prediction(rows, task("dense", [1, 4, 4], loss="binary_cross_entropy"), 2)
    assert np.isfinite(constant).all()
    np.testing.assert_allclose(expit(constant[1]), masks.mean(0), atol=1e-6)


def test_the_constant_labels_are_the_logits_of_their_frequencies(tmp_path):
    labels = (np.random.default_rng(0).random((90, 3)) < [0.1, 0.5, 0.9]).astype(np.float32)
    rows = store(tmp_path / "s.h5", np.zeros((90, 3), np.float32), labels)
    constant = constant_prediction(rows, task("multilabel", [3]), 4)
    np.testing.assert_allclose(expit(constant[2]), labels.mean(0), rtol=1e-5)
    metric = build_metric("one_minus_auroc", task("multilabel", [3]).output)
    assert metric(np.broadcast_to(constant[0], labels.shape), labels) == 0.5


def test_the_constant_number_is_the_mean(tmp_path):
    numbers = np.random.default_rng(0).normal(size=(90, 2)).astype(np.float32)
    rows = store(tmp_path / "s.h5", np.zeros((90, 3), np.float32), numbers)
    np.testing.assert_allclose(constant_prediction(rows, task("regression", [2]), 1)[0], numbers.mean(0), rtol=1e-5)


def test_the_constant_class_is_the_training_frequencies_and_a_class_never_seen_stays_finite(tmp_path):
    y = np.array([0] * 60 + [2] * 40)
    rows = store(tmp_path / "s.h5", np.zeros((100, 3), np.float32), y)
    logits = constant_prediction(rows, task("classification", [3]), 4)
    assert logits.shape == (4, 3)
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(softmax(logits[0]), [0.6, 0, 0.4], atol=1e-6)


def test_the_error_of_a_sample_is_that_of_its_valid_points(fields):
    truth = fields[:4].copy()
    truth[1, 0, :2] = np.nan
    truth[2] = np.nan
    prediction = np.nan_to_num(truth) + 0.5
    np.testing.assert_allclose(sample_errors(prediction, truth, relative=False), [0.5, 0.5, np.nan, 0.5], rtol=1e-6)
    size = np.sqrt(np.mean(truth[1, 0, 2:] ** 2))
    assert sample_errors(prediction, truth, relative=True)[1] == pytest.approx(0.5 / size, rel=1e-6)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("size", [1e-30, 1e-23, 1e25])
def test_the_error_of_a_sample_follows_the_unit_even_where_squares_do_not_fit_single_precision(fields, size):
    truth, prediction = fields[:4], fields[:4] + np.float32(0.5)
    for relative, factor in ((False, size), (True, 1)):
        wanted = factor * sample_errors(prediction, truth, relative=relative)
        found = sample_errors(prediction * np.float32(size), truth * np.float32(size), relative=relative)
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def ends(metric, prediction, truth):
    found = bootstrap_interval(metric, prediction, truth)
    return [found["lower"], found["upper"]]


def test_it_is_that_of_scipy():
    prediction, truth = RNG.normal(size=(80, 3)), RNG.integers(3, size=80)
    wrong = 100.0 * (prediction.argmax(1) != truth)
    reference = bootstrap([wrong], np.mean, method="percentile", n_resamples=9999, rng=1).confidence_interval
    assert ends(build_metric("error_percent", CLASSES), prediction, truth) == pytest.approx(list(reference), abs=1.5)


@pytest.mark.parametrize("name", ["relative_l2", "rmse", "mae"])
def test_what_rows_add_up_to_is_the_metric_of_the_draw(name, monkeypatch):
    """The same draws, once by the sums of the rows and once by the metric of all drawn rows."""
    truth = RNG.normal(size=(30, 1, 5, 6)).astype(np.float32)
    truth[3, 0, 2] = np.nan
    prediction = np.nan_to_num(truth) + RNG.exponential(size=(30, 1, 1, 1)).astype(np.float32)
    quick = bootstrap_interval(build_metric(name, FIELD), prediction, truth)
    monkeypatch.setattr("pare.evaluation.scoring.DRAWS_TOGETHER", DRAWS)
    of_rows = partial(build_metric(name, FIELD))  # which does not say what a row adds
    assert quick == pytest.approx(bootstrap_interval(of_rows, prediction, truth))


def test_a_metric_of_all_rows_together_has_one_too():
    truth = RNG.normal(size=(60, 1))
    prediction = truth + RNG.normal(size=(60, 1))
    found = bootstrap_interval(build_metric("r2", NUMBER), prediction, truth)
    assert found["draws"] == DRAWS_TOGETHER and found["level"] == 0.95
    metric = build_metric("r2", NUMBER)
    assert found == bootstrap_interval(metric, prediction, truth)  # the same every time


def test_draws_without_a_class_are_left_out():
    prediction, truth = RNG.normal(size=(40, 3)), np.array([0] * 19 + [1] * 20 + [2])
    found = bootstrap_interval(build_metric("auroc_ovo", CLASSES), prediction, truth)
    assert found["draws"] == pytest.approx(DRAWS_TOGETHER * (1 - (1 - 1 / 40) ** 40), rel=0.1)
    rare = np.array([0] * 37 + [1, 1, 2])
    assert bootstrap_interval(build_metric("auroc_ovo", CLASSES), prediction, rare[RNG.permutation(40)]) is not None


def test_few_rows_and_many_points_have_none(monkeypatch):
    prediction, truth = RNG.normal(size=(9, 3)), RNG.integers(3, size=9)
    assert bootstrap_interval(build_metric("error_percent", CLASSES), prediction, truth) is None
    monkeypatch.setattr("pare.evaluation.scoring.MOST_TOGETHER", 29)
    assert bootstrap_interval(build_metric("r2", NUMBER), np.ones((30, 1)), RNG.normal(size=(30, 1))) is None


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_has_one(name):
    kind = METRICS[name].kinds[0]
    shape = {"classification": (3,), "multilabel": (3,), "regression": (3,), "dense": (1, 40, 40)}[kind]
    prediction = RNG.normal(size=(40, *shape)).astype(np.float32)
    truth = (prediction + RNG.normal(size=prediction.shape) > 0).astype(np.float32)
    if kind == "regression" or "mae_8a" in name:
        truth = 8 * RNG.random(prediction.shape).astype(np.float32)
    if kind == "classification":
        truth = RNG.integers(3, size=40)
    lower, upper = ends(build_metric(name, OutputConfig(kind=kind, shape=shape)), prediction, truth)
    assert lower < upper


@pytest.mark.parametrize("name", ["error_percent", "auroc_ovo"])  # a sum over rows, and one of all together
def test_of_rows_with_groups_whole_groups_are_drawn(name):
    """Each row five times is as sure as the rows alone."""
    prediction, truth = RNG.normal(size=(60, 3)), RNG.integers(3, size=60)
    alone = bootstrap_interval(build_metric(name, CLASSES), prediction, truth)
    five = RNG.permutation(np.repeat(np.arange(60), 5))
    repeated = bootstrap_interval(build_metric(name, CLASSES), prediction[five], truth[five], five + 7)
    assert repeated == pytest.approx(alone)
    as_if_alone = ends(build_metric(name, CLASSES), prediction[five], truth[five])
    assert as_if_alone[1] - as_if_alone[0] < 0.6 * (alone["upper"] - alone["lower"])


def test_fewer_than_ten_groups_have_none():
    prediction, truth = RNG.normal(size=(90, 3)), RNG.integers(3, size=90)
    assert bootstrap_interval(build_metric("error_percent", CLASSES), prediction, truth, np.arange(90) % 9) is None
