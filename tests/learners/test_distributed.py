"""What processes agree on; the test plays the other one, and real ones are in `test_several_processes`."""

from types import SimpleNamespace

import pytest
import torch

from pare.learners import distributed
from pare.learners.distributed import Agreement


@pytest.fixture
def other(monkeypatch):
    """Numbers of another process, one list after the other, that arrive when they are waited for."""
    numbers = []

    def all_reduce(tensor, operation, group, *, async_op):
        assert async_op  # nothing waits here
        given = torch.tensor(numbers.pop(0))
        return SimpleNamespace(wait=lambda: tensor.copy_(torch.maximum(tensor, given)))

    monkeypatch.setattr(distributed, "ranks", lambda: 2)
    monkeypatch.setattr(distributed, "_channel", lambda: None)
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    return numbers


def test_the_largest_is_known_one_call_later_and_once(other):
    other += [[0, 0], [0, 1], [15, 0]]
    agreement = Agreement()
    assert [agreement.largest(0, due) for due in (False, True, False)] == [[0, 0], [0, 0], [0, 1]]
    assert [agreement.largest(0, False) for _ in range(2)] == [[0, 0], [15, 0]]
    assert other == []


def test_alone_it_is_what_is_given():
    assert Agreement().largest(15, True) == [15, 1]
