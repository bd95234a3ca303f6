"""The cut through pretrained encoders: both halves together are the uncut model."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoConfig, AutoModel

from pare.config import PareError
from pare.learners.machine import attention_of
from pare.learners.networks.models import load_backbone
from pare.learners.networks.models.backbones import FAMILIES, TextBackbone

GRIDS = {  # one that the positions were made for, one that they are not, one that is long
    "bert": [(9,), (4, 5)],
    "convnextv2": [(8, 8), (16, 24), (64,)],
    "dinov2": [(4, 4), (5, 7), (30,)],
    "modernbert": [(64,), (4, 5)],
    "roberta": [(64,), (4, 5)],
    "swin": [(8, 8), (5, 7), (30,)],
    "swin_window_7": [(56, 56)],
    "vit": [(4, 4), (5, 7), (30,)],
}
DROPOUTS = [(family, name) for family in FAMILIES for name in FAMILIES[family].dropout_names]


def source_samples(backbone):
    """Two samples of the encoder's own modality."""
    torch.manual_seed(1)
    if isinstance(backbone, TextBackbone):
        tokens = torch.Size(backbone.grid).numel()
        return torch.randint(5, 50, (2, tokens))  # no special tokens: RoBERTa gives padding no position
    return torch.randn(2, 3, *backbone.image_size)


def uncut(folder, samples):
    """What the model of transformers returns for them, without the class token."""
    model = AutoModel.from_pretrained(folder).eval()
    options = {"interpolate_pos_encoding": True} if model.config.model_type == "vit" else {}
    with torch.no_grad():
        features = model(samples, **options).last_hidden_state
    if model.config.model_type == "convnextv2":
        features = features.flatten(2).transpose(1, 2)  # a map of features, row by row
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


@pytest.mark.parametrize(("family", "grid"), [(family, grids[0]) for family, grids in GRIDS.items()])
def test_threads_that_share_an_encoder_get_the_features_of_their_own_tokens(encoder, family, grid):
    backbone = load_backbone(encoder(family), grid).eval()
    torch.manual_seed(0)
    batches = torch.randn(2, 3, torch.Size(grid).numel(), backbone.width)
    encode, both_are_inside = torch.inference_mode()(backbone.encode), Barrier(2, timeout=60)
    alone = [encode(tokens) for tokens in batches]

    def wait(*_):
        both_are_inside.wait()

    backbone.encoder.register_forward_pre_hook(wait)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(encode, batches))
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", ["bert", "roberta", "vit", "dinov2"])
def test_equal_tokens_differ_by_the_position_of_their_slot(encoder, family):
    backbone = load_backbone(encoder(family), GRIDS[family][0]).eval()
    tokens = torch.randn(1, 1, backbone.width).expand(1, torch.Size(backbone.grid).numel(), -1)
    with torch.no_grad():
        features = backbone.encode(tokens)[0]
    assert torch.pdist(features).min() > 1e-3


@pytest.mark.parametrize("family", ["modernbert", "convnextv2"])
def test_without_positions_of_its_own_a_slot_still_has_its_place_among_others(encoder, family):
    backbone = load_backbone(encoder(family), GRIDS[family][0]).eval()
    tokens = torch.randn(1, torch.Size(backbone.grid).numel(), backbone.width)
    with torch.no_grad():
        features, turned = backbone.encode(tokens), backbone.encode(tokens.flip(1)).flip(1)
    assert (features - turned).abs().max() > 1e-3


@pytest.mark.parametrize("family", GRIDS)
def test_the_pretrained_embedder_is_frozen_and_the_encoder_is_not(encoder, family):
    backbone = load_backbone(encoder(family), GRIDS[family][0])
    source = source_samples(backbone)
    assert not backbone.embed_source(source).requires_grad
    frozen = [name for name, p in backbone.named_parameters() if not p.requires_grad]
    kinds = ("word_embeddings", "tok_embeddings", "projection", "mask_token")
    assert frozen and all(name.split(".")[-2] in kinds or name.endswith("mask_token") for name in frozen)


