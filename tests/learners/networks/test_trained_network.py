import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from pare.config import PareError
from pare.data.preparation import Preparation
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.trained_model import TrainedModel
from pare.learners.saved_model import recorded_fingerprint


@pytest.fixture
def trained(table_run, tiny_bert, table):
    run = table_run()
    model = build_model(run.task, load_backbone(tiny_bert, run.task.grid), 2).eval()
    record = {"fingerprint": "f", "source_classes": 2, "categories": [], "history": [{"epoch": 1}]}
    return TrainedModel(run, model, record, {}, Preparation.of(table, coordinates=False))


@pytest.fixture
def saved(trained, tiny_bert, tmp_path):
    trained.encoder_config = json.loads((tiny_bert / "config.json").read_text())
    trained.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_model_predicts_the_same_from_its_own_folder_alone(trained, saved, tmp_path):
    moved = shutil.move(saved, tmp_path / "elsewhere")
    loaded = TrainedModel.load(moved)
    x = torch.randn(5, 6)
    with torch.no_grad():
        assert torch.equal(loaded.model(x), trained.model(x))
    assert loaded.run == trained.run
    assert loaded.record == trained.record
    assert loaded.preparation == trained.preparation


def test_outputs_are_single_precision_and_need_no_gradient(trained):
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    with torch.no_grad():
        expected = trained.model(torch.from_numpy(x))
    trained.model.bfloat16()
    trained.model.register_forward_pre_hook(lambda _, inputs: inputs[0].bfloat16())
    outputs = trained.outputs(x, torch.device("cpu"))
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


def test_a_model_of_an_older_version_is_to_be_trained_again(saved):
    for name in ("preparation.json", "preparation.safetensors"):
        (saved / name).unlink()
    assert recorded_fingerprint(saved) is None
    with pytest.raises(PareError, match=r"lacks preparation\.json, as models of older versions .* do; train again"):
        TrainedModel.load(saved)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "encoder/config.json", "record.json", "preparation.json", "preparation.safetensors"]
)
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")], ids=["missing", "damaged"])
def test_a_folder_that_lacks_a_part_is_refused_with_advice(saved, name, damage):
    damage(saved / name)
    with pytest.raises(PareError, match="train again"):
        TrainedModel.load(saved)
