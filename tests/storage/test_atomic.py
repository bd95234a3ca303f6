"""Whole or not at all, whatever interrupts."""

import os
import signal
import subprocess
import sys

import pytest

from pare.config.errors import PareError
from pare.storage import atomic
from pare.storage.atomic import atomic_path, recover, recover_all


@pytest.fixture
def folder(tmp_path):
    """A folder with an old file."""
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    return path


def texts(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def new_folder(unfinished):
    unfinished.mkdir()
    (unfinished / "new").write_text("new")


def test_a_file_appears_under_its_name_only_when_the_block_has_ended(tmp_path):
    path = tmp_path / "made" / "on" / "the" / "way.txt"
    with atomic_path(path) as unfinished:
        unfinished.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_file_leaves_nothing_behind(tmp_path, interruption):
    path = tmp_path / "file.txt"
    with pytest.raises(interruption), atomic_path(path) as unfinished:
        unfinished.write_text("half")
        raise interruption
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_rewrite_leaves_the_old_folder_as_it_was(folder, interruption):
    with pytest.raises(interruption), atomic_path(folder) as unfinished:
        new_folder(unfinished)
        raise interruption
    assert list(folder.parent.iterdir()) == [folder]
    assert texts(folder) == {"old": "old"}


@pytest.mark.parametrize("name", ["folder", "replaced"])
def test_a_folder_is_replaced_whole_and_not_merged(folder, name):
    path = folder.rename(folder.with_name(name))
    with atomic_path(path) as unfinished:
        new_folder(unfinished)
    assert texts(path) == {"new": "new"}
    assert list(path.parent.iterdir()) == [path]


def test_an_interruption_between_the_two_renames_brings_the_old_folder_back(folder, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_path(folder) as unfinished:
        unfinished.mkdir()
    assert texts(folder) == {"old": "old"}
    assert list(folder.parent.iterdir()) == [folder]


def killed(path, at, write):
    """A process that is killed outright at its first call of ``os.<at>``, or at the end of its block."""
    child = os.fork()
    if child == 0:
        try:
            kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
            with atomic_path(path) as unfinished:
                write(unfinished)
                if at is None:
                    kill()
                setattr(atomic.os, at, kill)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert [p for p in path.parent.iterdir() if p.name.startswith(f".{path.name}.")]


def begin_and_fail(path):
    with pytest.raises(RuntimeError), atomic_path(path):
        raise RuntimeError


@pytest.mark.parametrize("next_run", [recover, begin_and_fail])
def test_a_run_that_was_killed_between_the_two_renames_loses_nothing(folder, next_run):
    killed(folder, "replace", new_folder)
    assert not folder.exists()
    next_run(folder)
    assert texts(folder) == {"new": "new"}
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("at", [None, "rename"])
def test_what_a_run_left_that_was_killed_before_is_removed_by_the_next_one(folder, at):
    killed(folder, at, new_folder)
    recover(folder)
    assert texts(folder) == {"old": "old"}
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(("module", "name"), [(atomic, "locked"), (atomic.Path, "mkdir"), (atomic.shutil, "rmtree")])
@pytest.mark.parametrize("when", ["before", "after"])
def test_wherever_a_run_was_killed_the_next_one_finds_what_it_left(tmp_path, module, name, when):
    path, child = tmp_path / "file.txt", os.fork()
    if child == 0:
        original = getattr(module, name)

        def killed_at_it(*args, **options):
            if when == "after":
                original(*args, **options)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(module, name, killed_at_it)
        try:
            with atomic_path(path) as unfinished:
                unfinished.write_text("whole")
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    recover(path)
    assert [p.name for p in tmp_path.iterdir()] in ([], ["file.txt"])
    assert not path.exists() or path.read_text() == "whole"


def test_the_disk_keeps_content_before_the_name_and_the_name_at_the_end(tmp_path, monkeypatch):
    done = []

    def flushed(handle):
        done.append(os.path.realpath(f"/proc/self/fd/{handle}"))

    replace = os.replace

    def renamed(old, new):
        done.append("rename")
        replace(old, new)

    monkeypatch.setattr(atomic.os, "fsync", flushed)
    monkeypatch.setattr(atomic.os, "replace", renamed)
    with atomic_path(tmp_path / "folder") as unfinished:
        (unfinished / "deep").mkdir(parents=True)
        (unfinished / "deep" / "file").write_text("content")
    before, after = done[: done.index("rename")], done[done.index("rename") + 1 :]
    assert [path.rpartition("folder/folder")[2] for path in before][-1].endswith("folder")
    assert {os.path.basename(path) for path in before} == {"folder", "deep", "file"}
    assert after == [str(tmp_path)]


def test_the_half_of_a_file_is_never_taken_for_a_whole_one(tmp_path):
    path = tmp_path / "file.txt"
    killed(path, None, lambda unfinished: unfinished.write_text("half"))
    recover(path)
    assert list(tmp_path.iterdir()) == []


STOPPED_WHILE_IT_TIDIED = """
import shutil, sys
from pathlib import Path
from pare.storage import atomic

removed, path = [], Path(sys.argv[1])

def stopped_once(folder, **options):
    removed.append(folder)
    if len(removed) == 1:
        raise KeyboardInterrupt
    remove(folder, **options)

remove, shutil.rmtree = shutil.rmtree, stopped_once
with atomic.atomic_path(path) as unfinished:
    unfinished.mkdir()
    (unfinished / "new").write_text("new")
"""


def test_a_signal_while_a_finished_write_tidies_up_leaves_nothing_beside_it(folder):
    command = [sys.executable, "-c", STOPPED_WHILE_IT_TIDIED, str(folder)]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "KeyboardInterrupt" in run.stderr
    assert list(folder.parent.iterdir()) == [folder]
    assert texts(folder) == {"new": "new"}


def test_what_a_living_run_is_writing_is_left_to_it(tmp_path):
    path = tmp_path / "file.txt"
    with atomic_path(path) as one:
        one.write_text("one")
        with atomic_path(path) as other:
            other.write_text("other")
        recover(path)
        assert (path.read_text(), one.read_text()) == ("other", "one")
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_belongs_to_a_path_of_a_similar_name_or_to_the_user_is_left(tmp_path):
    killed(tmp_path / "a.txt", None, lambda unfinished: unfinished.write_text("half"))
    (tmp_path / ".a.personal").mkdir()
    before = set(tmp_path.iterdir())
    recover(tmp_path / "a")
    assert set(tmp_path.iterdir()) == before


def test_a_file_replaces_a_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("a much longer old content")
    with atomic_path(path) as unfinished:
        unfinished.write_text("new")
    assert path.read_text() == "new"


def test_the_temporary_name_is_in_the_same_folder_so_that_the_rename_stays_on_one_disk(tmp_path):
    with atomic_path(tmp_path / "file.txt") as unfinished:
        assert unfinished.parent.parent == tmp_path
        assert unfinished.suffix == ".txt"
        unfinished.touch()


def test_a_file_is_made_with_the_permissions_that_the_user_asked_for(tmp_path):
    old = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "file.txt") as unfinished:
            unfinished.touch()
    finally:
        os.umask(old)
    assert (tmp_path / "file.txt").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    message = r"cannot write to .*file.*write permission or free space"
    with pytest.raises(PareError, match=message), atomic_path(tmp_path / "file" / "below.txt"):
        pytest.fail("the block must not run")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_killed_runs_left_of_any_file_of_a_folder_is_removed(tmp_path):
    for name in ("a.json", "b"):
        killed(tmp_path / name, "unlink", lambda path: path.write_text("new"))
    assert len(list(tmp_path.glob(".*"))) > 0
    (tmp_path / ".lock").touch()  # of something else
    recover_all(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "a.json", "b"]


def test_what_a_link_points_to_is_not_flushed(folder, tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))
    with atomic_path(tmp_path / "link") as unfinished:
        unfinished.symlink_to(folder)
    assert texts(tmp_path / "link") == {"old": "old"}
    assert flushed == [tmp_path.stat().st_ino]
