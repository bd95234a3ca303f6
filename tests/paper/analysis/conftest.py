"""A small table and an untrained model that mixes it with the letters of two topics."""

import numpy as np
import pytest
import torch

from pare.config import Library, resolve
from pare.learners.model import Model
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.trained_network import TrainedNetwork
from pare.learners.networks.training.source_batches import load_source_batches
from pare.learners.source_folders import SourceFolders

FEATURES, ROWS = 6, 24


@pytest.fixture(scope="session")
def run(library):
    entry = library.tasks["openml_wdbc"]
    task = {**entry, "input": {"shape": [FEATURES]}, "samples": {"all": 3 * ROWS}, "training": {}, "source": "minilm"}
    own = Library(**{**library.model_dump(), "start": "random", "tasks": {"table": task}})
    training = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-3, "precision": "no"}
    top = {"task": "table", "source": None, "method": "pare", "seed": 0, "protocol": "validated"}
    return resolve(own, {**top, "training": training}, {})


@pytest.fixture
def make_model(run, tiny_bert, unprepared):
    def make(seed=0):
        torch.manual_seed(seed)
        network = build_model(run.task, load_backbone(tiny_bert, run.task.grid), 2).eval()
        return Model(run, TrainedNetwork(network, {}), {"source_classes": 2, "categories": []}, unprepared)

    return make


@pytest.fixture
def rows():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, FEATURES)).astype(np.float32)
    return {"x": x, "y": (x.sum(1) > 0).astype(np.int64)}


@pytest.fixture
def source(run, tiny_bert, topics):
    backbone = load_backbone(tiny_bert, run.task.grid)
    return load_source_batches(run.proxy, SourceFolders(tiny_bert, topics, ("", "")), backbone)
