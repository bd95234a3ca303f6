"""The anchor against the linear map, or the kernels, that it is made of."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel

from pare.models.anchor import Anchor


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
