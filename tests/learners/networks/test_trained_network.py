import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from pare.config import PareError
from pare.learners.learner import Data, Fitted
from pare.learners.model import Model
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.trained_network import TrainedNetwork

CPU = torch.device("cpu")


@pytest.fixture
def trained(table_run, tiny_bert, table):
    run = table_run()
    network = build_model(run.task, load_backbone(tiny_bert, run.task.grid), 2).eval()
    config = json.loads((tiny_bert / "config.json").read_text())
    record = {"source_classes": 2, "n_train": 48, "train_seconds": 1.0, "validation": 0.9, "best_epoch": 1}
    record |= {"device": "cpu", "versions": {}}
    return Model.of(run, Data(table), Fitted(TrainedNetwork(network, config), record), "f")


@pytest.fixture
def saved(trained, tmp_path):
    trained.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_model_predicts_the_same_from_its_own_folder_alone(trained, saved, tmp_path):
    moved = shutil.move(saved, tmp_path / "elsewhere")
    loaded, x = Model.load(moved), np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    np.testing.assert_array_equal(loaded.outputs(x, CPU), trained.outputs(x, CPU))
    assert loaded.run == trained.run
    assert loaded.record == trained.record
    assert loaded.preparation == trained.preparation


def test_outputs_are_single_precision_and_need_no_gradient(trained):
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    with torch.no_grad():
        expected = trained.predictor.network(torch.from_numpy(x))
    trained.predictor.network.bfloat16()
    trained.predictor.network.register_forward_pre_hook(lambda _, inputs: inputs[0].bfloat16())
    outputs = trained.outputs(x, CPU)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, expected, rtol=0.1, atol=0.05)


def test_numbers_are_safetensors_and_the_rest_is_text(saved):
    names = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    numbers = {"model.safetensors", "preparation.safetensors"}
    assert names == numbers | {"encoder/config.json", "preparation.json", "record.json", "README.md"}


def test_all_files_may_be_read_by_the_same_users(saved):
    assert len({path.stat().st_mode for path in saved.rglob("*") if path.is_file()}) == 1


@pytest.mark.parametrize("folder", ["", "encoder"])
def test_transformers_does_not_take_it_for_an_encoder_without_weights(saved, folder):
    with pytest.raises((OSError, ValueError), match=r"model_type|no file named"):
        AutoModel.from_pretrained(saved / folder)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "encoder/config.json", "record.json", "preparation.json", "preparation.safetensors"]
)
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")], ids=["missing", "damaged"])
def test_a_folder_that_lacks_a_part_is_refused_with_advice(saved, name, damage):
    damage(saved / name)
    with pytest.raises(PareError, match="train again"):
        Model.load(saved)
