"""A job as a process: its share of the machine, its log, and how it ends."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from pare.config import PareError
from pare.matrix import launch
from pare.matrix.launch import Share, failure, last_line, log_of, start, stop

ONE = Share(1)  # thread


@pytest.fixture
def begin(fake):
    """Start a job with options of fakejob.py; it is ended with the test."""
    started = []

    def begin(name="one", share=ONE, **options):
        job = fake.job(name, **options)
        started.append(start(job, fake.project, fake.folder, share))
        return started[-1], job

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_a_job_has_its_threads_and_gpus_and_is_run_in_the_project(begin, fake, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    for name, share, gpus in (("a", Share(3, "2"), "2"), ("b", Share(1, ""), ""), ("c", Share(2), "7")):
        process, _ = begin(name, share)
        told = fake.told(name)
        assert told["environment"].pop("CUDA_VISIBLE_DEVICES") == gpus
        assert set(told["environment"].values()) == {str(share.threads)}
        assert (told["process"], told["folder"]) == (process.pid, str(fake.project))


def test_ctrl_c_in_the_terminal_of_the_plan_does_not_reach_a_job(begin, fake):
    begin()
    assert fake.told("one")["session"] not in (os.getsid(0), 0)


def test_what_a_job_says_is_added_to_its_log_below_the_command(begin, fake):
    commands = []
    for says in ("first", "second"):
        process, job = begin(says=says)
        assert process.wait() == 0
        commands.append(job.command)
    log = log_of(job, fake.folder)
    assert log == fake.project / "data" / "matrix" / "own" / "logs" / "one.log"
    lines = log.read_text().splitlines()
    assert lines[1::2] == ["first", "second"]
    for line, command in zip(lines[::2], commands, strict=True):
        assert re.fullmatch(rf"# 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d {re.escape(command)}", line)


def test_errors_are_in_the_log_too(begin, fake):
    process, job = begin(nonsense=True)
    assert process.wait() == 2
    assert last_line(log_of(job, fake.folder)).endswith("error: unrecognized arguments: --nonsense")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", ""),
        (b"one\ntwo\n\n", "two"),
        (b"[03:21:36] epoch 36/40: loss 0.15\n", "epoch 36/40: loss 0.15"),
        (b"epoch 1\repoch 2\r", "epoch 2"),
        (b"bad \xff byte", "bad \ufffd byte"),
        (b"Error: of before\n# 2026-01-01 00:00:00 kedro run\n", ""),
        (b"# 2026-01-01 00:00:00 kedro run\n  loading\n", "loading"),
        (b"x" * 100_000 + b"\nlast\n", "last"),
    ],
)
def test_the_last_line_is_what_was_said_since_the_start(tmp_path, content, line):
    (tmp_path / "log").write_bytes(content)
    assert last_line(tmp_path / "log") == line


def test_without_a_log_nothing_was_said(tmp_path):
    assert last_line(tmp_path / "log") == ""


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("Error: no such task\n", 1, "Error: no such task"),
        (
            "Error: trained by another plan\nepoch 2, which that plan's own job says\n",
            1,
            "Error: trained by another plan",
        ),
        ("Error: of before\n# 2026-01-01 00:00:00 kedro run\nValueError: a bug\n", 1, "ValueError: a bug"),
        ("", 3, "exit code 3"),
        ("epoch 7\n", -9, "ended by signal 9 (Killed); perhaps memory was short; it said last: epoch 7"),
        ("", -11, "ended by signal 11 (Segmentation fault)"),
    ],
)
def test_a_failure_is_told_by_the_last_words_and_the_signal(fake, content, code, words):
    job = fake.job("one")
    log = log_of(job, fake.folder)
    log.parent.mkdir(parents=True)
    log.write_text(content)
    assert failure(job, fake.folder, code) == words


def test_a_job_that_cannot_be_started_is_told_in_one_sentence(begin, fake):
    fake.folder.parent.mkdir()
    fake.folder.write_text("a file")
    with pytest.raises(
        PareError, match=r"^one cannot be started \(.*own.*\); mend that, and the same command goes on$"
    ):
        begin()
    shutil.rmtree(fake.project)
    with pytest.raises(PareError, match=r"^one cannot be started \(No such file or directory: .*project\)"):
        start(fake.job("one"), fake.project, fake.project.parent / "own", Share(1))


def test_jobs_are_asked_to_end_and_killed_where_they_do_not(begin, fake, gone, monkeypatch):
    monkeypatch.setattr(launch, "GRACE_S", 0.5)
    polite, _ = begin("polite", seconds=600)
    stubborn = [begin(name, seconds=600, stubborn=True)[0] for name in ("a", "b")]
    ended, _ = begin("ended")
    assert ended.wait() == 0
    for name in ("polite", "a", "b"):
        fake.told(name, "process")
    began = time.monotonic()
    stop([polite, *stubborn, ended])
    assert time.monotonic() - began < 5  # one grace for all
    assert fake.told("polite")["terminated"]
    assert (polite.returncode, [process.returncode for process in stubborn]) == (1, [-9, -9])
    assert all(gone(process.pid) for process in (polite, *stubborn))


LAUNCHER = """
import sys, time
from pathlib import Path
from pare.matrix.launch import Share, start
from pare.matrix.plan import Job

start(Job("one", "task", sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), Share(1))
time.sleep(600)
"""


def test_a_job_ends_where_the_process_that_started_it_is_killed(fake, gone):
    command = fake.job("one", seconds=600, bound=True).command
    with subprocess.Popen([sys.executable, "-c", LAUNCHER, command, fake.project, fake.folder]) as launcher:
        process = fake.told("one", "process")["process"]
        launcher.kill()
    assert gone(process)
