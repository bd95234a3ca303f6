"""The price of a run against the models and loaders that it will have."""

import csv
from dataclasses import replace
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
from pare.config.estimate import DEVICES, STEPS, Work, estimate
from pare.config.run import CHOSEN_VALUES
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
def measured(monkeypatch, tmp_path):
    """Put a table of steps, ``(start, operations, seconds, speed)``, in place of the measured one."""

    def put(*rows):
        path = tmp_path / f"{len([*tmp_path.iterdir()])}.csv"
        lines = ["start,operations,seconds,speed", *(",".join(map(str, row)) for row in rows)]
        path.write_text("\n".join(lines))
        monkeypatch.setattr("pare.config.estimate.STEPS", path)

    return put


@pytest.fixture
def proportional(measured):
    """Steps that take as long as a product of so many operations."""
    measured(*((start, 1.0, 1.0, 1.0) for start in ("random", "solved", "field")))


@pytest.fixture
def price(small_field, parameters, proportional):
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


@pytest.mark.parametrize(("rows", "measured_mb"), [(64, 1004), (1000, 1441)])  # of a probe of 6,830 columns
def test_a_wide_table_takes_memory_by_its_columns_and_not_by_their_pairs(library, parameters, rows, measured_mb):
    task = {
        "title": "t",
        "raw": {"files": ["x.npy"]},
        "reader": {"name": "arrays"},
        "samples": {"train": rows, "test": 1},
        "input": {"shape": [6830]},
        "output": {"kind": "classification", "shape": [8]},
    }
    own = library.model_copy(update={"tasks": {"darcy_flow": task}})
    training = {"epochs": 5, "batch_size": 16, "learning_rate": 1e-3}
    for method in ("probe", "pare"):
        asked = parameters | {"method": method, "start": "solved", "training": training}
        priced = estimate(resolve(own, asked, {}), SPEED)
        assert priced.tokens == CHOSEN_VALUES
        assert measured_mb / 2 < priced.memory_mb < 2 * measured_mb


def test_mixing_costs_a_second_pass_and_time_grows_with_epochs_and_rows(price):
    plain, mixed = (price(protocol="paper", method=method) for method in ("finetune", "pare"))
    assert mixed.seconds == pytest.approx(2 * plain.seconds)
    assert price(protocol="paper", mixing={"passes": 1}).seconds == pytest.approx(plain.seconds)
    assert price(epochs=40, method="finetune").seconds == pytest.approx(2 * price(method="finetune").seconds)
    assert price(members=2, method="finetune").seconds == pytest.approx(2 * price(method="finetune").seconds)
    assert price(batch_size=64).memory_mb > price().memory_mb > price(method="finetune").memory_mb


def test_validation_rows_pass_once_an_epoch_without_gradients(price):
    trained, validated = price(protocol="paper", method="finetune"), price(method="finetune")
    per_batch = trained.seconds / 32 / 20  # 500 rows; validated: 450 and 50
    assert validated.seconds == pytest.approx(20 * (29 + 4 / 3) * per_batch)


@pytest.mark.parametrize(("operations", "seconds"), [(1e8, 0.1), (1e9, 0.1), (1e10, 0.2), (1e11, 0.4), (1e12, 4.0)])
def test_between_measured_steps_time_is_interpolated_and_beyond_them_it_is_constant_or_grows(
    library, parameters, measured, operations, seconds
):
    measured(("solved", 1e9, 0.1, 2e11), ("solved", 1e11, 0.8, 1e11), ("random", 1e10, 9.0, 9e11))
    work = replace(Work.of(resolve(library, parameters | {"task": "openml_wdbc"}, {})), row=operations / 48)
    assert work.step(mixed=False) == pytest.approx(operations)  # 16 rows in 3 views
    assert work.step_cost(mixed=False) / 2e11 == pytest.approx(seconds)


def test_the_measured_steps_are_those_of_the_formula_and_of_torchs_count(library, parameters):
    rows = list(csv.DictReader(STEPS.open(encoding="utf-8")))
    assert {row["start"] for row in rows} == {"field", "solved", "random"}
    for row in rows:
        assert float(row["counted"]) == pytest.approx(float(row["operations"]), rel=0.35), row["task"]
        asked = {**parameters, "task": row["task"], "start": "random" if row["start"] == "random" else "solved"}
        work = Work.of(resolve(library, asked, {}))
        per_row = float(row["operations"]) / int(row["rows"])
        passes = work.passes if int(row["mixed"]) else 1
        assert work.row * work.views * passes == pytest.approx(per_row, rel=0.01), row["task"]


def test_a_training_of_days_comes_with_what_makes_hours_of_it(price):
    assert price().shorter == ""
    assert price(epochs=10**6).shorter.startswith(" Four hours are training.epochs or training.fraction times 0.")


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
