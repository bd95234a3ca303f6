"""What two processes must not do at once is done by one of them."""

import subprocess
import sys

import pytest

from pare.config import PareError
from pare.storage.lock import held_alone

HOLDER = """
import sys, time
from pathlib import Path
from pare.storage.lock import held_alone

with held_alone(Path(sys.argv[1]), "it is done", "wait"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_is_named_and_what_it_held_is_free_once_it_is_dead(tmp_path):
    path = tmp_path / "deep" / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        said = f"^it is done by process {other.pid} on .* at this moment; wait$"
        with pytest.raises(PareError, match=said), held_alone(path, "it is done", "wait"):
            pass
        other.kill()
    with held_alone(path, "it is done", "wait"):
        assert path.is_file()
    assert not path.exists()


def test_the_file_is_removed_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), held_alone(tmp_path / ".lock", "", ""):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
