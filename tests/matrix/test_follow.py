"""Following a plan: what is told of it, live and line by line, and what ends it early."""

import errno
import os
import re
import shutil
import time
from io import StringIO

import pytest
from rich.console import Console

from pare.config import PareError
from pare.matrix.engines import Event, Settings
from pare.matrix.follow import Progress, follow
from pare.matrix.launch import log_of
from pare.storage.access import held_alone


class Engine:
    """An engine that tells what it is given, list by list; ``closed`` once it was ended."""

    def __init__(self, *happened, between=lambda: None):
        self.happened, self.between, self.told, self.closed = happened, between, 0, False

    def __call__(self, plan, settings):
        try:
            for events in self.happened:
                self.told += 1
                yield events
                self.between()
        finally:
            self.closed = True


@pytest.fixture
def told(fake):
    """Follow a plan of some jobs with an engine; how far it came and what was said, in lines."""

    def told(jobs, engine, stop_after=0, console=None):
        console = console or Console(file=StringIO(), width=80)
        settings = Settings(fake.project, fake.folder)
        try:
            return follow(fake.plan(*jobs), engine, settings, console, stop_after)
        finally:
            told.lines = console.file.getvalue().splitlines()

    return told


def without_time(lines):
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines)
    return [line[9:] for line in lines]


def test_each_job_that_ends_is_a_line_with_how_far_the_plan_is(fake, told):
    a, b, c = (fake.job(name) for name in "abc")  # of ten seconds each by the plan
    engine = Engine(
        [Event(a, "started")], [Event(a, "done", seconds=20)], [Event(b, "started")], [Event(b, "done", seconds=5)]
    )
    progress = told([a, b, c], engine)
    assert without_time(told.lines) == [
        "done: a in 20 s (1 of 3 jobs, about 40 s left)",
        "done: b in 5 s (2 of 3 jobs, about 12 s left)",
    ]
    assert (progress.done, progress.failed, progress.skipped, progress.running) == ({"a": 20, "b": 5}, {}, {}, {})
    assert engine.closed


def test_a_failure_is_told_as_it_comes_with_its_last_words_and_its_log(fake, told):
    a, b, c = fake.job("a"), fake.job("b", "a"), fake.job("c")
    words = "Error: " + "a long word " * 20 + "at the end"
    happened = []
    engine = Engine(
        [Event(a, "started"), Event(c, "started")],
        [Event(a, "failed", words)],
        [Event(b, "skipped", "a failed"), Event(c, "done")],
        between=lambda: happened.append(len(fake_lines())),
    )
    console = Console(file=StringIO(), width=80)
    fake_lines = lambda: console.file.getvalue().splitlines()  # noqa: E731
    progress = told([a, b, c], engine, console=console)
    assert happened == [0, 2, 4]
    failed, log, skipped, done = without_time(told.lines)
    assert failed == f"FAILED: a: {words}"  # on one line
    assert log == "its log: data/matrix/own/logs/a.log"
    assert skipped == "skipped: b: a failed"
    assert done == "done: c in 0 s (3 of 3 jobs, 1 failed)"
    assert (progress.failed, progress.skipped) == ({"a": words}, {"b": "a failed"})


def test_brackets_in_what_a_job_says_are_words(fake, told):
    a = fake.job("a")
    told([a], Engine([Event(a, "failed", "Error: found [1, 2] and [red]x[/red]")]), console=plain_console())
    assert without_time(told.lines)[0].endswith("Error: found [1, 2] and [red]x[/red]")


def plain_console():
    """As the commands make it where no terminal is."""
    return Console(file=StringIO(), width=80, markup=False, emoji=False)


def test_a_run_that_another_process_makes_is_no_failure(fake, told, tmp_path):
    a = fake.job("a")
    lock = tmp_path / "lock"
    with held_alone(lock, "wine/pare/seed_0 is being trained", "wait until it is done"):
        with pytest.raises(PareError) as caught, held_alone(lock, "wine/pare/seed_0 is being trained", "wait"):
            pass
        progress = told([a], Engine([Event(a, "failed", f"Error: {caught.value}")]), stop_after=1)
    (reason,) = progress.skipped.values()
    assert reason.startswith(f"process {os.getpid()} on ") and reason.endswith(" is making it")
    assert (progress.failed, without_time(told.lines)) == ({}, [f"skipped: a: {reason}"])


def test_it_stops_after_so_many_failures_and_ends_what_runs(fake, told):
    jobs = [fake.job(name) for name in "abcd"]
    happened = [[Event(job, "started"), Event(job, "failed", "Error")] for job in jobs]
    engine = Engine(*happened)
    message = "^the plan was stopped after failures: a, b; see their logs in .*own/logs, and the same command goes on$"
    with pytest.raises(PareError, match=message) as caught:
        told(jobs, engine, stop_after=2)
    assert (engine.told, engine.closed) == (2, True)  # while the error is there
    assert caught.value
    assert len(told(jobs, Engine(*happened)).failed) == 4  # zero: never


