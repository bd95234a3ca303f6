"""Reading a model folder, and what is said of one that cannot be read."""

import json
import shutil
import socket

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModelForImageClassification,
    AutoModelForMaskedLM,
    BertConfig,
    GPT2Config,
    PretrainedConfig,
)

from pare.config import PareError
from pare.learners.networks.models import load_backbone
from pare.learners.networks.models.backbones import FAMILIES

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture
def copy(tiny_bert, tmp_path):
    """A BERT folder to damage."""
    return shutil.copytree(tiny_bert, tmp_path / "copy")


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_that_holds_no_model_is_a_clear_error(tmp_path, make):
    folder = tmp_path / "nothing"
    if make:
        folder.mkdir()
    with pytest.raises(PareError, match=r"nothing holds no Hugging Face model.*ingest"):
        load_backbone(folder, (4,))


@pytest.mark.parametrize("text", ["", "{half", "[]", "{}", '{"model_type": "bert", "hidden_size": "x"}', "\0\1"])
@pytest.mark.parametrize("initialisation", ["pretrained", "random"])
def test_a_damaged_configuration_is_a_clear_error(copy, text, initialisation):
    (copy / "config.json").write_text(text)
    with pytest.raises(PareError, match=r"(?s)holds no Hugging Face model.*ingest"):
        load_backbone(copy, (4,), initialisation)


def test_a_configuration_that_no_network_can_have_is_a_clear_error(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"hidden_size": 33}))
    with pytest.raises(PareError, match="33"):
        load_backbone(copy, (4,), "random")


def test_a_family_that_is_not_known_is_told_with_those_that_are(tmp_path):
    GPT2Config(n_embd=8, n_layer=1, n_head=1).save_pretrained(tmp_path)
    with pytest.raises(PareError, match="'gpt2'") as caught:
        load_backbone(tmp_path, (4,))
    assert all(family in str(caught.value) for family in FAMILIES)


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "absent"])
def test_weights_that_cannot_be_read_are_a_clear_error(copy, damage):
    path = copy / "model.safetensors"
    content = path.read_bytes()
    path.unlink()
    if damage != "absent":
        damaged = {"truncated": content[: len(content) // 2], "empty": b"", "garbage": b"x" * 5000}
        path.write_bytes(damaged[damage])
    with pytest.raises(PareError, match=r"weights in .*copy cannot be read.*ingest again"):
        load_backbone(copy, (4,))


def test_weights_that_are_not_whole_are_told_by_name(copy):
    path = copy / "model.safetensors"
    weights = load_file(path)
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(PareError, match=r"lacks weights: encoder\.layer\.1\.output\.dense\.weight"):
        load_backbone(copy, (4,))


def test_weights_of_another_size_are_a_clear_error(copy):
    config = BertConfig(**SMALL | {"intermediate_size": 32}, vocab_size=57)
    config.save_pretrained(copy)
    with pytest.raises(PareError, match="cannot be read"):
        load_backbone(copy, (4,))


EVIL = """
from transformers import BertConfig, BertModel
open({marker!r}, "w").close()
class Config(BertConfig):
    model_type = "evil"
class Model(BertModel):
    config_class = Config
"""


@pytest.mark.parametrize("family", ["evil", "bert"])
def test_code_that_comes_with_a_model_is_never_run_nor_asked_about(copy, monkeypatch, family):
    marker = copy / "ran"
    (copy / "evil.py").write_text(EVIL.format(marker=str(marker)))
    code = {"auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}, "model_type": family}
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | code))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    if family == "bert":
        load_backbone(copy, (4,))
    else:
        with pytest.raises(PareError, match="holds a model of type 'evil'; known families"):
            load_backbone(copy, (4,))
    assert not marker.exists()


@pytest.mark.parametrize("initialisation", ["pretrained", "random"])
@pytest.mark.parametrize(
    "more",
    [
        {"attn_implementation": "evil/kernel"},
        {"_attn_implementation": "evil/kernel"},
        {"experts_implementation": "evil"},
        {"configuration_files": ["config.9.json"]},
        {"transformers_weights": "../secret.safetensors"},
        {"fusion_config": {"fuse_patch_embeddings": True}},
        {"dtype": "save", "torch_dtype": "load"},
        {"return_dict": False},
        {"compression_config": {"quant_method": "x"}, "of_tomorrow": 1},
    ],
    ids=lambda more: next(iter(more)),
)
def test_keys_that_do_not_shape_the_network_never_reach_transformers(copy, monkeypatch, more, initialisation):
    expected = load_backbone(copy, (4,), "pretrained")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | more))
    # transformers itself reads the file by this method, also where a configuration is given
    monkeypatch.setattr(
        PretrainedConfig, "get_config_dict", lambda *_, **__: pytest.fail("transformers read config.json")
    )
    found = load_backbone(copy, (4,), initialisation)
    assert found.encoder.config._attn_implementation == expected.encoder.config._attn_implementation
    assert not {*more} & {*vars(found.encoder.config)} - {"dtype", "return_dict"}
    if initialisation == "pretrained":
        tokens = torch.randn(2, 4, 32)
        torch.testing.assert_close(found.eval().encode(tokens), expected.eval().encode(tokens))


