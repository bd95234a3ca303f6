"""The model of a solved start: what each head takes, what mixing hides, and how predictions are averaged."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pare.config.errors import PareError
from pare.config.mosaic import mosaic_of
from pare.config.schema import StartConfig
from pare.learners.networks.models import CrossModalModel, load_backbone
from pare.learners.networks.models.solved import RawColumns, build_solved_model, combined

LAYERS = [1, 2]


@pytest.fixture
def build(own_task) -> Callable[..., CrossModalModel]:
    """The model of an own task of a shape, with the encoder of a folder and values of the start."""

    def built(shape: list[int], folder: Path, **values: object) -> CrossModalModel:
        start = StartConfig.model_validate({"source": "any", "layers": LAYERS, **values})
        target = own_task(shape)
        grid = target.grid if target.kind == "table" else mosaic_of(target).grid
        return build_solved_model(
            target, start, load_backbone(folder, grid, layers=start.encoder_layers), 4, rows=40
        ).eval()

    return built


def blocks(model: CrossModalModel, x: torch.Tensor) -> list[torch.Tensor]:
    tokens, around = model.embed(x)
    return model.predictor.inputs(model.encode(tokens), around)


def test_raw_columns_are_those_of_a_linear_model():
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(5, 2, 40), rng.integers(0, 3, 40)].astype(np.float32)
    raw = RawColumns(2, [0, 3])
    raw.scaling.calibrate(x)
    features = raw(torch.from_numpy(x)).numpy()
    assert raw.column == [0, 0, 1, 1, 1, 1]
    np.testing.assert_allclose(features[:, 0], StandardScaler().fit_transform(x[:, :1])[:, 0], atol=1e-5)
    np.testing.assert_array_equal(features[:, 2:5], OneHotEncoder(sparse_output=False).fit_transform(x[:, 1:]))
    gap = raw(torch.tensor([[float("nan"), float("nan")]]))
    assert gap.tolist() == [[0, 1, 0, 0, 0, 1]]


def test_raw_columns_are_those_of_a_loop_over_columns():
    counts, rng = [0, 3, 0, 1, 2], np.random.default_rng(0)
    x = np.stack([rng.integers(0, count, 50) if count else rng.normal(size=50) for count in counts], 1)
    x[rng.random(x.shape) < 0.2] = np.nan
    raw, rows = RawColumns(5, counts, "robust"), torch.from_numpy(x.astype(np.float32))
    raw.scaling.calibrate(rows.numpy())
    expected = []
    for column, count in enumerate(counts):
        values = rows[:, column]
        of_numbers = [raw.scaling(rows)[:, column].nan_to_num(0.0)]
        expected += [(values == code).float() for code in range(count)] if count else of_numbers
        expected.append(values.isnan().float())
    torch.testing.assert_close(raw(rows), torch.stack(expected, 1), rtol=0, atol=0)


def test_a_wide_table_has_tokens_of_chosen_values_and_a_head_of_all_columns(tiny_bert, own_task):
    """The values that say the class are chosen, wherever they are; the same columns in another place do not matter."""
    rng, columns = np.random.default_rng(0), 700
    start = StartConfig.model_validate({"source": "any", "layers": LAYERS, "scalings": ["standard", "robust"]})
    model = build_solved_model(own_task([columns]), start, load_backbone(tiny_bert, (5,), layers=2), 4, rows=40).eval()
    x, y = rng.normal(size=(60, columns)).astype(np.float32), np.arange(60) % 2
    telling = [3, 77, 300, 301, 699]
    x[:, telling] += 4 * y[:, None]
    model.embedder.choose(x, y, None)
    assert model.embedder.chosen.column.tolist() == telling
    parts = blocks(model, torch.from_numpy(x))
    assert [part.shape for part in parts] == [(60, 32 + 2 * 5)] * 4 + [(60, 2 * columns)]
    standardised = StandardScaler().fit_transform(x[:, telling])
    np.testing.assert_allclose(parts[0][:, 32::2].detach(), standardised, atol=1e-5)
    x[:, [0, 1, 2]] = 100.0  # which enter no token
    torch.testing.assert_close(blocks(model, torch.from_numpy(x))[:4], parts[:4])


def test_a_table_has_a_head_for_each_scaling_and_layer_and_each_takes_the_raw_columns(build, tiny_bert):
    model = build([5], tiny_bert, scalings=["standard", "robust"])
    x = torch.randn(7, 5)
    raw = model.embedder.raw(x)
    parts = blocks(model, x)
    assert [part.shape for part in parts] == [(7, 32 + raw.shape[1])] * 4
    for part in parts:
        torch.testing.assert_close(part[:, 32:], raw)
    assert model(x).shape == (7, 3)


def test_the_views_of_a_table_do_not_get_mixed_up(build, tiny_bert):
    """Each view with its layer gives what the same view gives alone."""
    model, x = build([5], tiny_bert, scalings=["standard", "robust"]), torch.randn(7, 5)
    parts = blocks(model, x)
    for view in range(2):
        tokens = model.embedder.views[view](model.embedder.scalings[view](x)).tokens
        for layer, states in enumerate(model.encode(tokens)):
            torch.testing.assert_close(parts[2 * view + layer][:, :32], states.mean(1))


def test_a_mixed_row_does_not_see_the_columns_that_were_replaced(build, tiny_bert):
    model, x = build([3], tiny_bert), torch.randn(2, 3)
    _, (raw,) = model.embed(x)
    replaced = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    (hidden,) = model.hide((raw,), replaced)
    column = torch.tensor(model.embedder.raw.column)
    assert (hidden[0, column == 1] == 0).all()
    torch.testing.assert_close(hidden[0, column != 1], raw[0, column != 1])
    torch.testing.assert_close(hidden[1], raw[1])


def test_a_series_has_mean_and_maximum_of_each_tile(build, tiny_dinov2):
    model, x = build([3, 40], tiny_dinov2), torch.randn(2, 3, 40)
    mosaic = model.embedder.picture.mosaic
    rows, columns = mosaic.tile
    grid = model.encode(model.embed(x).tokens)[0].unflatten(1, mosaic.grid)
    block = blocks(model, x)[0].unflatten(1, (2, 32, mosaic.tiles))
    for i in range(mosaic.tiles):
        row, column = divmod(i, mosaic.columns)
        tile = grid[:, row * rows : (row + 1) * rows, column * columns : (column + 1) * columns].flatten(1, 2)
        torch.testing.assert_close(block[:, 0, :, i], tile.mean(1))
        torch.testing.assert_close(block[:, 1, :, i], tile.amax(1))


def test_kernels_have_a_head_of_their_own_and_their_features_go_around_the_encoder(build, tiny_dinov2):
    model, x = build([3, 40], tiny_dinov2, kernels=True), torch.randn(6, 3, 40)
    model.embedder.kernels.calibrate(x)
    *layers, kernels = blocks(model, x)
    assert len(layers) == len(LAYERS)
    torch.testing.assert_close(kernels, model.embedder.kernels(x))
    assert model.predictor.heads[-1].in_features == model.embedder.kernels.features


def test_the_points_of_a_series_have_a_head_of_their_own_behind_that_of_the_kernels(build, tiny_dinov2):
    model, x = build([3, 40], tiny_dinov2, kernels=True, points=True), torch.randn(6, 3, 40)
    model.embedder.kernels.calibrate(x)
    *layers, kernels, points = blocks(model, x)
    assert len(layers) == len(LAYERS)
    assert kernels.shape[1] == model.embedder.kernels.features
    torch.testing.assert_close(points, x.flatten(1))
    replaced = torch.zeros(model.embed(x).tokens.shape[:2])
    replaced[0, 3] = 1.0
    hidden = model.hide(model.embed(x).around, replaced)
    assert not any(part[0].any() for part in hidden)
    torch.testing.assert_close(hidden[1][1:], points[1:])


def test_kernels_of_a_mixed_row_are_hidden_wherever_anything_was_replaced(build, tiny_dinov2):
    model, x = build([3, 40], tiny_dinov2, kernels=True), torch.randn(2, 3, 40)
    tokens, (kernels,) = model.embed(x)
    replaced = torch.zeros(tokens.shape[:2])
    replaced[0, 3] = 1.0
    (hidden,) = model.hide((kernels,), replaced)
    assert not hidden[0].any()
    torch.testing.assert_close(hidden[1], kernels[1])


def test_similarities_of_a_row_have_a_head_of_their_own_beside_those_with_raw_columns(build, tiny_bert):
    model, x = build([5], tiny_bert, scalings=["standard", "robust"], kernels=True), torch.randn(6, 5)
    model.embedder.kernels.calibrate(model.embedder.compared(x))
    *layers, kernels = blocks(model, x)
    assert [part.shape for part in layers] == [(6, 32 + model.embedder.raw(x).shape[1])] * 4
    torch.testing.assert_close(kernels, model.embedder.kernels(model.embedder.compared(x)))


def test_similarities_of_a_row_are_hidden_where_a_column_of_any_view_was_replaced(build, tiny_bert):
    model, x = build([3], tiny_bert, scalings=["standard", "robust"], kernels=True), torch.randn(2, 3)
    model.embedder.kernels.calibrate(model.embedder.compared(torch.randn(9, 3)))
    _, (raw, kernels) = model.embed(x)
    replaced = torch.zeros(4, 3)
    replaced[2, 1] = 1.0  # of the first row's second view
    hidden_raw, hidden = model.hide((raw, kernels), replaced)
    assert not hidden[0].any()
    torch.testing.assert_close(hidden[1], kernels[1])
    torch.testing.assert_close(hidden_raw[[0, 1, 3]], raw[[0, 1, 3]])


def test_heads_add_up_in_full_precision_where_a_step_runs_in_bf16(build, tiny_bert):
    model, x = build([5], tiny_bert, kernels=True), torch.randn(6, 5)
    model.embedder.kernels.calibrate(model.embedder.compared(torch.randn(40, 5)))
    with torch.no_grad():
        model.predictor.heads[-1].weight.normal_(0, 1e3)
        model.predictor.shares.copy_(torch.tensor([0.0, 0.0, 1.0]))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            in_bf16 = model(x)
        torch.testing.assert_close(in_bf16, model(x), rtol=1e-3, atol=1e-3)


def test_a_picture_is_embedded_as_the_encoder_embeds_its_images(build, tiny_dinov2):
    model, x = build([3, 40], tiny_dinov2), torch.randn(2, 3, 40)
    torch.testing.assert_close(model.embed(x).tokens, model.embed_source(model.embedder.picture(x)))


def test_training_changes_the_target_s_projection_and_not_the_source_s(build, tiny_dinov2):
    model = build([3, 40], tiny_dinov2)
    assert model.embedder.projection.weight.requires_grad
    assert not model.backbone.entrance.projection.weight.requires_grad


def test_only_gate_and_source_predictor_begin_random(build, tiny_bert):
    model = build([5], tiny_bert)
    random = {id(p) for p in model.parameter_groups(1e-3)[1]["params"]}
    assert {name.split(".")[0] for name, p in model.named_parameters() if id(p) in random} == {
        "gate",
        "source_predictor",
    }


def test_series_need_an_image_encoder(build, tiny_bert):
    with pytest.raises(PareError, match="use an image encoder"):
        build([1, 40], tiny_bert)


@pytest.mark.parametrize(
    ("kind", "inverse"),
    [
        ("classification", lambda p: p.log()),
        ("multilabel", lambda p: p.logit()),
        ("regression", lambda p: p),
    ],
)
def test_heads_are_averaged_as_probabilities_or_numbers(kind, inverse):
    p, shares = torch.softmax(torch.randn(3, 5, 4), -1), torch.tensor([0.5, 0.3, 0.2])
    expected = inverse(0.5 * p[0] + 0.3 * p[1] + 0.2 * p[2])
    torch.testing.assert_close(combined(inverse(p), shares, kind), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("folder", ["tiny_bert", "tiny_dinov2"])
def test_the_last_layer_is_read_as_a_whole_encoder_has_it_inside(folder, request):
    """Blocks behind those that are read are not loaded, and no final normalisation is applied."""
    path = request.getfixturevalue(folder)
    cut, whole = load_backbone(path, (4, 4), layers=1), load_backbone(path, (4, 4))
    cut.drop_final_norm()
    tokens = torch.randn(2, 16, whole.width)
    with torch.no_grad():
        torch.testing.assert_close(cut.eval().encode_layers(tokens, [1]), whole.eval().encode_layers(tokens, [1]))
