"""Which tasks a method can learn, as the configuration tells."""

import pytest

from pare.config.schema import Task
from pare.config.suitability import as_series, unsuited


@pytest.fixture
def task(library):
    """A task with an input and an output of some shapes."""

    def make(shape, kind="classification", out=(2,)):
        values = {"title": "t", "raw": {"files": ["none"]}, "reader": {"name": "arrays"}}
        values |= {"samples": {"train": 9, "test": 1}, "input": {"shape": [*shape]}}
        values |= {"tokens": {"kind": "patch", "patch": 8}} if len(shape) > 1 else {}
        return Task(**values, output={"kind": kind, "shape": [*out]})

    return make


@pytest.mark.parametrize(
    ("shape", "wanted"), [((2, 30), (2, 30)), ((1, 16, 52), (16, 52)), ((3, 8, 8), None), ((5,), None)]
)
def test_one_channel_on_two_axes_is_a_series_of_many_channels(shape, wanted, task):
    assert as_series(task(shape)) == wanted


@pytest.mark.parametrize(
    ("method", "shape", "out", "why"),
    [
        ("fno", (1, 64), (1, 64), ""),
        ("fno", (1, 20), (1, 20), ""),
        ("fno", (1, 64), (1, 32), "predicts on the grid of the input, 64, and the field of the task has 32 points"),
        ("u_net", (1, 16), (1, 16), ""),
        ("u_net", (1, 32, 15), (1, 32, 15), "needs at least 16 points along each axis, and the task has 32×15"),
        ("u_net", (1, 32, 16), (2, 32, 16), ""),
        ("ridge", (1, 20), (1, 64), ""),
        ("svm", (1, 20, 20), (1, 20, 20), "predicts classification from images"),
        ("probe", (1, 20), (1, 64), ""),
    ],
)
def test_a_field_is_learnt_by_methods_that_predict_its_grid(library, task, method, shape, out, why):
    found = unsuited(library.learner(method), task(shape, "dense", out))
    assert found.startswith(why) and bool(found) == bool(why)
