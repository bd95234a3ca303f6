"""Small tasks of a user's own."""

from collections.abc import Callable

import pytest

from pare.config.schema import Task


@pytest.fixture(scope="session")
def own_task() -> Callable[..., Task]:
    """A task with an input of a shape; three classes where nothing else is said."""

    def make(shape: list[int], kind: str = "classification", outputs: int = 3) -> Task:
        return Task.model_validate(
            {
                "title": "t",
                "raw": {"files": ["x.npy"]},
                "reader": {"name": "arrays"},
                "samples": {"all": 100},
                "input": {"shape": shape},
                "output": {"kind": kind, "shape": [outputs]},
            }
        )

    return make
