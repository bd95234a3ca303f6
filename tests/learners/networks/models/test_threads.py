"""Threads by the time of the work: a machine is simulated on which a piece takes known seconds."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import torch
from torch import nn

from pare.learners.networks.models import threads
from pare.learners.networks.models.threads import Pace, fastest_threads, free_threads, most_used, paces

ALONE = {1: 0.08, 2: 0.07, 4: 0.04}  # seconds of a piece by number of threads, on free cores


class Machine:
    """Makes pieces of work that take what a table says, with a clock; so many threads have a core of their own."""

    def __init__(self, monkeypatch, most=2, free=None):
        self.free, self.now = free or most, 0.0
        monkeypatch.setattr(threads, "free_threads", lambda: self.free)
        self.pace = Pace(most)

    def work(self, seconds, table):
        """For so long; pieces made."""
        end, pieces = self.now + seconds, 0
        while self.now < end:
            taken = table[self.pace.number]
            self.now += taken
            pieces += 1
            self.pace.note(taken, self.now)
        return pieces


def busy(factor):
    """Another program has a core: all threads together wait for it in every operation."""
    return {number: each * (1 if number == 1 else factor) for number, each in ALONE.items()}


def test_on_free_cores_all_threads_are_used_and_the_trial_costs_little(monkeypatch):
    machine = Machine(monkeypatch)
    assert machine.work(60, ALONE) >= 0.98 * 60 / ALONE[2]
    assert machine.pace.number == 2


@pytest.mark.parametrize("factor", [1.01, 8, 100])
def test_beside_a_busy_program_nothing_is_lost_against_one_thread(monkeypatch, factor):
    machine = Machine(monkeypatch, free=1)
    assert machine.work(60, busy(factor)) >= 60 / ALONE[1]
    assert machine.pace.pieces[2] == 0


@pytest.mark.parametrize("factor", [1.2, 8, 100])
def test_a_busy_program_that_nobody_sees_costs_little(monkeypatch, factor):
    """As where a container has less than the cores that it sees."""
    machine = Machine(monkeypatch)
    machine.work(60, busy(factor))  # of which a first trial may be a fourth, where a step takes 7 s in place of 0.07
    assert machine.pace.number == 1
    assert machine.work(1000, busy(factor)) >= 0.95 * 1000 / ALONE[1]


@pytest.mark.parametrize("factor", [1.3, 20])
def test_a_program_that_comes_and_goes_is_noticed(monkeypatch, factor):
    machine = Machine(monkeypatch)
    machine.work(60, ALONE)
    machine.free = 1
    lost = 60 / ALONE[1] - machine.work(60, busy(factor))
    assert machine.pace.number == 1
    assert lost * ALONE[1] < 20 * ALONE[2] * 4  # some slow pieces
    machine.free = 2
    machine.work(60, ALONE)
    assert machine.pace.number == 2


def test_where_threads_gain_nothing_one_is_used(monkeypatch):
    machine = Machine(monkeypatch)
    machine.work(10, {1: 0.01, 2: 0.0098})
    assert machine.pace.number == 1


def test_of_many_threads_those_are_used_that_have_a_core(monkeypatch):
    machine = Machine(monkeypatch, most=16)
    machine.work(100, {16: 3.0, 8: 0.2, 4: 0.35, 2: 0.7, 1: 1.4})  # one of sixteen cores is taken
    assert machine.pace.number == 8
    machine.work(400, {16: 0.1, 8: 0.2, 4: 0.35, 2: 0.7, 1: 1.4})
    assert machine.pace.number == 16
    assert machine.pace.pieces[2] == machine.pace.pieces[1] == 0


def test_the_number_to_begin_with_is_the_largest_that_halving_gives(monkeypatch):
    assert [Machine(monkeypatch, 6, free).pace.number for free in (6, 5, 4, 2, 1)] == [6, 3, 3, 1, 1]


@pytest.fixture
def two_threads(set_threads):
    set_threads(2)


def test_work_is_done_by_the_chosen_number_and_then_torch_has_all_threads_again(two_threads, monkeypatch):
    monkeypatch.setattr(threads, "_free_cores", lambda period: 1)  # another program has one
    network, seen = nn.Linear(2, 2), []
    for _ in range(3):
        with fastest_threads(network, "step"):
            seen.append(torch.get_num_threads())
    assert (seen, torch.get_num_threads(), most_used(network)) == ([1, 1, 1], 2, 1)
    with pytest.raises(ZeroDivisionError), fastest_threads(network, "step"):
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == 2


def in_another_thread(work, *arguments):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *arguments).result()


def test_a_thread_that_begins_while_a_piece_is_computed_has_all_threads(two_threads, monkeypatch):
    monkeypatch.setattr(threads, "_free_cores", lambda period: 1)
    with fastest_threads(nn.Linear(2, 2), "step"):
        begun = in_another_thread(torch.get_num_threads)
        assert (torch.get_num_threads(), begun) == (1, 2)
    assert (torch.get_num_threads(), in_another_thread(torch.get_num_threads)) == (2, 2)


def test_pieces_of_several_threads_at_once_leave_torch_with_all_threads(two_threads, monkeypatch):
    monkeypatch.setattr(threads, "_free_cores", lambda period: 1)
    network, inside, first_is_done = nn.Linear(2, 2), Barrier(2), Event()

    def first():
        with fastest_threads(network, "outputs"):
            inside.wait()
        first_is_done.set()
        return torch.get_num_threads()

    def second():
        with fastest_threads(network, "outputs"):
            inside.wait()
            first_is_done.wait()
        return torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        found = [work.result() for work in (pool.submit(first), pool.submit(second))]
    assert (found, torch.get_num_threads(), in_another_thread(torch.get_num_threads)) == ([2, 2], 2, 2)


def test_kinds_of_work_are_timed_apart(two_threads):
    network = nn.Linear(2, 2)
    for kind in ("step", "validation", "step"):
        with fastest_threads(network, kind):
            pass
    assert {kind: sum(pace.pieces.values()) for kind, pace in paces(network).items()} == {"step": 2, "validation": 1}


def test_nothing_is_timed_with_one_thread_or_on_an_accelerator(two_threads):
    elsewhere = nn.Linear(2, 2, device="meta")
    with fastest_threads(elsewhere, "step"):
        assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    network = nn.Linear(2, 2)
    with fastest_threads(network, "step"):
        assert torch.get_num_threads() == 1
    assert not paces(elsewhere) and not paces(network) and most_used(network) == 1


def test_threads_have_a_core_beside_other_programs(two_threads, monkeypatch):
    """Four cores are this program's, of eight; two threads are to be had."""
    used = iter([[100.0] * 4, [0.0] * 4, [100.0, 90.0, 30.0, 10.0], [100.0, 100.0, 95.0, 0.0]])
    monkeypatch.setattr(threads.psutil, "cpu_percent", lambda interval, percpu: [*next(used), *[100.0] * 4])
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    found = []
    for _ in range(4):
        threads._free_cores.cache_clear()
        found += [free_threads(), free_threads()]  # which is measured once
    assert found == [1, 1, 2, 2, 2, 2, 1, 1]