@pytest.mark.parametrize("family", ["bert", "modernbert", "vit", "swin", "convnextv2"])
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


def test_every_family_is_tried():
    assert set(FAMILIES) <= set(GRIDS)


def differ(model, inputs):
    """Whether two passes in training mode give two results."""
    model.train()
    with torch.no_grad():
        return not torch.equal(*(model(**inputs).last_hidden_state for _ in range(2)))


def inputs_of(folder):
    """An encoder's own keyword and samples of it."""
    backbone = load_backbone(folder, (64,))
    return {"input_ids" if isinstance(backbone, TextBackbone) else "pixel_values": source_samples(backbone)}


@pytest.mark.parametrize(("family", "name"), DROPOUTS)
def test_transformers_knows_each_name_of_a_dropout(encoder, family, name):
    folder = encoder(family)
    inputs = inputs_of(folder) | ({"interpolate_pos_encoding": True} if family == "vit" else {})
    for rate in (0.0, 0.5):
        rates = dict.fromkeys(FAMILIES[family].dropout_names, 0.0) | {name: rate}
        config = AutoConfig.from_pretrained(folder, **rates | ({"drop_path_rate": 0.0} if family == "swin" else {}))
        assert differ(AutoModel.from_pretrained(folder, config=config), inputs) is (rate > 0)


@pytest.mark.parametrize("family", [family for family in GRIDS if family != "convnextv2"])
def test_dropout_is_what_was_asked_for(encoder, family):
    def rates(**options):
        modules = list(load_backbone(encoder(family), GRIDS[family][0], **options).modules())
        found = {module.p for module in modules if isinstance(module, torch.nn.Dropout)}
        return found | {module.attention_dropout for module in modules if hasattr(module, "attention_dropout")}

    assert rates() == {0.0}
    assert rates(dropout=0.3) == {0.3}


def test_dropout_is_refused_where_a_family_has_none(encoder):
    with pytest.raises(PareError, match=r"family convnextv2 have no dropout, training\.dropout asks for 0\.1.*=0"):
        load_backbone(encoder("convnextv2"), (8, 8), dropout=0.1)


def test_a_name_that_transformers_does_not_know_is_refused(encoder, monkeypatch):
    monkeypatch.setattr(FAMILIES["modernbert"], "dropout_names", ("hidden_dropout_prob",))  # that of BERT
    with pytest.raises(PareError, match=r"no hidden_dropout_prob in the configuration of modernbert"):
        load_backbone(encoder("modernbert"), (9,))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoints_own_dropout_does_not_survive(encoder, family):
    config = AutoConfig.from_pretrained(encoder(family))
    names = [name for name in config.to_dict() if "dropout" in name and not name.startswith("classifier")]
    assert set(names) == set(FAMILIES[family].dropout_names)


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "vit", "dinov2", "convnextv2"])
def test_a_backbone_without_dropout_is_the_same_in_training(encoder, family):
    backbone = load_backbone(encoder(family), GRIDS[family][0])
    tokens = torch.randn(2, torch.Size(backbone.grid).numel(), backbone.width)
    torch.testing.assert_close(backbone.train().encode(tokens), backbone.eval().encode(tokens))


@pytest.mark.parametrize(("family", "most"), [("bert", 512), ("roberta", 64), ("modernbert", 64)])
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


