"""Shares of a batch by hand; test_several_processes.py has two processes."""

import pytest
import torch

from pare.config import PareError
from pare.learners.networks.training.share import Share


@pytest.mark.parametrize("rows", [8, 7, 4, 3])
@pytest.mark.parametrize("views", [1, 2])
def test_the_shares_of_all_processes_are_the_batch(rows, views):
    batch = torch.arange(views * rows * 2).reshape(-1, 2)
    shares = [Share(process, 3).own(batch, views).unflatten(0, (views, -1)) for process in range(3)]
    torch.testing.assert_close(torch.cat(shares, 1).flatten(0, 1), batch)
    assert max(part.shape[1] for part in shares) - min(part.shape[1] for part in shares) <= 1


def test_a_process_without_a_row_takes_the_first_one():
    batch = torch.arange(3.0)
    assert [Share(process, 4).own(batch).tolist() for process in range(4)] == [[0], [0], [1], [2]]


def test_alone_all_is_its_own():
    batch = torch.arange(6.0)
    share = Share()
    assert share.own(batch) is batch and share.whole(batch, 6) is batch


def test_a_batch_that_cannot_be_divided_names_a_better_use_of_the_devices():
    for batch_size in (8, 16):
        Share(0, 8).check(batch_size)
    for batch_size in (1, 4, 12):
        with pytest.raises(PareError, match=rf"a batch of {batch_size} rows? cannot be .* 8 processes.*--gpus-per-run"):
            Share(0, 8).check(batch_size)
