"""A trained model as a dataset."""

import json
import logging

import pytest
import torch
from kedro.io import DatasetError

from pare.config import PareError, resolve
from pare.datasets import ModelDataset, OnnxDataset, TrainedModelsDataset
from pare.export import OnnxModel
from pare.learners.model import Model
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.trained_network import TrainedNetwork


@pytest.fixture
def dataset(tmp_path):
    return ModelDataset(str(tmp_path / "model"))


@pytest.fixture
def trained(library, parameters, tiny_bert, unprepared):
    """A model that nobody trained."""
    run = resolve(library, parameters | {"task": "openml_wdbc", "start": "random"}, {})
    model = build_model(run.task, load_backbone(tiny_bert, run.task.grid), 4).eval()
    record = {"fingerprint": "abc", "source_classes": 4, "categories": [], "history": [{"epoch": 1}]}
    network = TrainedNetwork(model, json.loads((tiny_bert / "config.json").read_text()))
    return Model(run, network, record, unprepared)


def test_a_loaded_model_predicts_what_the_trained_one_did(dataset, trained):
    assert not dataset.exists()
    trained.save(dataset.path)
    assert dataset.exists()
    loaded = dataset.load()
    x = torch.randn(3, 30)
    torch.testing.assert_close(loaded.predictor.network(x), trained.predictor.network(x), rtol=0, atol=0)
    assert loaded.run == trained.run
    assert loaded.record == trained.record


@pytest.mark.parametrize("name", ["model.safetensors", "record.json", "encoder/config.json", "preparation.json"])
def test_a_folder_that_is_not_whole_is_a_clear_error(dataset, trained, name):
    trained.save(dataset.path)
    (dataset.path / name).unlink()
    assert not dataset.exists()
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, PareError)


def test_each_is_loaded_when_asked_for_by_the_folder_of_its_run(tmp_path, monkeypatch):
    monkeypatch.setattr(Model, "load", lambda path: path)
    paths = [tmp_path / run / "model" for run in ("burgers/pare/seed_0", "burgers/pare/source_x/seed_0")]
    for path in paths:
        path.mkdir(parents=True)
        (path / "record.json").touch()
    (paths[0] / "members/0").mkdir(parents=True)
    (paths[0] / "members/0/record.json").touch()  # a member of an ensemble
    (tmp_path / "burgers" / "pare" / "seed_1" / "checkpoint").mkdir(parents=True)
    models = TrainedModelsDataset(str(tmp_path)).load()
    assert {folder: load() for folder, load in models.items()} == {
        path.parent.relative_to(tmp_path).as_posix(): path for path in paths
    }


def test_there_may_be_none_yet(tmp_path):
    assert TrainedModelsDataset(str(tmp_path / "nowhere")).load() == {}


def test_it_is_read_only(tmp_path):
    with pytest.raises(DatasetError, match="read only"):
        TrainedModelsDataset(str(tmp_path)).save({})


@pytest.fixture
def onnx_model_dataset(tmp_path):
    return OnnxDataset(str(tmp_path / "seed_0" / "model.onnx"))


def test_the_file_is_written_and_its_size_and_difference_are_told(onnx_model_dataset, caplog):
    assert not onnx_model_dataset.exists()
    with caplog.at_level(logging.INFO, logger="pare"):
        onnx_model_dataset.save(OnnxModel(b"onnx" * 50_000, "probabilities", 2.5e-7, 36))
    assert onnx_model_dataset.load().read_bytes() == b"onnx" * 50_000
    assert "model.onnx: 0.2 MB; on 36 rows its greatest difference from the model is 2.5e-07." in caplog.text
    assert [path.name for path in onnx_model_dataset.load().parent.iterdir()] == ["model.onnx"]
