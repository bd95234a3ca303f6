"""A trained model as a dataset."""

import json

import pytest
import torch
from kedro.io import DatasetError

from pare.config import PareError, resolve
from pare.datasets import ModelDataset
from pare.models import CrossModalModel, load_backbone
from pare.training import TrainedModel
from pare.training.checkpoint import CHECKPOINT


@pytest.fixture
def dataset(tmp_path):
    return ModelDataset(str(tmp_path / "seed_0" / "model"))


@pytest.fixture
def trained(library, parameters, tiny_bert):
    """A model that nobody trained, under a fingerprint."""
    run = resolve(library, parameters | {"task": "openml_wdbc"}, {})

    def make(fingerprint="abc", seed=0):
        torch.manual_seed(seed)
        model = CrossModalModel(run.task, load_backbone(tiny_bert, run.task.grid), 4).eval()
        record = {"fingerprint": fingerprint, "source_classes": 4, "categories": [], "history": [{"epoch": 1}]}
        return TrainedModel(run, model, record, json.loads((tiny_bert / "config.json").read_text()))

    return make


def test_a_loaded_model_predicts_what_the_saved_one_did(dataset, trained):
    saved = trained()
    assert not dataset.exists()
    dataset.save(saved)
    assert dataset.exists()
    loaded = dataset.load()
    x = torch.randn(3, 30)
    torch.testing.assert_close(loaded.model(x), saved.model(x), rtol=0, atol=0)
    assert loaded.run == saved.run
    assert loaded.record == saved.record


def test_the_same_fingerprint_is_not_written_again_and_another_one_is(dataset, trained):
    dataset.save(trained())
    x = torch.randn(3, 30)
    first = dataset.load().model(x)
    dataset.save(trained(seed=1))
    torch.testing.assert_close(dataset.load().model(x), first)
    dataset.save(trained("other", seed=1))
    assert not torch.allclose(dataset.load().model(x), first)


def test_the_checkpoint_goes_when_the_model_stands(dataset, trained):
    checkpoint = dataset.path.parent / CHECKPOINT
    checkpoint.mkdir(parents=True)
    (checkpoint / "progress.json").write_text("{}")
    dataset.save(trained())
    assert [path.name for path in dataset.path.parent.iterdir()] == ["model"]


def test_a_model_that_cannot_be_written_leaves_the_checkpoint(dataset, trained):
    checkpoint = dataset.path.parent / CHECKPOINT
    checkpoint.mkdir(parents=True)
    model = trained()
    model.record["history"] = object()  # not JSON
    with pytest.raises(DatasetError):
        dataset.save(model)
    assert [path.name for path in dataset.path.parent.iterdir()] == [CHECKPOINT]


@pytest.mark.parametrize("name", ["model.safetensors", "record.json", "config.json"])
def test_a_folder_that_is_not_whole_is_a_clear_error(dataset, trained, name):
    dataset.save(trained())
    (dataset.path / name).unlink()
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, PareError)
