"""Convolutions as wide as a line, against fast transforms by torch."""

import pytest
import torch

from pare.models.fourier import FourierConvolution

LINES = [(64, 16), (20, 16), (33, 16), (9, 1)]  # points and modes


@pytest.mark.parametrize(("points", "modes"), LINES)
def test_each_of_the_lowest_frequencies_is_mixed_by_its_own_weights(points, modes):
    torch.manual_seed(0)
    layer, x = FourierConvolution(3, 5, modes), torch.randn(2, 3, points)
    found = torch.fft.rfft(x)
    mixed = torch.zeros(2, 5, found.shape[-1], dtype=found.dtype)
    for k in range(min(modes, (points + 1) // 2)):
        mixed[..., k] = found[..., k] @ torch.complex(*layer.weight)[..., k]
    with torch.no_grad():
        torch.testing.assert_close(layer(x), torch.fft.irfft(mixed, n=points), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("points", "modes"), LINES)
def test_a_shifted_field_gives_what_is_shifted(points, modes):
    torch.manual_seed(0)
    layer, x = FourierConvolution(2, 2, modes), torch.randn(2, 2, points)
    with torch.no_grad():
        torch.testing.assert_close(layer(x.roll(5, -1)), layer(x).roll(5, -1), atol=1e-5, rtol=1e-4)


def test_higher_frequencies_leave_nothing():
    layer, places = FourierConvolution(1, 1, 4), torch.arange(64)
    waves = torch.stack([torch.cos(2 * torch.pi * k * places / 64) for k in (3, 4)])
    with torch.no_grad():
        low, high = layer(waves[:, None]).abs().amax((1, 2))
    assert low > 1e-3 and high < 1e-6


def test_a_shift_is_learnt():
    torch.manual_seed(0)
    layer, x = FourierConvolution(1, 1, 8), torch.randn(64, 1, 15)  # which has no frequency above the seventh
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        loss = (layer(x) - x.roll(3, -1)).square().mean()
        loss.backward()
        optimiser.step()
    assert loss < 1e-6


def test_it_computes_where_layers_have_bfloat16():
    with torch.autocast("cpu", torch.bfloat16):
        found = FourierConvolution(2, 2, 4)(torch.randn(1, 2, 16))
    assert found.shape == (1, 2, 16) and torch.isfinite(found).all()
