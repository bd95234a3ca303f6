"""Folding against torch's own for two axes, and back."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pare.learners.networks.models.folding import Folded, fold, padded, unfold


def test_two_axes_are_folded_as_torch_does():
    x = torch.rand(2, 3, 6, 8)
    assert torch.equal(fold(x, 2), F.pixel_unshuffle(x, 2))
    assert torch.equal(unfold(fold(x, 2), 2), x)


@pytest.mark.parametrize("shape", [(2, 3, 12), (2, 3, 6, 12)])
@pytest.mark.parametrize("points", [1, 2, 3])
def test_what_is_unfolded_is_the_field_again(shape, points):
    x = torch.rand(shape)
    assert torch.equal(unfold(fold(x, points), points), x)


def test_a_field_is_continued_by_its_last_values():
    x = torch.arange(5.0).view(1, 1, 5)
    assert padded(x, 4).flatten().tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert padded(x, 5) is x
    assert padded(torch.rand(1, 1, 5, 7), 4).shape == (1, 1, 8, 8)


@pytest.mark.parametrize("grid", [(7,), (7, 5)])
def test_a_network_that_does_nothing_does_nothing_on_the_folded_grid(grid):
    x = torch.rand(2, 3, *grid)
    assert torch.equal(Folded(nn.Identity(), 2)(x), x)
