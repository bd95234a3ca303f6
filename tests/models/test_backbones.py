"""The cut through pretrained encoders: both halves together are the uncut model."""

import json
import shutil
import socket

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, BertConfig, GPT2Config, RobertaConfig, SwinConfig, ViTConfig

from pare.config import PareError
from pare.models import load_backbone
from pare.models.backbones import IMAGE_FAMILIES, TEXT_FAMILIES

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
SWIN = {"embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 4, 8]}
CONFIGS = {
    "roberta": RobertaConfig(**SMALL, vocab_size=99, max_position_embeddings=66),
    "vit": ViTConfig(**SMALL, image_size=64, patch_size=16),
    "swin": SwinConfig(**SWIN, window_size=1),
    "swin_window_7": SwinConfig(**SWIN, window_size=7),
}
GRIDS = {  # one that the positions were made for, one that they are not, one that is long
    "bert": [(9,), (4, 5)],
    "roberta": [(64,), (4, 5)],
    "vit": [(4, 4), (5, 7), (30,)],
    "dinov2": [(4, 4), (5, 7), (30,)],
    "swin": [(8, 8), (5, 7), (30,)],
    "swin_window_7": [(56, 56)],
}


@pytest.fixture(scope="session")
def encoder(tmp_path_factory, save_encoder, tiny_bert, tiny_dinov2):
    """Folder of a tiny encoder of a family."""
    folders = {"bert": tiny_bert, "dinov2": tiny_dinov2}

    def folder(family):
        if family not in folders:
            folders[family] = save_encoder(CONFIGS[family], tmp_path_factory.mktemp(family))
        return folders[family]

    return folder


@pytest.fixture
def copy(tiny_bert, tmp_path):
    """A BERT folder to damage."""
    return shutil.copytree(tiny_bert, tmp_path / "copy")


def source_samples(backbone):
    """Two samples of the encoder's own modality."""
    torch.manual_seed(1)
    if backbone.encoder.config.model_type in TEXT_FAMILIES:
        tokens = torch.Size(backbone.grid).numel()
        return torch.randint(5, 50, (2, tokens))  # no special tokens: RoBERTa gives padding no position
    return torch.randn(2, 3, *backbone.image_size)


def uncut(folder, samples):
    """What the model of transformers returns for them, without the class token."""
    model = AutoModel.from_pretrained(folder).eval()
    options = {"interpolate_pos_encoding": True} if model.config.model_type == "vit" else {}
    features = model(samples, **options).last_hidden_state
    return features[:, 1:] if model.config.model_type in ("vit", "dinov2") else features


@pytest.mark.parametrize(("family", "grid"), [(family, grid) for family, grids in GRIDS.items() for grid in grids])
def test_embedder_and_encoder_together_are_the_uncut_model(encoder, family, grid):
    folder = encoder(family)
    backbone = load_backbone(folder, grid).eval()
    samples = source_samples(backbone)
    with torch.no_grad():
        tokens = backbone.embed_source(samples)
        features = backbone.encode(tokens)
        expected = uncut(folder, samples)
    assert tokens.shape == (2, torch.Size(grid).numel(), backbone.width)
    assert features.shape == (2, torch.Size(backbone.out_grid).numel(), backbone.out_width) == expected.shape
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("family", "grid"), [(family, grids[0]) for family, grids in GRIDS.items()])
def test_tokens_from_elsewhere_get_a_gradient_and_leave_nothing_behind(encoder, family, grid):
    backbone = load_backbone(encoder(family), grid)
    tokens = torch.randn(2, torch.Size(grid).numel(), backbone.width, requires_grad=True)
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    backbone.encode(tokens).square().sum().backward()
    assert tokens.grad.abs().sum(dim=(0, 2)).min() > 0  # every slot has a say
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
    assert not any(isinstance(value, torch.Tensor) for module in backbone.modules() for value in vars(module).values())


