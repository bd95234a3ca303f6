"""Memory that a file asks for, against what is free."""

import subprocess
import sys

import psutil
import pytest

from pare.data.formats import memory


def test_more_than_is_free_is_refused_with_both_sizes_and_less_is_not(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 3 << 30)
    memory.check_memory(3 << 30, "x")
    with pytest.raises(
        memory.TooLargeError, match=r"^x needs 2,048\.0 GiB of memory .*, and 3\.0 GiB are free; use a mach"
    ):
        memory.check_memory(2 << 40, "x")


def test_nobody_looks_for_little(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 0)
    memory.check_memory(1 << 20, "x")


def test_what_is_free_is_bounded_by_the_machine_the_container_and_the_process_itself(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CONTAINER", tmp_path / "memory.max")
    assert 0 < memory.free_memory() <= psutil.virtual_memory().total
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_memory() > 0
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory.free_memory() == 0


def test_a_limit_of_the_process_counts():
    code = f"""
import resource
from pare.data.formats.memory import free_memory
resource.setrlimit(resource.RLIMIT_AS, ({6 << 30}, {6 << 30}))
print(free_memory())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 6 << 30
