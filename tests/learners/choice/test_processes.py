"""Fits side by side: real processes, which meet, fail, and end with the one that started them."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch

from pare.learners.choice.processes import fits_at_a_time, side_by_side
from side_jobs import PATIENCE, fail, meet


@pytest.mark.slow
def test_two_run_at_the_same_time_in_processes_of_their_own_which_divide_the_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    a, b = tmp_path / "a", tmp_path / "b"
    found = dict(side_by_side({"a": partial(meet, a, b), "b": partial(meet, b, a)}, 2))
    assert {name: outcome.result for name, outcome in found.items()} == {"a": 1, "b": 1}
    assert len({a.read_text(), b.read_text(), str(os.getpid())}) == 3


@pytest.mark.parametrize("most", [1, 2])
def test_what_one_cannot_do_is_told_and_stops_no_other(most):
    found = dict(side_by_side({"a": fail, "b": partial(time.sleep, 0.2)}, most))
    assert str(found["a"].error) == "the grid is too small" and found["a"].result is None
    assert found["b"].error is None and found["b"].seconds >= 0.2


def test_one_at_a_time_is_run_here_one_after_the_other():
    assert [outcome.result for _, outcome in side_by_side({"a": os.getpid, "b": os.getpid}, 1)] == [os.getpid()] * 2
    assert [outcome.result for _, outcome in side_by_side({"a": os.getpid}, 2)] == [os.getpid()]


def test_a_mistake_in_a_process_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        dict(side_by_side({"a": partial(divmod, 1, 0), "b": os.getpid}, 2))


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 2), (8, 2)])
def test_a_cpu_makes_two_fits_at_a_time_where_it_has_two_cores(monkeypatch, threads, most):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert fits_at_a_time() == most


def test_an_accelerator_makes_one_fit_at_a_time(monkeypatch):
    class State:
        device, num_processes = torch.device("cuda"), 1

    monkeypatch.setattr("pare.learners.choice.processes.PartialState", State)
    assert fits_at_a_time() == 1


SCRIPT = """
import os, sys, time
from functools import partial
from pathlib import Path
from pare.learners.choice.processes import side_by_side

def work(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)

dict(side_by_side({path: partial(work, path) for path in sys.argv[1:]}, 2))
"""


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_processes_end_where_the_one_that_started_them_is_killed_even_from_an_unguarded_script(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    paths = [tmp_path / "a", tmp_path / "b"]
    started = subprocess.Popen([sys.executable, tmp_path / "script.py", *map(str, paths)])
    until = time.monotonic() + PATIENCE
    while not all(path.exists() and path.read_text() for path in paths):
        assert time.monotonic() < until and started.poll() is None
        time.sleep(0.1)
    workers = [int(path.read_text()) for path in paths]
    started.send_signal(signal.SIGKILL)
    started.wait()
    while any(map(is_running, workers)):
        assert time.monotonic() < until + PATIENCE, "a process outlived the one that started it"
        time.sleep(0.2)
