"""Models for fields: the anchor, the convolutions around the encoder."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel
from torch.nn import functional as F

from pare.learners.networks.models.convolutional import (
    Anchor,
    ConvolutionalEmbedder,
    ConvolutionalPredictor,
    levels_of,
    spacing_of,
)

CASES = [((85, 85), 24), ((85, 85), 16), ((64, 40), 8), ((256,), 8), ((100,), 12), ((9, 17), 2), ((30,), 4), ((35,), 5)]


def solved(rng, width=0.0):
    anchor = Anchor(6, (2, 3))
    parts = rng.normal(size=6), rng.normal(size=(4, 6)), rng.normal(size=(4, 2, 3)), rng.normal(size=(2, 3))
    anchor.set(*parts, width)
    return anchor, parts


def test_an_anchor_that_was_not_set_adds_nothing():
    assert not Anchor(6, (2, 3))(torch.rand(5, 1, 6)).any()


def test_fields_are_a_linear_map_of_what_differs_from_the_mean():
    rng = np.random.default_rng(0)
    anchor, (mean, directions, fields, constant) = solved(rng)
    x = rng.normal(size=(5, 2, 3))
    expected = np.einsum("bi,di,dcp->bcp", x.reshape(5, 6) - mean, directions, fields) + constant
    np.testing.assert_allclose(anchor(torch.from_numpy(x)), expected, rtol=1e-5, atol=1e-5)


def test_fields_are_sums_over_kernels_in_double_precision():
    """Sums that cancel: single precision would lose them."""
    rng = np.random.default_rng(0)
    anchor, (mean, directions, fields, constant) = solved(rng, 2.0)
    fields[1], directions[1] = -1e6 * fields[0], directions[0]
    fields[0] *= 1e6
    anchor.set(mean, directions, fields, constant, 2.0)
    x = rng.normal(size=(5, 2, 3)).astype(np.float32)
    kernels = rbf_kernel(x.reshape(5, 6) - mean.astype(np.float32), directions, gamma=1 / 8)
    expected = np.einsum("bd,dcp->bcp", kernels, fields) + constant
    np.testing.assert_allclose(anchor(torch.from_numpy(x)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("width", [0.0, 2.0])
def test_a_saved_anchor_brings_its_directions_and_width(width):
    anchor, _ = solved(np.random.default_rng(0), width)
    other, x = Anchor(6, (2, 3)), torch.rand(5, 6)
    other.load_state_dict(anchor.state_dict())
    assert torch.equal(other(x), anchor(x))


def test_an_anchor_that_was_saved_without_a_width_is_linear():
    anchor, _ = solved(np.random.default_rng(0))
    state = {name: value for name, value in anchor.state_dict().items() if name != "width"}
    other, x = Anchor(6, (2, 3)), torch.rand(5, 6)
    other.load_state_dict(state)
    assert torch.equal(other(x), anchor(x))


def path(points, patch, padding="zeros", frequencies=0):
    channels, width, outputs = 3, 10, 2
    torch.manual_seed(0)
    grid = tuple(-(-n // patch) for n in points)
    spacing = spacing_of(points)
    modes = min(2 * frequencies, -(-points[0] // spacing))
    kind = {"padding": padding, "modes": modes}
    down = ConvolutionalEmbedder(channels, grid, patch, width, spacing, **kind)
    up = ConvolutionalPredictor(width, grid, patch, points, (outputs, *points), spacing=spacing, **kind)
    return down, up, grid


@pytest.mark.parametrize(("points", "patch"), CASES)
def test_a_field_of_any_grid_becomes_a_token_a_patch_and_a_field_again(points, patch):
    down, up, grid = path(points, patch)
    tokens, around = down(torch.rand(4, 3, *points))
    assert tokens.shape == (4, torch.Size(grid).numel(), 10)
    assert [tuple(level.shape[2:]) for level in around] == [
        tuple(-(-n // (down.spacing * 2**i)) for n in points) for i in range(levels_of(patch, down.spacing))
    ]
    assert up((tokens,), around).shape == (4, 2, *points)


@pytest.mark.parametrize(("points", "asked"), [((24, 24), (12, 12)), ((16, 40), (33, 40)), ((70,), (140,))])
def test_a_field_on_another_grid_covers_the_same_extent(points, asked):
    """On each grid the middle of the field is where the middle of the input is, and the ends are where its ends are."""
    down, up, _ = path(points, 8)
    tokens, around = down(torch.rand(2, 3, *points))
    own = up((tokens,), around)
    up.shape = (2, *asked)
    found = up((tokens,), around)
    assert found.shape == (2, 2, *asked)
    mode = {1: "linear", 2: "bilinear"}[len(points)]
    torch.testing.assert_close(found, F.interpolate(own, asked, mode=mode))


@pytest.mark.parametrize(("points", "spacing"), [((48, 48), 1), ((62,), 1), ((63, 9), 2), ((64, 64), 2), ((128,), 2)])
def test_only_on_small_grids_the_first_level_has_all_points(points, spacing):
    assert spacing_of(points) == spacing


@pytest.mark.parametrize(
    ("patch", "halved", "whole"),
    [(1, 0, 1), (11, 0, 1), (2, 1, 2), (6, 1, 2), (12, 2, 3), (8, 3, 4), (16, 4, 5), (48, 4, 5), (32, 4, 5)],
)
def test_a_level_has_every_sixteenth_point_at_least(patch, halved, whole):
    assert (levels_of(patch, 2), levels_of(patch, 1)) == (halved, whole)


def test_a_patch_that_cannot_be_halved_is_refused_on_half_a_grid():
    with pytest.raises(ValueError, match="11 points along an axis, which cannot be halved"):
        ConvolutionalEmbedder(1, (8, 8), 11, 4, 2)


@pytest.mark.parametrize("points", [(128,), (16,), (35,)])
def test_fourier_layers_lead_to_tokens_and_back_on_one_level(points):
    patch = 5 if points == (35,) else 8
    down, up, grid = path(points, patch, frequencies=12, padding="circular")
    tokens, around = down(torch.rand(4, 3, *points))
    assert tokens.shape == (4, torch.Size(grid).numel(), 10)
    assert [tuple(level.shape[2:]) for level in around] == [tuple(-(-n // down.spacing) for n in points)]
    assert up((tokens,), around).shape == (4, 2, *points)


@pytest.mark.parametrize(("points", "zero"), [((64, 64), True), ((48, 48), False)])
def test_on_all_points_the_last_layer_begins_random_until_something_was_solved(points, zero):
    _, up, _ = path(points, 16)
    assert (not up.last.weight.any()) == zero
    up.begin_at_zero()
    assert not up.last.weight.any()
    assert not up.last.bias.any()


@pytest.mark.parametrize(("padding", "same"), [("circular", True), ("zeros", False)])
@pytest.mark.parametrize(("points", "frequencies"), [((128,), 0), ((48,), 0), ((16, 64), 0), ((128,), 6), ((48,), 6)])
def test_on_a_periodic_grid_a_shift_by_patches_shifts_tokens_and_prediction(points, frequencies, padding, same):
    down, up, _ = path(points, 16, padding=padding, frequencies=frequencies)
    torch.nn.init.normal_([*up.last.parameters()][-2], std=0.1)
    x = torch.rand(4, 3, *points)
    (tokens, around), (shifted, shifted_around) = down(x), down(x.roll(16, -1))
    same = same or bool(frequencies)  # Fourier layers know no ends
    assert torch.allclose(shifted, tokens.roll(1, 1), atol=1e-5) == same
    with torch.no_grad():
        fields = [up((part,), levels) for part, levels in ((tokens, around), (shifted, shifted_around))]
    assert torch.allclose(fields[1], fields[0].roll(16, -1), atol=1e-5) == same


def test_tokens_get_the_spread_of_the_encoders_own():
    down, *_ = path((32,), 8)
    x, source = torch.rand(6, 3, 32), 7 * torch.randn(6, 4, 10)
    down.calibrate(SimpleNamespace(x=x, source=source))
    torch.testing.assert_close(down(x).tokens.std(), source.std())


@pytest.mark.parametrize(("points", "patch", "frequencies"), [((64, 64), 16, 0), ((40,), 8, 0), ((40,), 8, 12)])
def test_what_a_token_says_reaches_every_point_of_its_patch_through_the_features(points, patch, frequencies):
    down, up, _ = path(points, patch, frequencies=frequencies)
    down.eval(), up.eval()
    torch.nn.init.normal_([*up.last.parameters()][-2])  # which may begin at zero
    tokens, around = down(torch.rand(1, 3, *points))
    moved = tokens.clone()
    moved[:, 0] += 1
    change = (up((moved,), around) - up((tokens,), around)).abs().amax(1)
    assert (change[(0, *[slice(patch)] * len(points))] > 0).all()


@pytest.mark.parametrize(
    ("points", "patch", "frequencies"),
    [((85, 85), 24, 0), ((64, 40), 8, 0), ((100,), 12, 0), ((30,), 4, 0), ((100,), 12, 12), ((30,), 4, 12)],
)
def test_of_replaced_tokens_as_much_is_hidden_on_their_patches_and_nothing_elsewhere(points, patch, frequencies):
    down, up, grid = path(points, patch, frequencies=frequencies)
    _, around = down(torch.rand(3, 3, *points))
    replaced = torch.tensor([0.0, 0.25, 1.0])[torch.randint(3, (3, torch.Size(grid).numel()))]
    at_points = F.interpolate(replaced.view(3, 1, *grid), scale_factor=patch, mode="nearest")
    for level, (hidden, before) in enumerate(zip(up.hide(around, replaced), around, strict=True)):
        step = down.spacing * 2**level
        shares = at_points[(..., *(slice(0, n, step) for n in points))]
        torch.testing.assert_close(hidden, before * (1 - shares))
