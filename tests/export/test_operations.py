"""What replaces operations that ONNX lacks gives what torch gives."""

import numpy as np
import pytest
import torch
from neuralop.layers.spectral_convolution import SpectralConv
from scipy.special import ndtri as reference

from pare.export.operations import InOnnx, cdist, ndtri, searchsorted, spectral


@pytest.mark.parametrize("right", [False, True])
def test_positions_are_those_of_torch_also_on_a_knot(right):
    knots = torch.tensor([[0.0, 1, 1, 2], [5, 5, 5, 6]])
    values = torch.tensor([[-1.0, 0, 1, 1.5, 3], [4, 5, 5.5, 6, 7]])
    assert torch.equal(searchsorted(knots, values, right=right), torch.searchsorted(knots, values, right=right))


def test_quantiles_of_the_normal_distribution_have_six_digits():
    shares = np.r_[1e-9, np.linspace(1e-3, 1 - 1e-3, 9999)]
    np.testing.assert_allclose(ndtri(torch.from_numpy(shares)), reference(shares), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("p", [1.0, 2.0])
def test_distances_are_those_of_torch(p):
    rows, others = torch.randn(5, 3), torch.randn(4, 3)
    others[0] = rows[0]
    torch.testing.assert_close(cdist(rows, others, p=p), torch.cdist(rows, others, p=p))


@pytest.mark.parametrize(("points", "modes", "bias"), [(32, 10, False), (15, 8, True), (16, 16, False)])
def test_spectral_convolutions_are_those_of_neuraloperator(points, modes, bias):
    torch.manual_seed(0)
    layer, x = SpectralConv(3, 4, (modes,), bias=bias), torch.randn(5, 3, points)
    torch.testing.assert_close(spectral(layer, x), layer(x))


def test_layers_are_their_own_again_after_tracing():
    layer, x = SpectralConv(3, 4, (8,)), torch.randn(5, 3, 16)
    own = layer(x)
    with InOnnx(torch.nn.Sequential(layer)):
        assert not torch.equal(layer(x), own)  # real products round otherwise
    assert torch.equal(layer(x), own)


def test_a_traced_network_holds_them_in_place_of_torchs():
    class Network(torch.nn.Module):
        def forward(self, x):
            return torch.special.ndtri(x) + torch.searchsorted(torch.arange(3.0), x)

    network = Network()
    with InOnnx(network):
        program = torch.export.export(network, (torch.full((2,), 0.3),))
    called = {str(node.target) for node in program.graph.nodes}
    assert not [name for name in called if "ndtri" in name or "searchsorted" in name]