def test_no_encoder_compiles_itself(encoder, monkeypatch):
    """ModernBERT of transformers 4 does on a GPU, unless its configuration says no."""
    config = AutoConfig.from_pretrained(encoder("modernbert"))
    monkeypatch.setattr(type(config), "reference_compile", None, raising=False)
    assert load_backbone(encoder("modernbert"), (4,), "random").encoder.config.reference_compile is False


def test_quantised_weights_are_refused(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "x"}}))
    with pytest.raises(PareError, match="holds quantised weights"):
        load_backbone(copy, (4,))


# As published, values changed: transformers understands names of its versions before 5.
MODERNBERT = {
    "model_type": "modernbert",
    "architectures": ["ModernBertForMaskedLM"],
    "global_attn_every_n_layers": 2,
    "global_rope_theta": 5000.0,
    "local_rope_theta": 700.0,
    "local_attention": 8,
    "vocab_size": 99,
    "pad_token_id": 0,
    "layer_norm_eps": 1e-5,
    "position_embedding_type": "absolute",
    "reference_compile": False,
    "repad_logits_with_grad": False,
    "torch_dtype": "float32",
    "transformers_version": "4.47.0.dev0",
}


@pytest.mark.parametrize("family", ["bert", "convnextv2", "dinov2", "roberta", "swin", "vit", "published"])
def test_a_configuration_keeps_all_that_shapes_its_network(encoder, tmp_path, family):
    (tmp_path / "config.json").write_text(json.dumps(MODERNBERT | SMALL))
    folder = tmp_path if family == "published" else encoder(family)
    expected = AutoConfig.from_pretrained(folder)
    found = load_backbone(folder, (8, 8) if hasattr(expected, "patch_size") else (8,), "random").encoder.config
    different = {name for name, value in found.to_dict().items() if expected.to_dict().get(name) != value}
    assert different <= {"_name_or_path", "architectures", "dtype", *FAMILIES[expected.model_type].dropout_names}


@pytest.mark.parametrize(("family", "grid"), [("dinov2", (8, 8)), ("modernbert", (8,))])
def test_a_trained_model_with_fewer_layers_is_read_from_the_configuration_of_all(encoder, tmp_path, family, grid):
    config = json.loads((encoder(family) / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    found, expected = load_backbone(tmp_path, grid, "random"), load_backbone(encoder(family), grid, layers=1)
    assert found.state_dict().keys() == expected.state_dict().keys()


def test_pickled_weights_are_never_opened(copy):
    (copy / "model.safetensors").unlink()
    torch.save({}, copy / "pytorch_model.bin")
    with pytest.raises(PareError, match="cannot be read"):
        load_backbone(copy, (4,))


def test_nothing_is_asked_of_the_network(copy, monkeypatch):
    def refuse(*_, **__):
        pytest.fail("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    load_backbone(copy, (4,))
    with pytest.raises(PareError):
        load_backbone(copy / "nothing", (4,))


def test_half_precision_weights_are_computed_with_in_single_precision(copy):
    path = copy / "model.safetensors"
    save_file({name: value.half() for name, value in load_file(path).items()}, path, metadata={"format": "pt"})
    assert {p.dtype for p in load_backbone(copy, (4,)).parameters()} == {torch.float32}


@pytest.mark.parametrize("folder", ["tiny_bert", "tiny_dinov2"])
def test_state_survives_a_round_trip_through_safetensors(folder, request, tmp_path):
    backbone = load_backbone(request.getfixturevalue(folder), (2, 3))
    save_file(backbone.state_dict(), tmp_path / "state.safetensors")
    assert load_file(tmp_path / "state.safetensors").keys() == backbone.state_dict().keys()


@pytest.mark.parametrize(
    ("family", "head", "grid", "left_out"),
    [
        ("modernbert", AutoModelForMaskedLM, (9,), ()),
        ("roberta", AutoModelForMaskedLM, (9,), ()),
        ("swin", AutoModelForImageClassification, (8, 8), ()),
        ("convnextv2", AutoModelForImageClassification, (8, 8), ("layernorm.weight", "layernorm.bias")),
    ],
)
def test_a_checkpoint_is_published_with_a_head_and_read_without(encoder, tmp_path, family, head, grid, left_out):
    torch.manual_seed(0)
    published = head.from_config(AutoConfig.from_pretrained(encoder(family)))
    published.save_pretrained(tmp_path)
    expected = {name: value for name, value in published.base_model.state_dict().items() if name not in left_out}
    found = load_backbone(tmp_path, grid).encoder.state_dict()
    renamed = {name.replace("patch_embeddings.projection", "patch_embeddings"): value for name, value in found.items()}
    found = renamed if family == "convnextv2" else found
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
