"""The interval of a metric over draws of the test rows."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from pare.config.schema import OutputConfig
from pare.evaluation.bootstrap import DRAWS, DRAWS_TOGETHER, bootstrap_interval
from pare.evaluation.metrics import METRICS, build_metric

RNG = np.random.default_rng(0)
FIELD = OutputConfig(kind="dense", shape=(1, 5, 6))
NUMBER = OutputConfig(kind="regression", shape=(1,))
CLASSES = OutputConfig(kind="classification", shape=(3,))


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
    monkeypatch.setattr("pare.evaluation.bootstrap._sums", lambda *_: None)
    monkeypatch.setattr("pare.evaluation.bootstrap.DRAWS_TOGETHER", DRAWS)
    assert quick == pytest.approx(bootstrap_interval(build_metric(name, FIELD), prediction, truth))


def test_a_metric_of_all_rows_together_has_one_too():
    truth = RNG.normal(size=(60, 1))
    prediction = truth + RNG.normal(size=(60, 1))
    found = bootstrap_interval(build_metric("r2", NUMBER), prediction, truth)
    assert found["draws"] == DRAWS_TOGETHER and found["level"] == 0.95
    metric = build_metric("r2", NUMBER)
    assert found == bootstrap_interval(metric, prediction, truth)  # the same every time
    metric.reset()


def test_draws_without_a_class_are_left_out():
    prediction, truth = RNG.normal(size=(40, 3)), np.array([0] * 19 + [1] * 20 + [2])
    found = bootstrap_interval(build_metric("auroc_ovo", CLASSES), prediction, truth)
    assert found["draws"] == pytest.approx(DRAWS_TOGETHER * (1 - (1 - 1 / 40) ** 40), rel=0.1)
    rare = np.array([0] * 37 + [1, 1, 2])
    assert bootstrap_interval(build_metric("auroc_ovo", CLASSES), prediction, rare[RNG.permutation(40)]) is not None


def test_few_rows_and_many_points_have_none(monkeypatch):
    prediction, truth = RNG.normal(size=(9, 3)), RNG.integers(3, size=9)
    assert bootstrap_interval(build_metric("error_percent", CLASSES), prediction, truth) is None
    monkeypatch.setattr("pare.evaluation.bootstrap.MOST_TOGETHER", 29)
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
