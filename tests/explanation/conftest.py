"""Models that are known, as trained ones."""

from collections.abc import Callable

import numpy as np
import pytest
from torch import Tensor, nn

from evaluated_runs import write_splits
from pare.explanation import ask_test_rows
from pare.learners.model import Model
from pare.learners.networks.trained_network import TrainedNetwork
from pare.prediction.predict import Predictor


class Known(nn.Module):
    """A network that is a function of its inputs."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, …)`` to outputs."""
        return self.function(x)


@pytest.fixture
def known(own_run, unprepared, tmp_path) -> Callable:
    """A model that is a function, with a task that suits it, and the question of its test rows."""

    def known(function, x, y, kind="classification", outputs=None, **task):
        entry = {
            "reader": {"name": "arrays"},
            "samples": {"all": len(x)},
            "input": {"shape": list(x.shape[1:]), **task.pop("input", {})},
            "output": {"kind": kind, "shape": list(outputs or [2])} | task.pop("output", {}),
            **task,
        }
        run = own_run(entry)
        model = Predictor(Model(run, TrainedNetwork(Known(function), {}), {}, unprepared), "cpu")
        halves = {"train": slice(0, len(x) // 2), "test": slice(len(x) // 2, None)}
        store = write_splits(tmp_path / "known.h5", **{name: {"x": x[h], "y": y[h]} for name, h in halves.items()})
        return model, ask_test_rows(model, store)

    return known


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers every time."""
    return np.random.default_rng(0)
