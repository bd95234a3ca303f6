import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from sklearn.metrics import roc_auc_score
from torch import nn

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.evaluation import prediction as prediction_module
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import average_groups, constant_prediction, predict_rows, sample_errors, score
from pare.storage.store import ArrayStore, write_store


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


def test_a_batch_holds_as_many_rows_as_its_bytes_allow_but_at_least_one(fields, tmp_path, monkeypatch):
    rows = store(tmp_path / "s.h5", fields, fields)
    row_bytes = fields[0].nbytes
    for allowed, wanted in ((row_bytes * 1000, [64, 64, 22]), (row_bytes * 70 - 1, [64, 64, 22])):
        monkeypatch.setattr(prediction_module, "BATCH_BYTES", allowed)
        model = Recorder()
        predicted(model, rows)
        assert model.sizes == wanted
    for allowed, size in ((row_bytes * 60 - 1, 59), (row_bytes - 1, 1)):
        monkeypatch.setattr(prediction_module, "BATCH_BYTES", allowed)
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


def test_the_score_sees_all_rows_at_once_and_nothing_of_an_earlier_call(fields):
    metric = build_metric("relative_l2", task("dense", [1, 4, 4]).output)
    score(metric, fields * 3, fields)
    errors = [np.linalg.norm(p - t) / np.linalg.norm(t) for p, t in zip(fields + 1, fields, strict=True)]
    assert score(metric, fields + 1, fields) == pytest.approx(np.mean(errors), rel=1e-6)


def test_the_score_of_a_rank_is_that_of_all_rows():
    draw = np.random.default_rng(0)
    labels = (draw.random((200, 3)) < 0.2).astype(np.float32)
    logits = (draw.normal(size=labels.shape) + labels).astype(np.float32)
    metric = build_metric("one_minus_auroc", task("multilabel", [3]).output)
    assert score(metric, logits, labels) == pytest.approx(1 - roc_auc_score(labels, logits), rel=1e-12)


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
    assert score(metric, np.broadcast_to(constant[0], labels.shape), labels) == 0.5


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
