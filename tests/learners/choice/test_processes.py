"""Fits side by side: real processes, which meet, fail, are late, and end with the one that started them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from pare.config import PareError
from pare.learners.choice.processes import Workers
from pare.storage.signals import ENDING
from side_jobs import PATIENCE, fail, fill, fill_disk, find_damage, let_no_exception_pass, meet, note_and_sleep

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def workers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: 2)
        some = Workers()
    yield some
    some.close()


@pytest.mark.slow
def test_two_run_at_the_same_time_in_processes_of_their_own_which_divide_the_threads(workers, tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    a, b = tmp_path / "a", tmp_path / "b"
    found = dict(workers.run({"a": partial(meet, a, b), "b": partial(meet, b, a)}, PATIENCE))
    assert found == {"a": (1, ""), "b": (1, "")}
    assert len({a.read_text(), b.read_text(), str(os.getpid())}) == 3


@pytest.mark.slow
def test_what_one_cannot_do_is_told_and_stops_no_other(workers):
    jobs = {"a": fail, "b": partial(divmod, 1, 0), "c": partial(os._exit, 1)}
    found = {name: outcome for job in jobs.items() for name, outcome in workers.run(dict([job]), PATIENCE)}
    assert "the grid is too small" in found["a"][1] and "ZeroDivisionError" in found["b"][1]
    assert found["c"] == (None, "its process ended, perhaps for want of memory")
    assert dict(workers.run({"d": os.getpid}, PATIENCE))["d"][1] == ""


@pytest.mark.slow
def test_a_process_that_is_killed_takes_no_other_fit_with_it(workers):
    dict(workers.run({"start": os.getpid}, PATIENCE, waits=True))
    jobs = {"killed": partial(os._exit, 1), "other": partial(time.sleep, 3), "after": partial(divmod, 7, 2)}
    found = dict(workers.run(jobs, PATIENCE))
    assert found.pop("killed")[1]
    assert found == {"other": (None, ""), "after": ((3, 1), "")}


@pytest.mark.slow
def test_the_memory_of_one_fit_is_not_counted_as_that_of_the_next(workers):
    large, small = (dict(workers.run({"fit": partial(fill, size)}, PATIENCE))["fit"][0] for size in (400, 1))
    assert large - small > 200


@pytest.mark.slow
def test_a_full_disk_or_a_damaged_file_is_no_fault_of_the_one_that_met_it_and_ends_them_all(workers):
    with pytest.raises(PareError, match="cannot write to here"):
        dict(workers.run({"a": fill_disk}, PATIENCE))
    with pytest.raises(PareError, match="no whole model"):
        dict(workers.run({"a": find_damage}, PATIENCE))


@pytest.mark.slow
def test_what_is_late_is_ended(workers):
    dict(workers.run({"start": os.getpid}, PATIENCE))
    started = time.monotonic()
    found = dict(workers.run({"quick": os.getpid, "late": partial(time.sleep, 600)}, 1.0))
    assert {*found} == {"quick"} and time.monotonic() - started < 20


@pytest.mark.slow
def test_processes_of_whoever_uses_the_project_go_on():
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,))
    other.start()
    some = Workers()
    assert not dict(some.run({"late": partial(time.sleep, 600)}, 0.0))
    assert other.is_alive()
    other.kill()


@pytest.mark.slow
def test_what_is_late_tidies_up(workers, tmp_path):
    assert not dict(workers.run({"late": partial(note_and_sleep, tmp_path / "late")}, 5.0))
    assert (tmp_path / "late").read_text() == "tidied up"


@pytest.mark.slow
def test_a_library_that_does_not_let_a_signal_pass_is_ended_without_a_traceback(workers, tmp_path):
    dict(workers.run({"start": os.getpid}, PATIENCE))
    assert not dict(workers.run({"late": partial(let_no_exception_pass, tmp_path / "errors")}, 5.0))
    assert (tmp_path / "errors").read_text() == ""


@pytest.mark.slow
def test_one_is_waited_for_where_one_is_needed(workers):
    found = dict(workers.run({"slow": partial(time.sleep, 1), "late": partial(time.sleep, 600)}, 0.0, waits=True))
    assert {*found} == {"slow"}


@pytest.mark.parametrize(("threads", "most"), [(1, 1), (2, 2), (8, 2)])
def test_a_cpu_makes_two_fits_at_a_time_where_it_has_two_cores(monkeypatch, threads, most):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert Workers().most == most


def test_an_accelerator_makes_one_fit_at_a_time(monkeypatch):
    class State:
        device = torch.device("cuda")

    monkeypatch.setattr("pare.learners.choice.processes.PartialState", State)
    assert Workers().most == 1


SCRIPT = """
import sys, time
from functools import partial
from pathlib import Path
sys.path.append(sys.argv[1])
from pare.config import PareError
from pare.learners.choice.processes import Workers
from pare.storage.signals import Stopped, exit_code, raised
from side_jobs import note_and_sleep

import torch
torch.set_num_threads(2)
try:
    with raised():
        dict(Workers().run({path: partial(note_and_sleep, Path(path)) for path in sys.argv[2:]}, 600.0))
except Stopped as stop:
    sys.exit(exit_code(stop))
"""


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def started(tmp_path):
    """A script with two processes, and their numbers."""
    (tmp_path / "script.py").write_text(SCRIPT)
    paths = [tmp_path / "a", tmp_path / "b"]
    started = subprocess.Popen([sys.executable, tmp_path / "script.py", str(TESTS), *map(str, paths)])
    until = time.monotonic() + PATIENCE
    while not all(path.exists() and path.read_text() for path in paths):
        assert time.monotonic() < until and started.poll() is None
        time.sleep(0.1)
    return started, [int(path.read_text()) for path in paths]


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_processes_in_order(started, tmp_path, number):
    script, workers = started
    script.send_signal(number)
    assert script.wait(PATIENCE) == 128 + number
    assert not any(map(is_running, workers))
    assert [(tmp_path / name).read_text() for name in "ab"] == ["tidied up"] * 2


@pytest.mark.slow
def test_processes_end_where_the_one_that_started_them_is_killed_even_from_an_unguarded_script(started):
    script, workers = started
    until = time.monotonic() + PATIENCE
    script.send_signal(signal.SIGKILL)
    script.wait()
    while any(map(is_running, workers)):
        assert time.monotonic() < until + PATIENCE, "a process outlived the one that started it"
        time.sleep(0.2)
