"""A trained network as a predictor and as files."""

import numpy as np
import pytest
import torch
from transformers import AutoModel

from pare.learners.networks.models import load_backbone
from pare.learners.networks.models.spectral import FourierLayer
from pare.learners.networks.trained_network import assemble


@pytest.fixture
def saved(untrained, tmp_path):
    untrained.save(tmp_path / "model")
    return tmp_path / "model"


def test_outputs_are_single_precision_and_need_no_gradient(untrained, rows):
    network = untrained.predictor.network
    with torch.no_grad():
        expected = network(torch.from_numpy(rows))
    network.bfloat16()
    network.register_forward_pre_hook(lambda _, inputs: inputs[0].bfloat16())
    outputs = untrained.outputs(rows, torch.device("cpu"))
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, expected, rtol=0.1, atol=0.05)


def test_a_network_passes_few_rows_at_a_time(untrained, rows):
    network, sizes = untrained.predictor.network, []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    many = np.concatenate([rows] * (150 // len(rows) + 1))[:150]
    outputs = untrained.outputs(many, torch.device("cpu"))
    assert sizes == [64, 64, 22]
    np.testing.assert_allclose(outputs[: len(rows)], untrained.outputs(rows, torch.device("cpu")), atol=1e-5)


def test_numbers_are_safetensors_and_the_rest_is_text(saved):
    names = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    numbers = {"model.safetensors", "preparation.safetensors"}
    assert names == numbers | {"encoder/config.json", "preparation.json", "record.json", "README.md"}


@pytest.mark.parametrize("folder", ["", "encoder"])
def test_transformers_does_not_take_it_for_an_encoder_without_weights(saved, folder):
    with pytest.raises((OSError, ValueError), match=r"model_type|no file named"):
        AutoModel.from_pretrained(saved / folder)


@pytest.mark.parametrize(
    ("grid", "symmetries", "start", "layers"),
    [
        ((32,), ["shift"], "solved", 4),
        ((32,), ["reflection"], "solved", 0),
        ((32,), ["shift"], "random", 0),
        ((16, 16), ["torus"], "solved", 0),
    ],
)
def test_fields_on_a_line_without_ends_have_fourier_layers(own_run, tiny_bert, grid, symmetries, start, layers):
    shape = [1, *grid]
    task = {
        "reader": {"name": "arrays"},
        "samples": {"all": 10},
        "input": {"shape": shape},
        "output": {"kind": "dense", "shape": shape},
        "tokens": {"kind": "patch", "patch": 8},
        "training": {"symmetries": symmetries},
    }
    run = own_run(task, start=start)
    network = assemble(run, load_backbone(tiny_bert, run.grid), 2, (), rows=0).eval()
    assert sum(isinstance(part, FourierLayer) for part in network.modules()) == layers
    with torch.no_grad():
        assert network(torch.rand(3, *shape)).shape == (3, *shape)
