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
