"""Random numbers of a step."""

from functools import partial

import torch

from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.mixing.selection import gumbel

CPU = torch.device("cpu")


def test_each_row_has_its_numbers_on_the_axis_that_is_asked_for():
    draws = Draws(Generators(CPU, 0), 6)
    shapes = [draws(torch.rand), draws(torch.randn, 2, 5), draws(gumbel, 2, 3, 4, axis=2)]
    assert [tuple(numbers.shape) for numbers in shapes] == [(6,), (6, 2, 5), (2, 3, 6, 4)]
    assert draws.on_host(partial(torch.randint, 100)).shape == (6,)


def test_draws_go_on_from_the_state_of_their_generators():
    one, other = Generators(CPU, 0), Generators(CPU, 1)
    Draws(one, 3)(torch.rand)
    other.set_states(one.states())
    assert torch.equal(Draws(one, 3)(torch.rand), Draws(other, 3)(torch.rand))
    assert one.host is one.device


def test_states_of_another_kind_of_device_go_on_where_they_fit():
    """A GPU's generator has a state of 16 bytes; a training that began there goes on here, and the other way round."""
    one, other, fresh = Generators(CPU, 0), Generators(CPU, 1), Generators(CPU, 2)
    Draws(one, 3)(torch.rand)
    other.set_states([one.host.get_state(), torch.zeros(16, dtype=torch.uint8)])
    assert torch.equal(Draws(other, 3).on_host(torch.rand), Draws(one, 3).on_host(torch.rand))
    other.device = torch.Generator().manual_seed(2)
    other.set_states([torch.zeros(16, dtype=torch.uint8)] * 2)
    assert torch.equal(Draws(other, 3)(torch.rand), Draws(fresh, 3)(torch.rand))
