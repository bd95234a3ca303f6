"""Batches that a thread draws while the device works: the same ones, and no thread is left."""

import threading
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pare.config.errors import PareError
from pare.learners.networks.training import background
from pare.learners.networks.training.background import drawn_ahead
from pare.learners.networks.training.rows import TrainingRows
from pare.learners.networks.training.steps import Steps

CPU = torch.device("cpu")


@pytest.fixture
def gpu(monkeypatch):
    """What draws batches ahead takes this machine for one with a GPU; no thread is left behind."""
    of_threads = {threading.get_ident(): 1}  # each thread has a device of its own, at first 0
    cuda = SimpleNamespace(
        is_available=lambda: True,
        current_device=lambda: of_threads.get(threading.get_ident(), 0),
        set_device=lambda device: of_threads.__setitem__(threading.get_ident(), device),
    )
    monkeypatch.setattr(background, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


def numbers():
    return ((torch.tensor(number), torch.tensor(-number)) for number in count())


def test_they_come_in_their_order(gpu):
    ahead = drawn_ahead(numbers())
    assert [tuple(map(int, next(ahead))) for _ in range(5)] == [(n, -n) for n in range(5)]


def test_the_next_one_is_drawn_meanwhile_and_no_other(gpu):
    drawn, may_draw = [], threading.Semaphore(2)

    def slowly():
        for number in range(4):
            may_draw.acquire()
            drawn.append(number)
            yield {"x": torch.tensor(number)}

    ahead = drawn_ahead(slowly())
    assert int(next(ahead)["x"]) == 0
    while drawn != [0, 1]:  # by the thread alone
        pass
    for _ in range(3):
        may_draw.release()
    assert [int(batch["x"]) for batch in ahead] == [1, 2, 3]


def test_without_a_gpu_no_thread_draws():
    threads = ((torch.tensor(0), threading.current_thread()) for _ in count())
    assert next(drawn_ahead(threads))[1] is threading.current_thread()


@pytest.mark.parametrize("settings", [{}, {"batch_size": 10, "accumulation": 2}])
def test_a_training_is_the_same(train, table_run, table, tmp_path, request, settings):
    run, x = table_run(epochs=2, **settings), table.rows("test").array("x")
    expected = train(run, table, tmp_path / "one").outputs(x, CPU)
    request.getfixturevalue("gpu")
    np.testing.assert_array_equal(train(run, table, tmp_path / "two").outputs(x, CPU), expected)


def test_what_a_thread_raises_ends_the_training(gpu, train, table_run, table, tmp_path, monkeypatch):
    def damaged(rows, numbers):
        assert threading.current_thread() is not threading.main_thread()
        raise PareError("damaged rows")

    monkeypatch.setattr(TrainingRows, "__getitems__", damaged)
    with pytest.raises(PareError, match="damaged rows"):
        train(table_run(epochs=1), table, tmp_path)


def test_where_a_training_is_stopped_no_thread_is_left(gpu, train, table_run, table, tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Steps, "step", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(table_run(epochs=1), table, tmp_path)
