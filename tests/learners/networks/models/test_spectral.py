"""Fourier layers: what they keep, and how far a point reaches."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pare.learners.networks.models.spectral import WIDTH, FourierLayer, fourier_block, pointwise


def layer(modes):
    torch.manual_seed(0)
    return FourierLayer(4, modes)


@pytest.mark.parametrize(("points", "modes"), [(32, 10), (15, 8), (16, 16)])
def test_a_layer_is_the_sum_of_its_parts_by_numpys_transform(points, modes):
    part, x = layer(modes), torch.rand(2, 4, points)
    weight = part.spectral.weight.to_tensor().detach().numpy()
    spectrum = np.fft.rfft(x.numpy())
    kept = np.zeros_like(spectrum)
    for frequency in range(modes // 2 + 1):
        kept[..., frequency] = spectrum[..., frequency] @ weight[..., frequency]
    inner = torch.from_numpy(np.fft.irfft(kept, points)).float() + F.conv1d(
        F.pad(x, (1, 1), mode="circular"), part.near.weight, part.near.bias
    )
    torch.testing.assert_close(part(x), x + F.gelu(inner), rtol=1e-4, atol=1e-4)


def test_a_shift_of_the_field_shifts_what_the_layers_make_of_it():
    torch.manual_seed(0)
    block, x = fourier_block(3, 24), torch.rand(2, 3, 24)
    torch.testing.assert_close(block(x.roll(5, -1)), block(x).roll(5, -1), rtol=1e-4, atol=1e-4)


def test_a_point_reaches_all_others_of_a_long_line():
    part, x = layer(8), torch.zeros(1, 4, 256)
    x[..., 0] = 1
    assert (part(x) - part(torch.zeros_like(x))).abs().amax(1).min() > 0


def test_layers_stay_in_single_precision_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(8)(torch.rand(1, 4, 16, dtype=torch.bfloat16)).dtype == torch.float32


def test_a_pointwise_network_sees_one_point_at_a_time():
    torch.manual_seed(0)
    network, x = pointwise(3, 5), torch.rand(1, 3, 8)
    moved = x.clone()
    moved[..., 2] += 1
    changed = (network(moved) - network(x)).abs().amax((0, 1)) > 0
    assert changed.tolist() == [n == 2 for n in range(8)]
    assert network[0].out_channels == 2 * WIDTH
