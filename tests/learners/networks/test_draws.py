"""Random numbers of a step: as many processes as share its batch have together what one has."""

from functools import partial

import pytest
import torch

from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.mixing.selection import gumbel

CPU = torch.device("cpu")


def drawn(rows, own=None, process=0):
    """Numbers of every kind that a step draws, one after the other, the rows on the first axis."""
    draws = Draws(Generators(CPU, 0), rows, own, process)
    numbers = draws(torch.rand), draws(torch.randn, 2, 5), draws(gumbel, 2, 3, 4, axis=2).movedim(2, 0)
    return *numbers, draws.on_host(partial(torch.randint, 100))


@pytest.mark.parametrize(("rows", "own"), [(8, 4), (6, 2), (5, 4), (1, 4)])
def test_processes_together_draw_what_one_does_and_repeat_the_first_rows_where_rows_are_missing(rows, own):
    alone = drawn(rows)
    parts = [drawn(rows, own, process) for process in range(-(-rows // own))]
    for whole, *shares in zip(alone, *parts, strict=True):
        assert all(len(share) == own for share in shares)
        expected = torch.cat([whole] * (2 * own))
        assert torch.equal(torch.cat(shares), expected[: own * len(shares)])


def test_draws_go_on_from_the_state_of_their_generators():
    one, other = Generators(CPU, 0), Generators(CPU, 1)
    Draws(one, 3)(torch.rand)
    other.set_states(one.states())
    assert torch.equal(Draws(one, 3)(torch.rand), Draws(other, 3)(torch.rand))
    assert one.host is one.device
