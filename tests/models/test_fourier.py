"""Convolutions as wide as a grid, against fast transforms by torch."""

from itertools import product

import pytest
import torch

from pare.models.fourier import FourierConvolution

GRIDS = [((64,), 16), ((20,), 16), ((33,), 16), ((24, 30), 6), ((9, 64), 8), ((8, 10, 12), 3)]


def by_fast_transforms(layer, x):
    """What the layer makes of fields, frequency by frequency."""
    *others, last = x.shape[2:]
    modes, axes = layer.modes, tuple(range(2, x.dim()))
    found = torch.fft.rfftn(x, dim=axes)
    mixed = torch.zeros(len(x), layer.weight.shape[2], *found.shape[2:], dtype=found.dtype)
    weight = torch.complex(*layer.weight)
    counts = [min(modes, (points + 1) // 2) for points in (*others, last)]
    for k in product(*(range(1 - count, count) for count in counts[:-1]), range(counts[-1])):
        own = (..., *(number + modes - 1 for number in k[:-1]), k[-1])
        mixed[(..., *k)] = found[(..., *k)] @ weight[own]
    return torch.fft.irfftn(mixed, s=x.shape[2:], dim=axes)


@pytest.mark.parametrize(("grid", "modes"), GRIDS)
def test_each_of_the_lowest_frequencies_is_mixed_by_its_own_weights(grid, modes):
    torch.manual_seed(0)
    layer, x = FourierConvolution(3, 5, len(grid), modes), torch.randn(2, 3, *grid)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), by_fast_transforms(layer, x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("grid", "modes"), GRIDS)
def test_a_shifted_field_gives_what_is_shifted(grid, modes):
    torch.manual_seed(0)
    layer, x = FourierConvolution(2, 2, len(grid), modes), torch.randn(2, 2, *grid)
    with torch.no_grad():
        torch.testing.assert_close(layer(x.roll(5, -1)), layer(x).roll(5, -1), atol=1e-5, rtol=1e-4)


def test_higher_frequencies_leave_nothing():
    layer, places = FourierConvolution(1, 1, 1, 4), torch.arange(64)
    waves = torch.stack([torch.cos(2 * torch.pi * k * places / 64) for k in (3, 4)])
    with torch.no_grad():
        low, high = layer(waves[:, None]).abs().amax((1, 2))
    assert low > 1e-3 and high < 1e-6


def test_one_frequency_may_be_learnt():
    torch.manual_seed(0)
    layer, x = FourierConvolution(1, 1, 1, 8), torch.randn(64, 1, 32)
    truth = x.roll(3, -1)
    low = FourierConvolution(1, 1, 1, 8)
    with torch.no_grad():
        low.weight.zero_()
        low.weight[0] = 1.0  # as it is, but for higher frequencies
        asked = low(truth)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        loss = (layer(x) - asked).square().mean()
        loss.backward()
        optimiser.step()
    assert loss < 1e-6


def test_it_computes_in_the_precision_of_its_inputs():
    layer = FourierConvolution(2, 2, 1, 4)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(torch.randn(1, 2, 16))
    assert torch.isfinite(found).all()