@pytest.mark.parametrize(("grid", "edge"), [((8, 12), 64), ((4, 4), 32), ((17, 17), 96)])
def test_a_grid_that_convnext_would_cut_off_is_refused(encoder, grid, edge):
    with pytest.raises(PareError, match=rf"multiple of 8 tokens.*tokens\.resize={edge} and tokens\.patch=4"):
        load_backbone(encoder("convnextv2"), grid)
    assert load_backbone(encoder("convnextv2"), (edge // 4, edge // 4)).out_grid == (edge // 32, edge // 32)


@pytest.mark.parametrize("family", ["swin_window_7", "convnextv2"])
def test_a_table_that_cannot_be_resized_is_sent_to_another_source(encoder, family):
    with pytest.raises(PareError, match=r"the task makes 5×6; use another source$"):
        load_backbone(encoder(family), (30,))


def test_convnexts_features_are_on_a_grid_halved_three_times_as_wide_as_its_last_stage(encoder):
    backbone = load_backbone(encoder("convnextv2"), (24, 16))
    assert (backbone.out_grid, backbone.token_grid) == ((3, 2), (3, 2))
    assert (backbone.width, backbone.out_width, backbone.image_size) == (16, 40, (96, 64))


def blocks(encoder):
    """The encoder's blocks in their order, wherever the family keeps them."""
    lists = [module for module in encoder.modules() if isinstance(module, torch.nn.ModuleList)]
    return next(found for found in lists if len(found) == encoder.config.num_hidden_layers)


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "vit", "dinov2"])
def test_features_of_a_layer_are_what_its_block_returns(encoder, family):
    backbone = load_backbone(encoder(family), GRIDS[family][1]).eval()
    tokens, returned = torch.randn(2, torch.Size(backbone.grid).numel(), backbone.width), []
    blocks(backbone.encoder)[0].register_forward_hook(
        lambda _module, _inputs, output: returned.append(output[0] if isinstance(output, tuple) else output)
    )
    with torch.no_grad():
        last, first = backbone.encode_layers(tokens, (2, 1))
        expected = backbone.encode(tokens)
    assert torch.equal(last, expected)
    assert torch.equal(first, returned[0][:, -tokens.shape[1] :])
    assert first.shape == last.shape and not torch.allclose(first, last)


def test_gradients_reach_the_tokens_through_a_layer_and_not_those_behind_it(encoder):
    backbone = load_backbone(encoder("bert"), (9,))
    tokens = torch.randn(1, 9, 32, requires_grad=True)
    backbone.encode_layers(tokens, [1])[0].square().sum().backward()
    assert tokens.grad.abs().sum() > 0
    used = [any(p.grad is not None for p in block.parameters()) for block in blocks(backbone.encoder)]
    assert used == [True, False]


@pytest.mark.parametrize("layers", [(0,), (1, 3), (-1,)])
def test_a_layer_that_the_encoder_does_not_have_is_refused(encoder, layers):
    with pytest.raises(PareError, match=r"were asked for, this encoder has layers 1 to 2"):
        load_backbone(encoder("bert"), (9,)).encode_layers(torch.zeros(1, 9, 32), layers)


@pytest.mark.parametrize("family", ["swin", "convnextv2"])
def test_layers_of_a_hierarchical_encoder_are_refused(encoder, family):
    with pytest.raises(PareError, match=rf"family {family} have grids of different sizes"):
        load_backbone(encoder(family), (8, 8)).encode_layers(torch.zeros(1, 64, 16), [1])


@pytest.mark.parametrize(("family", "grid"), [(family, grids[-1]) for family, grids in GRIDS.items()])
def test_attention_is_the_same_whichever_way_a_training_computes_it(encoder, family, grid):
    ways = [attention_of(SimpleNamespace(device=torch.device("cpu"), mixed_precision=one)) for one in ("no", "bf16")]
    backbone, slow = (load_backbone(encoder(family), grid, attention=way).eval() for way in ways)
    names = [one.encoder.config._attn_implementation for one in (backbone, slow)]
    assert names == (["eager"] * 2 if family == "convnextv2" else ["sdpa", "eager"])  # the first has no attention
    tokens = torch.randn(2, torch.Size(grid).numel(), backbone.width)
    torch.testing.assert_close(slow.encode(tokens), backbone.encode(tokens), rtol=1e-5, atol=1e-5)
