"""What a candidate's folds say of it."""

import numpy as np
import pytest

from pare.config import PareError, resolve_choice
from pare.config.schema import Task
from pare.learners.choice.tried import HeldOut, Tried, defined_score


@pytest.fixture
def run(library, parameters):
    return resolve_choice(library, {**parameters, "task": "openml_wdbc", "method": "choose", "minutes": 5}, {})


@pytest.fixture
def of_numbers(run):
    """A candidate that predicts so many numbers."""

    def make(count: int):
        numbers = {"output": {"kind": "regression", "shape": [count]}, "loss": "mse", "metric": "rmse"}
        return run.candidates[0].model_copy(update={"task": Task.model_validate(run.task.model_dump() | numbers)})

    return make


def test_an_error_of_rounding_is_found_in_any_unit(of_numbers):
    candidate = of_numbers(1)
    rng = np.random.default_rng(0)
    truth, noise = 1e-9 * rng.normal(size=(50, 1)), 1e-9 * rng.normal(size=(50, 1))
    truth[0] = np.nan
    for error, exact in ((1e-7, True), (1e-5, False)):
        tried = Tried(candidate, [HeldOut((truth + error * noise).astype(np.float32), truth, 1.0)])
        assert tried.is_exact == exact
    assert not Tried(candidate).is_exact


def test_no_unit_of_one_number_hides_the_error_of_another(of_numbers):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(50, 2)) * [1, 1e9]
    assert Tried(of_numbers(2), [HeldOut(truth.copy(), truth, 1.0)]).is_exact
    assert not Tried(of_numbers(2), [HeldOut(truth + np.array([0.5, 0]), truth, 1.0)]).is_exact


def test_classes_are_never_exact(run):
    assert not Tried(run.candidates[0], [HeldOut(np.eye(2), np.arange(2), 1.0)]).is_exact


def test_a_metric_that_is_undefined_in_a_fold_stops_nothing(run):
    numbers = run.task.model_dump() | {"output": {"kind": "regression", "shape": [1]}, "loss": "mse", "metric": "r2"}
    candidate = run.candidates[0].model_copy(update={"task": Task.model_validate(numbers)})
    rng = np.random.default_rng(0)
    dry, other = np.zeros((8, 1)), rng.normal(size=(8, 1))
    tried = Tried(candidate, [HeldOut(dry + 0.1, dry, 1.0), HeldOut(other, other, 1.0)])
    assert tried.metrics == [None, pytest.approx(1)]
    assert tried.row(0.5)["metric"] == pytest.approx(tried.metric) and tried.metric < 1
    assert Tried(candidate, tried.folds[:1]).metric is None
    zero = run.task.model_dump() | {"output": {"kind": "dense", "shape": [1, 8]}, "input": {"shape": [1, 8]}}
    zero |= {"loss": "relative_l2", "metric": "relative_l2", "tokens": {"kind": "patch", "patch": 2}}
    field = candidate.model_copy(update={"task": Task.model_validate(zero)})
    with pytest.raises(PareError, match="leave such samples out"):  # a mistake in the data is no missing value
        defined_score(field, np.ones((2, 1, 8)), np.zeros((2, 1, 8)))
