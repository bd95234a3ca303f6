"""The price of a run against the models and loaders that it will have."""

from math import prod

import pytest
import torch
from torch.utils.data import DataLoader
from transformers import (
    AutoModel,
    BertConfig,
    ConvNextV2Config,
    Dinov2Config,
    ModernBertConfig,
    RobertaConfig,
    SwinConfig,
)

from pare.config import resolve
from pare.config.estimate import DEVICES, estimate
from pare.learners.networks.models import build_model, load_backbone

SPEED = 1e11


@pytest.fixture
def small_field(library):
    """The library with 500 training rows of darcy_flow, a tenth of them for validation, and 100 tokens each."""
    changes = {
        "samples": {"train": 500, "test": 100},
        "split": {"validation": 0.1},
        "tokens": {"kind": "patch", "patch": 9},
        "training": {},
    }
    return library.model_copy(update={"tasks": {"darcy_flow": library.tasks["darcy_flow"] | changes}})


@pytest.fixture
def price(small_field, parameters):
    """Estimate a run with some parameters of its own; 20 epochs of batches of 16 where it says nothing."""

    def priced(protocol="validated", method="pare", mixing=None, minutes=None, **training):
        training = {"epochs": 20, "batch_size": 16, "learning_rate": 1e-3} | training
        asked = parameters | {"protocol": protocol, "method": method, "training": training, "start": "random"}
        asked |= {"mixing": mixing or {}, "minutes": minutes}
        return estimate(resolve(small_field, asked, {}), SPEED)

    return priced


@pytest.mark.parametrize(
    ("source", "config"),
    [
        (
            "minilm",
            BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536),
        ),
        ("roberta_base", RobertaConfig()),
        ("dinov2_small", Dinov2Config(hidden_size=384, num_attention_heads=6)),
        ("swin_tiny", SwinConfig()),
        ("swin_base", SwinConfig(embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32])),
        ("modernbert_base", ModernBertConfig()),
        ("convnextv2_tiny", ConvNextV2Config()),
    ],
)
def test_the_declared_size_is_that_of_the_encoder(library, source, config):
    with torch.device("meta"):
        encoder = AutoModel.from_config(config)
    passed = [p.numel() for name, p in encoder.named_parameters() if name.startswith(("encoder.", "layers."))]
    size = library.source(source).size
    assert size.parameters == pytest.approx(sum(passed), rel=1e-3)
    hierarchical = hasattr(config, "depths")
    widths = (
        config.hidden_sizes if hasattr(config, "hidden_sizes") else [getattr(config, "embed_dim", config.hidden_size)]
    )
    assert size.width == widths[0]
    assert size.layers == (sum(config.depths) if hierarchical else config.num_hidden_layers)
    assert size.stages == (len(config.depths) if hierarchical else 1)


def test_parameters_are_those_of_the_assembled_model(small_field, library, tiny_bert, parameters):
    task = small_field.task("darcy_flow")
    model = build_model(task, load_backbone(tiny_bert, task.grid), 3)
    encoder = model.backbone.encoder.encoder
    counted = sum(p.numel() for part in (encoder, model.embedder, model.predictor) for p in part.parameters())
    size = {"width": 32, "layers": 2, "parameters": sum(p.numel() for p in encoder.parameters())}
    tiny = small_field.model_copy(update={"sources": {"minilm": library.sources["minilm"] | {"size": size}}})
    assert estimate(resolve(tiny, parameters | {"start": "random"}, {}), SPEED).parameters == pytest.approx(
        counted, rel=0.02
    )  # no biases, no padding


@pytest.mark.parametrize(("batch_size", "accumulation"), [(16, 1), (7, 1), (7, 4), (1000, 1)])
def test_steps_are_those_of_a_loader_over_the_training_rows(price, batch_size, accumulation):
    batches = len(DataLoader(range(450), batch_size))  # 500 rows without a tenth for validation
    expected = -(-batches // accumulation) * 3
    assert price(epochs=3, batch_size=batch_size, accumulation=accumulation).steps == expected


def test_protocol_paper_trains_on_the_validation_rows_too(price):
    assert price(batch_size=1, protocol="paper").steps - price(batch_size=1).steps == 50 * 20


def test_tokens_are_the_grid(price, small_field):
    assert price().tokens == prod(small_field.task("darcy_flow").grid) == 100


def test_mixing_costs_a_second_pass_and_time_grows_with_epochs_and_rows(price):
    plain = price(method="finetune")
    assert price().seconds == pytest.approx(2 * plain.seconds)
    assert price(mixing={"passes": 1}).seconds == pytest.approx(plain.seconds)
    assert price(epochs=40, method="finetune").seconds == pytest.approx(2 * plain.seconds)
    assert price(members=2, method="finetune").seconds == pytest.approx(2 * plain.seconds)
    assert price(batch_size=64).memory_mb > price().memory_mb > plain.memory_mb


def test_a_faster_machine_takes_less_time(library, parameters):
    run = resolve(library, parameters, {})
    assert estimate(run, 2e11).seconds == pytest.approx(estimate(run, 1e11).seconds / 2)


def test_the_sentence_reads_as_time_memory_and_size(price):
    sentence = str(price(epochs=2000))
    assert "M parameters, 100 tokens per sample, 58000 steps" in sentence
    assert "GiB of memory" in sentence
    assert " h " in sentence


def test_minutes_are_the_time_and_no_steps_are_known(price):
    assert price(minutes=3).seconds == 180
    assert "as many steps as fit, about" in str(price(minutes=3))


# Multiprocessors, operations of each in a clock in float32 and by its tensor cores in bfloat16, clock: of the makers'
# papers on the architectures Hopper, Ampere, Ada and Volta, whose tensor cores know no bfloat16.
CARDS = {
    "h100": (132, 2 * 128, 4096, 1.83e9),
    "a100": (108, 2 * 64, 2048, 1.41e9),
    "l40s": (142, 2 * 128, 1024, 2.52e9),
    "v100": (80, 2 * 64, 2 * 64, 1.53e9),
}


@pytest.mark.parametrize("name", DEVICES)
def test_the_speeds_of_an_accelerator_are_those_of_its_parts_and_clock(name):
    parts, single, half, clock = CARDS[name]
    assert DEVICES[name].single == pytest.approx(parts * single * clock, rel=0.1)
    assert DEVICES[name].half == pytest.approx(parts * half * clock, rel=0.02)
