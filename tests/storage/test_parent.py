"""A process that ends with the one that started it, and what it hands on to its own children."""

import os
import signal
import subprocess
import sys

import pytest

from pare.storage.parent import PARENT

PATIENCE_S = 30.0
CHILD = """
import os, subprocess, sys, time
from pare.storage.parent import PARENT, end_with_launcher

end_with_launcher()
handed_on = subprocess.run([sys.executable, "-c", f"import os; print(os.environ.get({PARENT!r}))"], capture_output=True)
print(os.getpid(), handed_on.stdout.decode().strip(), flush=True)
time.sleep(600)
"""
LAUNCHER = f"""
import os, subprocess, sys, time

child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], env=os.environ | {{{PARENT!r}: str(os.getpid())}})
time.sleep(600)
"""


@pytest.fixture
def started():
    """Start a script; the process, and the words that it or its child prints first."""
    processes = []

    def started(script, **environment):
        variables = {key: value for key, value in os.environ.items() if key != PARENT} | environment
        process = subprocess.Popen([sys.executable, "-c", script], env=variables, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process, process.stdout.readline().split()

    yield started
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_however_the_one_that_started_it_ends_and_tells_its_own_children_nothing(started, gone, number):
    launcher, (child, handed_on) = started(LAUNCHER)
    assert handed_on == "None"
    os.kill(int(child), 0)  # it is there
    launcher.send_signal(number)
    launcher.wait()
    assert gone(int(child))


def test_it_ends_at_once_where_the_one_that_started_it_is_gone_before(started):
    with subprocess.Popen([sys.executable, "-c", ""]) as another:
        pass
    process, _ = started(CHILD, **{PARENT: str(another.pid)})
    assert process.wait(PATIENCE_S) == 1


def test_without_a_launcher_it_lives_on(started):
    process, (number, _) = started(CHILD)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.2)  # twice as long as it takes to look
    assert int(number) == process.pid
