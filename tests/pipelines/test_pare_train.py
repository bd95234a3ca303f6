"""The whole of pare_train but the downloads, on a catalog in memory but for the files that a second run finds."""

import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset

from pare.config import Library, resolve
from pare.data.origins.manifest import RawFolder
from pare.datasets import ArrayStoreDataset, FigureDataset, ModelDataset, RawFolderDataset
from pare.pipeline_registry import register_pipelines
from pare.tracking import Tracking

pytestmark = pytest.mark.slow

ROWS = 60
TASK = {
    "title": "Sum of two masses",
    "raw": {"files": ["masses.csv"]},
    "reader": {"name": "table", "options": {"target": "heavy"}},
    "samples": {"all": ROWS},
    "input": {"shape": [2]},
    "output": {"kind": "classification", "shape": [2], "name": "heavy"},
}


def own(library):
    """The library with the task of this page."""
    return Library(**(library.model_dump() | {"tasks": {"masses": TASK}}))


@pytest.fixture(params=["pare", "logistic_regression"])
def run(request, library, parameters):
    training = {"epochs": 2, "batch_size": 16, "precision": "no"} if request.param == "pare" else {}
    asked = {"task": "masses", "method": request.param, "training": parameters["training"] | training}
    return resolve(own(library), parameters | asked, {"training": training})


@pytest.fixture
def catalog(run, library, tiny_bert, topics, tmp_path):
    """A new catalog of the same files, as each `kedro run` makes one."""
    rng = np.random.default_rng(0)
    masses = rng.normal(size=(ROWS, 2))
    misread = rng.random(ROWS) < 0.3  # a start without any error would leave nothing to train
    heavy = np.where((masses.sum(1) > 0) ^ misread, "yes", "no")
    frame = pd.DataFrame({"first": masses[:, 0], "second": masses[:, 1], "heavy": heavy})
    (tmp_path / "pyproject.toml").touch()
    frame.to_csv(tmp_path / "masses.csv", index=False)
    source = {"encoder": tiny_bert, "proxy": topics}

    def catalog():
        folders = {name: RawFolder(path, SimpleNamespace(fingerprint=name, files=[])) for name, path in source.items()}
        memory = folders if run.source else dict.fromkeys(folders)
        memory |= {"params:run": run, "params:library": own(library), "params:tracker": Tracking()}
        files = {
            "raw": RawFolderDataset(str(tmp_path / "data" / "01_raw" / "masses")),
            "model_input": ArrayStoreDataset(str(tmp_path / "masses.h5")),
            "model": ModelDataset(str(tmp_path / "seed_0" / "model")),
            "metrics": JSONDataset(filepath=str(tmp_path / "metrics.json")),
        }
        held = {name: MemoryDataset(value, copy_mode="assign") for name, value in memory.items()}
        return DataCatalog(held | files)

    return catalog


def without_source(pipeline):
    """All nodes but those that fetch the encoder and the proxy."""
    return pipeline - pipeline.only_nodes_with_tags("source")


def test_a_table_becomes_a_model_its_metrics_and_its_figures(run, catalog, caplog, tmp_path):
    pipeline, files = without_source(register_pipelines()["pare_train"]), catalog()
    figures = {"prediction_figure", "uncertainty_figure", "training_figure", "replaced_figure"}
    for name in figures:
        files[name] = FigureDataset(filepath=str(tmp_path / f"{name}.png"))
    found = {name: dataset.load() for name, dataset in SequentialRunner().run(pipeline, files).items()}
    assert found.keys() >= {"history", "run_page"}
    assert all((tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in figures)
    epochs = [0, 1, 2] if run.source else []  # 0 is the solved start
    assert [row["epoch"] for row in found["history"]] == epochs
    assert not found["candidate_tables"]
    metrics = files.load("metrics")
    assert metrics["n_test"] == 12 and 0 <= metrics["test"] <= 100

    with caplog.at_level(logging.INFO, logger="pare"):
        SequentialRunner().run(pipeline, catalog())
    assert files.load("metrics") == metrics
    current = [message.removesuffix(" is up to date.") for message in caplog.messages if "up to date" in message]
    assert current == [str(tmp_path / name) for name in ("data/01_raw/masses", "masses.h5", "seed_0/model")]
