"""Target embedders against convolutions and their formulas."""

import pytest
import torch
from torch.nn import functional as F

from pare.learners.networks.models.embedders import FeatureEmbedder, PatchEmbedder, build_embedder, rescale

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def convolved(embedder, x):
    """The same projection as a convolution whose stride is its kernel."""
    axes, patch = len(embedder.grid), embedder.patch
    missing = [n * patch - size for n, size in zip(embedder.grid, x.shape[2:], strict=True)]
    x = F.pad(x, [p for m in reversed(missing) for p in (0, m)])
    weight = embedder.projection.weight.unflatten(1, (x.shape[1], *[patch] * axes))
    return CONVOLUTIONS[axes](x, weight, embedder.projection.bias, stride=patch).flatten(2).mT


@pytest.mark.parametrize(
    ("points", "patch"),
    [((12,), 4), ((13,), 4), ((8, 12), 4), ((85, 85), 9), ((5, 7), 3), ((3, 3), 1), ((4, 5, 6), 2)],
)
def test_a_patch_embedder_is_a_convolution_with_kernel_and_stride_of_a_patch(points, patch):
    grid = tuple(-(-n // patch) for n in points)
    embedder = PatchEmbedder(3, grid, patch, None, 16)
    torch.nn.init.normal_(embedder.projection.bias)
    x = torch.randn(2, 3, *points)
    tokens = embedder(x).tokens
    assert tokens.shape == (2, torch.Size(grid).numel(), 16)
    torch.testing.assert_close(tokens, convolved(embedder, x), rtol=1e-4, atol=1e-5)


def test_a_token_sees_its_own_patch_only():
    embedder = PatchEmbedder(1, (3, 4), 5, None, 8)
    x = torch.randn(1, 1, 15, 18)
    changed = x.clone()
    changed[0, 0, 7, 12] += 1  # second row of patches, third column
    moved = (embedder(changed).tokens - embedder(x).tokens).abs().sum(2)[0]
    assert moved.nonzero().flatten().tolist() == [1 * 4 + 2]


@pytest.mark.parametrize(("points", "grid"), [((10,), (8,)), ((10, 14), (8, 8)), ((5, 6, 7), (8, 8, 8))])
def test_a_field_is_resized_first_where_asked(points, grid):
    resizing, plain = PatchEmbedder(2, grid, 4, 32, 8), PatchEmbedder(2, grid, 4, None, 8)
    plain.load_state_dict(resizing.state_dict())
    x = torch.randn(2, 2, *points)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(grid)]
    resized = F.interpolate(x, size=[32] * len(grid), mode=mode, align_corners=False)
    torch.testing.assert_close(resizing(x).tokens, plain(resized).tokens)


def test_tokens_of_white_noise_have_unit_spread():
    torch.manual_seed(0)
    tokens = PatchEmbedder(3, (8, 8), 6, None, 256)(torch.randn(64, 3, 48, 48)).tokens
    assert tokens.std().item() == pytest.approx(1, rel=0.02)


def test_a_feature_is_value_times_direction_plus_bias():
    embedder = FeatureEmbedder(4, 8)
    x = torch.randn(5, 4)
    tokens = embedder(x).tokens
    for row in range(5):
        for column in range(4):
            expected = x[row, column] * embedder.direction[column] + embedder.bias[column]
            torch.testing.assert_close(tokens[row, column], expected)


def test_a_missing_value_has_a_token_of_its_own_per_column():
    embedder = FeatureEmbedder(3, 8)
    torch.nn.init.normal_(embedder.missing)
    x = torch.tensor([[1.0, float("nan"), 2.0], [float("nan"), 0.0, float("nan")]])
    tokens = embedder(x).tokens
    torch.testing.assert_close(tokens[0, 1], embedder.missing[1] + embedder.bias[1])
    torch.testing.assert_close(tokens[1, 0], embedder.missing[0] + embedder.bias[0])
    torch.testing.assert_close(tokens[1, 1], embedder.bias[1])  # a zero is not missing
    assert not tokens.isnan().any()


@pytest.mark.parametrize(("categories", "other"), [((), 1.0), ([0, 3], float("nan"))])
def test_a_missing_value_leaves_all_gradients_finite(categories, other):
    embedder = FeatureEmbedder(2, 4, categories)
    embedder(torch.tensor([[float("nan"), other]])).tokens.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in embedder.parameters())
    assert embedder.direction.grad[0].eq(0).all()


@pytest.mark.parametrize(
    ("embedder", "x"),
    [
        (PatchEmbedder(2, (3, 3), 2, None, 8), torch.randn(2, 2, 5, 6)),
        (FeatureEmbedder(5, 8), torch.randn(2, 5)),
    ],
)
def test_rescaling_an_embedder_rescales_its_tokens(embedder, x):
    before = embedder(x).tokens.detach()
    rescale(embedder, 0.25)
    torch.testing.assert_close(embedder(x).tokens, before * 0.25)


def test_the_task_decides_the_embedder(library):
    field, table = library.task("darcy_flow"), library.task("openml_wdbc")
    for task, kind in ((field, PatchEmbedder), (table, FeatureEmbedder)):
        embedder = build_embedder(task, 16)
        assert isinstance(embedder, kind)
        assert embedder(torch.randn(2, *task.input.shape)).tokens.shape == (2, torch.Size(task.grid).numel(), 16)


def test_a_category_has_its_own_vector_and_a_number_its_direction():
    embedder = FeatureEmbedder(4, 8, categories=[0, 3, 0, 2])
    x = torch.tensor([[1.5, 2.0, -1.0, 0.0], [float("nan"), float("nan"), 0.5, 1.0]])
    tokens = embedder(x).tokens
    levels = embedder.levels
    torch.testing.assert_close(tokens[0, 0], 1.5 * embedder.direction[0] + embedder.bias[0])
    torch.testing.assert_close(tokens[0, 1], levels[2] + embedder.bias[1])
    torch.testing.assert_close(tokens[0, 3], levels[3] + embedder.bias[3])
    torch.testing.assert_close(tokens[1, 3], levels[4] + embedder.bias[3])
    torch.testing.assert_close(tokens[1, :2], embedder.missing[:2] + embedder.bias[:2])


def test_the_gradient_of_categories_has_the_same_digits_each_time_on_several_threads(set_threads):
    """Threads that add to one vector in the order in which they happen to come change the last digits."""
    embedder, x = FeatureEmbedder(6, 384, [4] * 6), torch.randint(4, (64, 6)).float()
    weights, gradients = torch.randn(64, 6, 384), []
    set_threads(2)
    for _ in range(10):
        embedder.zero_grad()
        (embedder(x).tokens * weights).sum().backward()
        gradients.append(embedder.levels.grad.clone())
    assert all(torch.equal(gradient, gradients[0]) for gradient in gradients)


def test_categories_for_another_number_of_columns_are_refused():
    with pytest.raises(ValueError, match="categories of 3 columns given, the table has 2"):
        FeatureEmbedder(2, 8, categories=[0, 0, 3])
