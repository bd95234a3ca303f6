"""The whole analysis of tiny, untrained models."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure

from pare.config import Library, resolve
from pare.config.run import COMMAND_LINE
from pare.data.origins.manifest import RawFolder
from pare.datasets import ResultsDataset, TrainedModelsDataset
from pare.learners.learner import Data, fit_fingerprint
from pare.learners.model import Model
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.trained_network import TrainedNetwork
from pare.learners.source_folders import SourceFolders
from pare.paper.analysis.compared import analysis_config
from pare.paper.pipelines.analyse.nodes import load_compared_models
from pare.paper.pipelines.analyse.pipeline import create_pipeline
from pare.storage.store import ArrayStore, write_store

FIGURES = ("landscape", "distances", "embeddings", "patches", "gate_scores", "source_features", "starts")
ANALYSE = {
    "compared": "finetune",
    "rows": 20,
    "shares": [0, 0.5, 1],
    "landscape_rows": 8,
    "landscape_points": 3,
    "landscape_reach": 0.5,
}
INPUTS = {"table": (6,), "series": (1, 24), "field": (1, 8, 12)}
HISTORY = [{"epoch": 1, "k": 2}, {"epoch": 2, "k": 1}, {"epoch": 3, "k": 0}]


@pytest.fixture
def runs(library):
    """PaRe's and fine-tuning's run on a task of a kind."""

    def make(kind):
        entry = library.tasks["openml_wdbc"]
        tokens = {"kind": "feature"} if kind == "table" else {"kind": "patch", "patch": 4}
        changes = {"input": {"shape": INPUTS[kind]}, "tokens": tokens, "normalisation": {}, "training": {}}
        own = Library(**{**library.model_dump(), "tasks": {"tiny": entry | changes}})
        top = {"task": "tiny", "start": "random", "source": None, "seed": 0, "protocol": "validated"}
        training = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-3}
        return {m: resolve(own, {**top, "method": m, "training": training}, {}) for m in ("pare", "finetune")}

    return make


@pytest.fixture
def store(tmp_path):
    def write(kind):
        draw = np.random.default_rng(0)
        x = draw.normal(size=(30, *INPUTS[kind])).astype(np.float32)
        y = (x.reshape(30, -1).sum(1) > 0).astype(np.int64)
        write_store(
            tmp_path / "x.h5",
            rows={"train": 30},
            blocks=[("train", {"x": x, "y": y})],
            statistics={},
            fingerprint="f",
            description={"channels": None, "classes": None},
        )
        return ArrayStore(tmp_path / "x.h5")

    return write


@pytest.fixture
def source(tiny_bert, topics):
    """Encoder and proxy, as their datasets load them."""
    folders = {"encoder": tiny_bert, "proxy": topics}
    return {name: RawFolder(path, SimpleNamespace(fingerprint=name, files=[])) for name, path in folders.items()}


@pytest.fixture
def save_model(tmp_path, tiny_bert, topics, unprepared):
    def save(run, store):
        torch.manual_seed(0)
        model = build_model(run.task, load_backbone(tiny_bert, run.task.grid), 2)
        fingerprint = fit_fingerprint(run, Data(store, SourceFolders(tiny_bert, topics, ("encoder", "proxy"))))
        tokens = int(np.prod(run.task.grid))
        replaced = [[row["k"] / tokens] * tokens for row in HISTORY]
        record = {"fingerprint": fingerprint, "source_classes": 2, "categories": [], "n_train": 30}
        record |= {"decisive": run.decisive(), "model_input": store.fingerprint}
        config = json.loads((tiny_bert / "config.json").read_text())
        folder = tmp_path / "models" / run.folder
        folder.mkdir(parents=True)
        scores = np.random.default_rng(0).integers(1, 9, (len(HISTORY), 2, 500)).tolist()
        record |= {"history": HISTORY, "replaced": replaced, "gate_scores": scores}
        Model(run, TrainedNetwork(model.eval(), config), record, unprepared).save(folder / "model")

    return save


@pytest.mark.parametrize("kind", INPUTS)
def test_every_figure_of_a_task_is_drawn_with_its_table(kind, runs, store, save_model, source, tmp_path):
    both, data = runs(kind), store(kind)
    for run in both.values():
        save_model(run, data)
    inputs = {
        "params:run": both["pare"],
        "params:analyse": ANALYSE,
        "model_input": data,
        **source,
    }
    memory = {name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()}
    memory |= {name: MemoryDataset(copy_mode="assign") for name in ("compared_models", "sample_embeddings")}
    folders = {
        "trained_models": TrainedModelsDataset(str(tmp_path / "models")),
        "results": ResultsDataset(str(tmp_path / "results")),
    }
    catalog = DataCatalog(memory | folders)
    outputs = SequentialRunner().run(create_pipeline(), catalog)
    found = {name: dataset.load() for name, dataset in outputs.items()}
    assert found.keys() == {f"{name}_analysis_{part}" for name in FIGURES for part in ("figure", "table")}
    for name in FIGURES:
        assert isinstance(found[f"{name}_analysis_figure"], Figure)
        assert isinstance(found[f"{name}_analysis_table"], pd.DataFrame)
    tokens = int(np.prod(both["pare"].task.grid))
    assert len(found["landscape_analysis_table"]) == 2 * 9
    assert found["distances_analysis_table"]["k"].tolist() == [0, tokens // 2, tokens]
    assert found["embeddings_analysis_table"]["group"].unique().tolist() == ["target", "mixed, k/N = 0.50", "source"]
    assert found["source_features_analysis_table"]["encoder"].unique().tolist() == ["pretrained", "pare", "finetune"]
    assert len(found["patches_analysis_table"]) == (3 * tokens if kind == "table" else 2 * 2 * tokens)


def test_values_that_a_compared_model_has_from_its_command_line_are_told(
    runs, store, save_model, source, tmp_path, caplog
):
    both, data = runs("table"), store("table")
    few = both["finetune"].training.model_copy(update={"epochs": 2})
    changes = {"training": few, "provenance": {"training.epochs": COMMAND_LINE}}
    for run in (both["pare"], both["finetune"].model_copy(update=changes)):
        save_model(run, data)
    models = TrainedModelsDataset(str(tmp_path / "models")).load()
    with caplog.at_level("INFO"):
        load_compared_models(both["pare"], analysis_config(ANALYSE), models, data, **source)
    assert "with the models pare, finetune (trained with training.epochs 2), seed 0." in caplog.text
