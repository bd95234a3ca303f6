"""A trained model as a dataset."""

import json

import pytest
import torch
from kedro.io import DatasetError

from pare.config import PareError, resolve
from pare.datasets import ModelDataset
from pare.models import build_model, load_backbone
from pare.saved.trained_model import TrainedModel


@pytest.fixture
def dataset(tmp_path):
    return ModelDataset(str(tmp_path / "model"))


@pytest.fixture
def trained(library, parameters, tiny_bert, unprepared):
    """A model that nobody trained."""
    run = resolve(library, parameters | {"task": "openml_wdbc", "start": "random"}, {})
    model = build_model(run.task, load_backbone(tiny_bert, run.task.grid), 4).eval()
    record = {"fingerprint": "abc", "source_classes": 4, "categories": [], "history": [{"epoch": 1}]}
    return TrainedModel(run, model, record, json.loads((tiny_bert / "config.json").read_text()), unprepared)


def test_a_loaded_model_predicts_what_the_trained_one_did(dataset, trained):
    assert not dataset.exists()
    trained.save(dataset.path)
    assert dataset.exists()
    loaded = dataset.load()
    x = torch.randn(3, 30)
    torch.testing.assert_close(loaded.model(x), trained.model(x), rtol=0, atol=0)
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
