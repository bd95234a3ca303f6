"""The examples of conf/local/README.md are what the configuration accepts."""

import re
from textwrap import dedent

import pytest
import torch
import yaml
from transformers import AutoModel, ViTConfig


@pytest.fixture
def examples(conf):
    """The indented YAML of the page, by its first key."""
    blocks = re.findall(r"\n\n((?: {6}.*\n|\n)+)", (conf / "local" / "README.md").read_text())
    found = [yaml.safe_load(dedent(block)) for block in blocks]
    return {next(iter(block)): block for block in found if block}


def test_the_example_of_an_encoder_of_ones_own_declares_its_size(library, examples):
    source = library.model_copy(update={"sources": library.sources | examples["my_vit"]}).source("my_vit")
    with torch.device("meta"):
        layers = AutoModel.from_config(ViTConfig()).named_parameters()  # ViT-B/16
    counted = sum(p.numel() for name, p in layers if name.startswith(("encoder.", "layers.")))
    assert (source.size.width, source.size.layers, source.size.parameters) == (768, 12, counted)


def test_the_example_of_a_task_of_ones_own_is_a_whole_task(library, examples):
    assert library.model_copy(update={"tasks": examples["wine"]}).task("wine").classes == 3
