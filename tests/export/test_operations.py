"""What replaces operations that ONNX lacks gives what torch gives."""

import numpy as np
import pytest
import torch
from scipy.special import ndtri as reference

from pare.export.operations import InOnnx, cdist, ndtri, searchsorted


@pytest.mark.parametrize("right", [False, True])
def test_positions_are_those_of_torch_also_on_a_knot(right):
    knots = torch.tensor([[0.0, 1, 1, 2], [5, 5, 5, 6]])
    values = torch.tensor([[-1.0, 0, 1, 1.5, 3], [4, 5, 5.5, 6, 7]])
    assert torch.equal(searchsorted(knots, values, right=right), torch.searchsorted(knots, values, right=right))


def test_quantiles_of_the_normal_distribution_have_six_digits():
    shares = np.r_[1e-9, np.linspace(1e-3, 1 - 1e-3, 9999)]
    np.testing.assert_allclose(ndtri(torch.from_numpy(shares)), reference(shares), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("p", "kind"), [(1.0, torch.float32), (2.0, torch.float32), (2.0, torch.float64)])
def test_distances_are_those_of_torch(p, kind):
    rows, others = torch.randn(5, 3, dtype=kind), torch.randn(4, 3, dtype=kind)
    others[0] = rows[0]
    torch.testing.assert_close(cdist(rows, others, p=p), torch.cdist(rows, others, p=p))


def test_a_traced_network_holds_them_in_place_of_torchs():
    class Network(torch.nn.Module):
        def forward(self, x):
            return torch.special.ndtri(x) + torch.searchsorted(torch.arange(3.0), x)

    with InOnnx():
        program = torch.export.export(Network(), (torch.full((2,), 0.3),))
    called = {str(node.target) for node in program.graph.nodes}
    assert not [name for name in called if "ndtri" in name or "searchsorted" in name]