@pytest.mark.parametrize("family", ["bert", "roberta", "vit", "dinov2"])
def test_equal_tokens_differ_by_the_position_of_their_slot(encoder, family):
    backbone = load_backbone(encoder(family), GRIDS[family][0]).eval()
    tokens = torch.randn(1, 1, backbone.width).expand(1, torch.Size(backbone.grid).numel(), -1)
    with torch.no_grad():
        features = backbone.encode(tokens)[0]
    assert torch.pdist(features).min() > 1e-3


@pytest.mark.parametrize("family", GRIDS)
def test_the_pretrained_embedder_is_frozen_and_the_encoder_is_not(encoder, family):
    backbone = load_backbone(encoder(family), GRIDS[family][0])
    source = source_samples(backbone)
    assert not backbone.embed_source(source).requires_grad
    frozen = [name for name, p in backbone.named_parameters() if not p.requires_grad]
    kind = "word_embeddings" if family in TEXT_FAMILIES else "projection"
    assert frozen and all(kind in name or "mask_token" in name for name in frozen)


@pytest.mark.parametrize("family", ["bert", "vit", "swin"])
def test_random_weights_depend_on_torchs_seed_only(encoder, family):
    def weights(seed):
        torch.manual_seed(seed)
        return load_backbone(encoder(family), GRIDS[family][0], "random").state_dict()

    first, again, other = weights(1), weights(1), weights(2)
    pretrained = load_backbone(encoder(family), GRIDS[family][0]).state_dict()
    assert first.keys() == pretrained.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    matrices = [name for name in first if first[name].dim() > 1 and first[name].is_floating_point()]
    matrices = [name for name in matrices if first[name].unique().numel() > 1]  # not those that start as zeros
    assert matrices
    assert not any(torch.equal(first[name], other[name]) for name in matrices)
    assert not any(torch.equal(first[name], pretrained[name]) for name in matrices)


@pytest.mark.parametrize("family", GRIDS)
def test_dropout_is_what_was_asked_for(encoder, family):
    def rates(**options):
        modules = load_backbone(encoder(family), GRIDS[family][0], **options).modules()
        return {module.p for module in modules if isinstance(module, torch.nn.Dropout)}

    assert rates() == {0.0}
    assert rates(dropout=0.3) == {0.3}


def test_a_backbone_without_dropout_is_the_same_in_training(encoder):
    backbone = load_backbone(encoder("bert"), (9,))
    tokens = torch.randn(2, 9, 32)
    torch.testing.assert_close(backbone.train().encode(tokens), backbone.eval().encode(tokens))


@pytest.mark.parametrize(("family", "most"), [("bert", 512), ("roberta", 64)])
def test_more_tokens_than_positions_are_refused(encoder, family, most):
    assert load_backbone(encoder(family), (most,)).grid == (most,)
    with pytest.raises(PareError, match=rf"makes {most + 1} tokens, {family} has positions for {most}.*tokens\.patch"):
        load_backbone(encoder(family), (most + 1,))


@pytest.mark.parametrize("grid", [(56, 48), (4, 4)])
def test_a_grid_smaller_than_swins_windows_is_refused(encoder, grid):
    with pytest.raises(PareError, match=r"at least 56 tokens.*tokens\.resize=224 and tokens\.patch=4"):
        load_backbone(encoder("swin_window_7"), grid)


def test_a_long_row_of_tokens_is_folded_into_the_squarest_grid(encoder):
    backbone = load_backbone(encoder("vit"), (30,))
    assert backbone.image_size == (5 * 16, 6 * 16)
    assert backbone.out_grid == (30,)


def test_swins_features_are_on_a_grid_halved_three_times_and_eight_times_as_wide(encoder):
    backbone = load_backbone(encoder("swin"), (20, 9))
    assert (backbone.out_grid, backbone.width, backbone.out_width) == ((3, 2), 16, 128)


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
    assert all(family in str(caught.value) for family in IMAGE_FAMILIES + TEXT_FAMILIES)


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