@pytest.fixture
def full_disk(monkeypatch):
    """No file can be written from now on; the folders in which one was tried."""
    tried = []

    def no_space(dir):
        tried.append(dir)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pare.matrix.follow.TemporaryFile", no_space)
    return tried


def test_a_full_disk_ends_the_plan_at_the_first_failure(fake, told, full_disk):
    a, b = fake.job("a"), fake.job("b")
    told([a], Engine([Event(a, "done")]))
    assert full_disk == []  # nobody asks while all goes well
    engine = Engine([Event(a, "failed", "Error: no space")], [Event(b, "failed", "Error: no space")])
    message = r"^the plan was stopped: .*project/data cannot be written \(No space left on device\); mend that, and the"
    with pytest.raises(PareError, match=message):
        told([a, b], engine)
    assert (engine.told, engine.closed) == (1, True)
    assert full_disk == [fake.project / "data"]


def test_a_folder_of_data_that_vanished_ends_the_plan(fake, told):
    a = fake.job("a")
    engine = Engine([Event(a, "started")], [Event(a, "failed")], between=lambda: shutil.rmtree(fake.project))
    with pytest.raises(PareError, match=r"project/data cannot be written \(No such file or directory\)"):
        told([a], engine)
    assert engine.closed


def test_a_project_that_can_be_written_is_left_as_it_was(fake, told):
    a = fake.job("a")
    told([a], Engine([Event(a, "failed", "Error")]))
    assert list((fake.project / "data").iterdir()) == []


def test_ctrl_c_ends_what_runs(fake, told):
    def interrupt():
        raise KeyboardInterrupt

    a = fake.job("a")
    engine = Engine([Event(a, "started")], between=interrupt)
    with pytest.raises(KeyboardInterrupt):
        told([a], engine)
    assert engine.closed


def test_a_terminal_shows_what_runs_and_what_it_said_last(fake, told):
    jobs = [fake.job(f"wine-pare-{number}") for number in range(15)]
    for job, words in zip(jobs, ("epoch 3/20: loss 0.5", "a long line " * 20, "[bold]"), strict=False):
        log = log_of(job, fake.folder)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"# 2026-01-01 00:00:00 kedro run\nloading\n{words}\n")
    console = Console(file=StringIO(), width=60, height=40, force_terminal=True, markup=False)
    engine = Engine([Event(job, "started") for job in jobs], [Event(jobs[0], "done")], between=lambda: time.sleep(0.4))
    told(jobs, engine, console=console)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())
    lines = [line.rstrip() for line in text.replace("\r", "\n").splitlines()]
    assert re.fullmatch(r"running +for +says", next(line for line in lines if "running" in line).strip())
    shown = {words[0]: line for line in lines if (words := line.split()) and line.strip().startswith("wine-pare-")}
    assert list(shown) == [f"wine-pare-{number}" for number in range(13)]  # the 13th once the first was done
    assert re.search(r"wine-pare-0 +0 s +epoch 3/20: loss 0.5$", shown["wine-pare-0"])
    assert re.search(r"wine-pare-1 +\d s +a long line .*…$", shown["wine-pare-1"]) and len(shown["wine-pare-1"]) <= 60
    assert shown["wine-pare-2"].endswith("[bold]")
    assert "and 3 more" in lines and "0 of 15 jobs" in lines
    assert any(re.match(r"\d\d:\d\d:\d\d done: wine-pare-0 in 0 s \(1 of 15 jobs\)", line) for line in lines)


def test_the_time_that_is_left_is_that_of_the_plan_as_much_slower_as_the_runs_were(fake):
    """Inputs, of which the plan knows no time, do not count."""
    names = ("raw", "a", "b", "c", "d")
    jobs = {name: fake.job(name, prepares=name == "raw") for name in names}  # of ten seconds each
    progress = Progress(fake.plan(*jobs.values()))
    assert progress.left_s is None
    progress.take(Event(jobs["raw"], "started"))
    progress.take(Event(jobs["raw"], "done", seconds=1000))
    assert progress.left_s is None
    progress.take(Event(jobs["a"], "started"))
    progress.take(Event(jobs["b"], "started"))
    progress.take(Event(jobs["a"], "done", seconds=30))  # three times as long
    assert progress.left_s == pytest.approx((30 + 30 + 30) / 2, abs=1)  # b, c, d at two places
    progress.running["b"] -= 20  # it began so long ago
    assert progress.left_s == pytest.approx((10 + 30 + 30) / 2, abs=1)
    progress.running["b"] -= 1000
    assert progress.left_s == pytest.approx((30 + 30) / 2, abs=1)
    for name in ("b", "c"):
        progress.take(Event(jobs[name], "failed"))
    assert progress.left_s == pytest.approx(30, abs=1)
    progress.take(Event(jobs["d"], "skipped"))
    assert progress.left_s == 0 and str(progress) == "5 of 5 jobs, 2 failed"
