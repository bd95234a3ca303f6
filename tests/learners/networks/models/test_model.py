"""The assembled model: shapes of every pairing, calibration, and what learns."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from transformers import ConvNextV2Config, ModernBertConfig, SwinConfig

from pare.config import PareError
from pare.config.schema import Task
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.models.model import MASK_CELL

FAMILIES = ["bert", "modernbert", "dinov2", "swin", "convnextv2"]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory, save_encoder, tiny_bert, tiny_dinov2):
    configs = {
        "convnextv2": ConvNextV2Config(depths=[1, 1, 1, 1], hidden_sizes=[16, 24, 32, 40]),
        "modernbert": ModernBertConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            vocab_size=99,
            pad_token_id=0,
        ),
        "swin": SwinConfig(embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], window_size=1),
    }
    saved = {name: save_encoder(config, tmp_path_factory.mktemp(name)) for name, config in configs.items()}
    return {"bert": tiny_bert, "dinov2": tiny_dinov2} | saved


@pytest.fixture
def build(library, encoders):
    """Model of a task and an encoder."""

    def built(name="darcy_flow", family="bert", source_classes=5, **changes):
        torch.manual_seed(0)
        if family == "convnextv2":  # 16×16 tokens, which can be halved three times
            changes = {"tokens": {"kind": "patch", "patch": 4, "resize": 64}} | changes
        task = Task.model_validate(library.tasks[name] | changes)
        return build_model(task, load_backbone(encoders[family], task.grid), source_classes), task

    return built


def source_samples(backbone, n=4):
    if hasattr(backbone, "image_size"):
        return torch.randn(n, 3, *backbone.image_size)
    return torch.randint(5, 50, (n, torch.Size(backbone.grid).numel()))


def calibration(model, x, source):
    return SimpleNamespace(x=x, source=model.embed_source(source))


@pytest.mark.parametrize("family", ["bert", "dinov2", "swin"])
@pytest.mark.parametrize("name", ["darcy_flow", "openml_wdbc"])
def test_source_and_target_have_as_many_tokens_and_predictions_the_tasks_shape(build, name, family):
    model, task = build(name, family)
    x = torch.randn(2, *task.input.shape)
    tokens, source = model.embed(x).tokens, model.embed_source(source_samples(model.backbone, 2))
    assert tokens.shape == source.shape == (2, torch.Size(task.grid).numel(), model.backbone.width)
    assert model(x).shape == (2, *task.output.shape)
    assert model.predict_source(model.encode(source)).shape == (2, 5)


@pytest.mark.parametrize("family", ["modernbert", "convnextv2"])
def test_a_family_that_was_added_predicts_fields_and_classes_of_its_proxy(build, family):
    model, task = build(family=family)
    x = torch.randn(2, *task.input.shape)
    tokens, source = model.embed(x).tokens, model.embed_source(source_samples(model.backbone, 2))
    assert tokens.shape == source.shape == (2, torch.Size(task.grid).numel(), model.backbone.width)
    assert model(x).shape == (2, 1, 85, 85)
    assert model.predict_source(model.encode(source)).shape == (2, 5)


@pytest.mark.parametrize("family", ["dinov2", "swin", "convnextv2"])
def test_a_proxy_with_masks_gets_two_logits_for_each_point_of_its_mask(build, family):
    model, _ = build(family=family, source_classes=None)
    features = model.encode(model.embed_source(source_samples(model.backbone, 2)))
    assert model.predict_source(features).shape == (2, 2, *(MASK_CELL * n for n in model.backbone.token_grid))


def test_a_line_of_tokens_is_folded_for_an_image_encoder_and_its_masks_but_predicted_as_a_line(build):
    line = {
        "input": {"shape": [2, 48]},
        "output": {"kind": "dense", "shape": [1, 48]},
        "tokens": {"kind": "patch", "patch": 4},
        "normalisation": {},
    }
    model, _ = build(family="dinov2", source_classes=None, **line)
    assert (model.backbone.grid, model.backbone.token_grid) == ((12,), (3, 4))
    assert model(torch.randn(2, 2, 48)).shape == (2, 1, 48)
    features = model.encode(model.embed_source(source_samples(model.backbone, 2)))
    assert model.predict_source(features).shape == (2, 2, 3 * MASK_CELL, 4 * MASK_CELL)


@pytest.mark.parametrize("kind", ["multilabel", "regression"])
def test_labels_and_numbers_are_predicted_from_the_mean_token(build, kind):
    model, _ = build("openml_wdbc", output={"kind": kind, "shape": [3]}, loss="mse", metric="rmse")
    x, source = torch.randn(4, 30), source_samples(model.backbone)
    plain = model(x)
    assert plain.shape == (4, 3)
    if kind == "regression":
        model.calibrate(calibration(model, x, source), {})
        plain = model(x)
        model.calibrate(
            calibration(model, x, source), {"y_mean": np.full(3, 40, np.float32), "y_scale": np.full(3, 2, np.float32)}
        )
        torch.testing.assert_close(model(x), 40 + 2 * plain, rtol=1e-4, atol=1e-3)


def test_a_field_of_one_dimension_is_predicted_point_by_point(build):
    line = {
        "input": {"shape": [2, 50]},
        "output": {"kind": "dense", "shape": [1, 50]},
        "tokens": {"kind": "patch", "patch": 8},
    }
    model, _ = build(**line)
    assert model(torch.randn(2, 2, 50)).shape == (2, 1, 50)
    with pytest.raises(PareError, match=r"1 axes.*along 2.*source="):
        build(family="swin", **line)


def test_a_field_that_is_resized_for_the_encoder_comes_back_to_its_own_size(build):
    model, _ = build(family="swin", tokens={"kind": "patch", "patch": 4, "resize": 64})
    assert model.backbone.grid == (16, 16)
    assert model(torch.randn(1, 3, 85, 85)).shape == (1, 1, 85, 85)


@pytest.mark.parametrize("name", ["darcy_flow", "openml_wdbc"])
def test_calibration_gives_target_tokens_the_spread_of_the_encoders_own(build, name):
    model, task = build(name)
    x, source = 7 * torch.randn(16, *task.input.shape), source_samples(model.backbone)
    assert model.embed(x).tokens.std().item() != pytest.approx(model.embed_source(source).std().item(), rel=0.1)
    model.calibrate(calibration(model, x, source), {})
    assert model.embed(x).tokens.std().item() == pytest.approx(model.embed_source(source).std().item(), rel=1e-4)


def test_calibration_brings_predictions_to_the_units_of_the_data(build):
    model, task = build()
    x, source = torch.randn(4, *task.input.shape), source_samples(model.backbone)
    mean, scale = np.full((1, 85, 85), 40, np.float32), np.full((1, 85, 85), 3, np.float32)
    model.calibrate(calibration(model, x, source), {})
    normalised = model(x)
    model.calibrate(
        calibration(model, x, source), {"y_mean": mean, "y_scale": scale}
    )  # tokens have their spread already
    torch.testing.assert_close(model(x), 40 + 3 * normalised, rtol=1e-4, atol=1e-3)


def test_units_are_saved_with_the_weights(build):
    model, task = build()
    statistics = {"y_mean": np.full((1, 85, 85), 40), "y_scale": np.full((1, 85, 85), 3)}
    model.calibrate(calibration(model, torch.randn(2, *task.input.shape), source_samples(model.backbone)), statistics)
    other, _ = build()
    other.load_state_dict(model.state_dict())
    x = torch.randn(2, *task.input.shape)
    torch.testing.assert_close(other.eval()(x), model.eval()(x))


@pytest.mark.parametrize("family", FAMILIES)
def test_layernorm_leaves_only_norms_of_the_encoder_to_learn(build, family):
    model, _ = build(family=family)
    model.choose_trainable("layernorm")
    learning = {name for name, p in model.backbone.named_parameters() if p.requires_grad}
    norms = {
        f"{name}.{kind}"
        for name, module in model.backbone.named_modules()
        for kind in ("weight", "bias")
        if isinstance(module, nn.LayerNorm) and getattr(module, kind) is not None
    }
    assert learning == norms
    others = [
        p for part in (model.embedder, model.gate, model.predictor, model.source_predictor) for p in part.parameters()
    ]
    assert others
    assert all(p.requires_grad for p in others)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("part", ["all", "layernorm"])
def test_the_sources_own_embedder_never_learns(build, family, part):
    model, _ = build(family=family)
    model.choose_trainable(part)
    source = source_samples(model.backbone)
    assert not model.backbone.embed_source(source).requires_grad


@pytest.mark.parametrize("family", FAMILIES)
def test_with_all_trainable_everything_that_a_step_uses_learns(build, family):
    model, task = build(family=family)
    model.choose_trainable("all")
    tokens = model.embed(torch.randn(2, *task.input.shape)).tokens
    features = model.encode(tokens)
    loss = model.predict_target(features).sum() + model.predict_source(features).sum() + model.gate(tokens).sum()
    (loss + features[-1].square().sum()).backward()
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    unused = {name for name, p in learning.items() if p.grad is None}
    assert unused == set()
