"""A small table, its run and its source, and models of it."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pare.data.preparation import Preparation
from pare.learners.ensemble import Ensemble, mean_of
from pare.learners.model import Model
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.trained_network import TrainedNetwork
from small_table import source, table, table_run, train

__all__ = ["source", "table", "table_run", "train"]


@pytest.fixture
def untrained(table_run, tiny_bert, table) -> Model:
    """A network that nobody trained."""
    run = table_run()
    network = build_model(run.task, load_backbone(tiny_bert, run.task.grid), 2).eval()
    record = {"fingerprint": "f", "source_classes": 2, "categories": [], "history": [{"epoch": 1}]}
    config = json.loads((tiny_bert / "config.json").read_text())
    return Model(run, TrainedNetwork(network, config), record, Preparation.of(table, coordinates=False))


@pytest.fixture(scope="session")
def logistic(table_run, train, table, tmp_path_factory) -> Model:
    """A model of scikit-learn's, fitted once."""
    return train(table_run({"method": "logistic_regression"}), table, tmp_path_factory.mktemp("logistic"))


@pytest.fixture
def made(untrained, logistic) -> Callable[[str], Model]:
    """A model: a ``network``, that of a ``library``, or an ``ensemble`` of both."""

    def made(kind: str) -> Model:
        if kind == "network":
            return untrained
        library = replace(logistic, record=dict(logistic.record))
        if kind == "library":
            return library
        weights, temperatures = {"net": 0.25, "logistic": 0.75}, {"net": 2.0, "logistic": 0.5}
        members = {"net": untrained, "logistic": library}
        predictor = Ensemble(members, weights, temperatures, mean_of(library.run.task))
        return replace(library, predictor=predictor)

    return made


@pytest.fixture
def rows() -> np.ndarray:
    """Prepared rows."""
    return np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
