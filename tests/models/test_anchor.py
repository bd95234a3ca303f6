"""The anchor against the linear map that it is made of."""

import numpy as np
import torch

from pare.models.anchor import Anchor


def solved(rng):
    anchor = Anchor(6, (2, 3))
    parts = rng.normal(size=6), rng.normal(size=(4, 6)), rng.normal(size=(4, 2, 3)), rng.normal(size=(2, 3))
    anchor.set(*parts)
    return anchor, parts


def test_an_anchor_that_was_not_set_adds_nothing():
    assert not Anchor(6, (2, 3))(torch.rand(5, 1, 6)).any()


def test_fields_are_a_linear_map_of_what_differs_from_the_mean():
    rng = np.random.default_rng(0)
    anchor, (mean, directions, fields, constant) = solved(rng)
    x = rng.normal(size=(5, 2, 3))
    expected = np.einsum("bi,di,dcp->bcp", x.reshape(5, 6) - mean, directions, fields) + constant
    np.testing.assert_allclose(anchor(torch.from_numpy(x)), expected, rtol=1e-5, atol=1e-5)


def test_a_saved_anchor_brings_its_number_of_directions():
    anchor, _ = solved(np.random.default_rng(0))
    other, x = Anchor(6, (2, 3)), torch.rand(5, 6)
    other.load_state_dict(anchor.state_dict())
    assert torch.equal(other(x), anchor(x))
