"""A small table, its run and its source: a training that takes a second."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pare.config import Library, Run, resolve
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore, write_store

FEATURES = 6
ROWS = {"train": 48, "validation": 24, "test": 24}


def write_table(path: Path, rows: dict[str, int]) -> ArrayStore:
    """Rows of two classes that differ in the sum of their features; a third of the rows is mislabelled."""
    rng = np.random.default_rng(0)
    blocks = []
    for split, n in rows.items():
        x = rng.normal(size=(n, FEATURES)).astype(np.float32)
        y = ((x.sum(1) > 0) ^ (rng.random(n) < 1 / 3)).astype(np.int64)
        blocks.append((split, {"x": x, "y": y}))
    write_store(
        path, rows=rows, blocks=blocks, statistics={}, fingerprint=f"table {rows}", description={"classes": None}
    )
    return ArrayStore(path)


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> ArrayStore:
    """The small table."""
    return write_table(tmp_path_factory.mktemp("table") / "table.h5", ROWS)


@pytest.fixture(scope="session")
def source(tiny_bert, topics) -> SourceFolders:
    """The tiny BERT and its proxy."""
    return SourceFolders(tiny_bert, topics, ("encoder", "proxy"))


@pytest.fixture(scope="session")
def table_run(library: Library) -> Callable[..., Run]:
    """Resolve a run on the small table; keyword arguments are training's, ``top`` the other parameters."""
    entry = library.tasks["openml_wdbc"]
    task = {**entry, "input": {"shape": [FEATURES]}, "samples": {"all": sum(ROWS.values())}, "training": {}}
    learners = library.learners | {"pare": {"title": "PaRe", "paper": "all", "mixing": {"start": 3000 / 3136}}}
    own = Library(**{**library.model_dump(), "tasks": {"table": task}, "learners": learners})

    def make(top: dict | None = None, **training) -> Run:
        parameters = {"task": "table", "source": None, "method": "pare", "seed": 0, "protocol": "validated"}
        parameters["start"] = "random"
        settings = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "precision": "no", **training}
        return resolve(own, {**parameters, **(top or {}), "training": settings}, {})

    return make


@pytest.fixture(scope="session")
def train(source) -> Callable[[Run, ArrayStore, Path], Model]:
    """Fit a run with the small source."""

    def train(run: Run, store: ArrayStore, folder: Path) -> Model:
        return Fit(run, Data(store, source)).model(folder / "checkpoint")

    return train
