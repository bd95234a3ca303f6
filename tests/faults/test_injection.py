"""The library kills, tears and fails what it says, and sees children and other programs, too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from injection import compiler, with_library

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler is installed")
# Ten bytes that are flushed and ten that are not, by this process and by another program; names that are flushed late.
PROGRAM = """
import json, os, subprocess, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from injection import Injector

def call():
    with open("flushed", "wb", 0) as file:
        file.write(b"0123456789")
        os.fsync(file)
    with open("left", "wb", 0) as file:
        file.write(b"0123456789")
    os.rename("left", "moved")
    os.rename("flushed", "moved")
    folder = os.open(".", os.O_RDONLY)
    os.fsync(folder)
    subprocess.run([sys.executable, "-c", "open('other', 'w').write('0123456789')"], check=True)

root, scratch, fault, nth = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5])
ending = Injector(root, scratch).run(call, fault, nth)
found = {path.name: path.read_text() for path in root.iterdir()}
print(json.dumps([ending.code, [one.name for one in ending.operations], found, ending.said[-60:]]))
"""
TEN = "0123456789"
WHOLE = ["open", "write", "fsync", "open", "write", "rename", "rename", "fsync", "open", "write"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return with_library(tmp_path_factory.mktemp("library"))


@pytest.fixture
def disturbed(library, tmp_path):
    def disturbed(fault="", nth=0):
        for name in ("root", "scratch"):
            (tmp_path / name).mkdir()
        arguments = [Path(__file__).parent, tmp_path / "root", tmp_path / "scratch", fault, str(nth)]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        done = subprocess.run(command, env=os.environ | library, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return disturbed


def test_operations_are_counted_those_of_another_program_too(disturbed):
    assert disturbed() == [0, WHOLE, {"moved": TEN, "other": TEN}, ""]


@pytest.mark.parametrize(
    ("fault", "nth", "left"),
    [
        ("kill", 6, {"flushed": TEN, "left": TEN}),
        ("kill", 8, {"moved": TEN}),
        ("kill", 10, {"moved": TEN, "other": ""}),
        ("power cut", 6, {"flushed": TEN, "left": ""}),
        ("power cut", 7, {"flushed": TEN, "left": ""}),
        ("power cut", 8, {"flushed": TEN, "left": ""}),
        ("power cut", 9, {"moved": TEN}),
        ("torn write", 5, {"flushed": TEN, "left": TEN[:5]}),
    ],
)
def test_all_processes_end_before_the_operation(disturbed, fault, nth, left):
    code, operations, found, _ = disturbed(fault, nth)
    assert (code, operations, found) == (-9, WHOLE[: nth - 1], left)


@pytest.mark.parametrize(("fault", "words"), [("no space once", "No space left"), ("over quota", "quota exceeded")])
def test_an_operation_fails(disturbed, fault, words):
    code, operations, found, said = disturbed(fault, 2)
    assert (code, operations, found) == (1, ["open"], {"flushed": ""})
    assert words in said


def test_on_a_full_disk_nothing_is_made(disturbed):
    code, operations, found, _ = disturbed("full disk", 1)
    assert (code, operations, found) == (1, [], {})
