"""`kedro matrix run` by its real command: several runs, one that fails, two plans at once, and being killed."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from pare.storage.result_lines import read_lines

pytestmark = pytest.mark.slow

METHODS = ("ridge", "kernel_ridge")
OWN_LONG = (
    "--tasks",
    "darcy_flow",
    "--params",
    "source=tiny,training.epochs=100000,training.checkpoint_minutes=0.001",
    "--methods",
    "finetune",
)
PATIENCE_S = 300.0


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    """One job at a time with one thread, whatever the machine has."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")


def test_a_run_that_fails_is_named_and_two_plans_at_once_share_what_is_left(with_raw_files, kedro_started, ended):
    project = with_raw_files
    blocked = project / "data" / "06_models" / "darcy_flow" / "kernel_ridge"
    blocked.parent.mkdir(parents=True)
    blocked.touch()  # a file where a folder is to be
    command = ("matrix", "run", "--tasks", "darcy_flow", "--methods", ",".join(METHODS))
    outcome = ended(kedro_started(project, *command), project)
    assert outcome.code == 1 and "Traceback" not in outcome.out + outcome.err
    assert re.search(rf"\d FAILED: darcy_flow-kernel_ridge-0: Error: cannot write to {blocked}.*\n", outcome.out)
    assert " its log: data/matrix/own/logs/darcy_flow-kernel_ridge-0.log\n" in outcome.out
    assert "Error: cannot write to" in (project / "data/matrix/own/logs/darcy_flow-kernel_ridge-0.log").read_text()
    assert "\n2 jobs done, 1 failed.\n" in outcome.out
    assert outcome.err == "Error: 1 of 2 runs are not done: darcy_flow-kernel_ridge-0 (failed)\n"
    assert set(read_lines(project / "data" / "matrix" / "own")) == {"darcy_flow/ridge/seed_0"}

    blocked.unlink()
    (project / "data" / "05_model_input" / "darcy_flow.h5").unlink()
    outcomes = [ended(process, project) for process in [kedro_started(project, *command) for _ in range(2)]]
    for outcome in outcomes:
        said = outcome.out + outcome.err
        assert "FAILED" not in said and "Traceback" not in said, said
        assert outcome.out.startswith("1 of 2 runs left, 0 with a network; inputs to prepare: 1. ")
        if outcome.code:  # the other one was at it still
            assert re.search(r"Error: 1 of 2 runs are not done: .* \(process \d+ on \S+ is making it\)\n$", said), said
    again = ended(kedro_started(project, *command), project)
    assert (again.code, again.out.splitlines()[-1], again.err) == (0, "All 2 runs are done.", "")
    assert again.leftovers == []
    assert {line["method"] for line in read_lines(project / "data" / "matrix" / "own").values()} == {*METHODS}


def epochs_done(project: Path) -> int:
    """Epochs of the run that are saved, 0 once its solved start is; −1 before."""
    run = project / "data/06_models/darcy_flow/finetune/source_tiny/seed_0"
    saves = (run / "checkpoint" / "0").glob("[0-9]*/progress.json")
    last = max(saves, key=lambda path: int(path.parts[-2]), default=None)  # the others may go at any time
    return json.loads(last.read_text())["epochs_done"] if last else -1


def children_once_trained(process: subprocess.Popen, project: Path, before: int) -> list[int]:
    """Numbers of the processes that a plan started, once more is saved than before."""
    end = time.monotonic() + PATIENCE_S
    while epochs_done(project) <= before:
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)
    children = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert children
    return children


def test_however_a_plan_is_stopped_no_job_is_left_and_the_same_command_goes_on(
    with_raw_files, kedro_started, ended, gone
):
    project, done = with_raw_files, -1
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):  # SIGTERM ends as SIGINT: tests/cli
        process = kedro_started(project, "matrix", "run", *OWN_LONG)
        children = children_once_trained(process, project, done)
        process.send_signal(number)
        outcome = ended(process, project)
        assert outcome.code == code
        assert all(map(gone, children))
        if number != signal.SIGKILL:
            assert (
                outcome.err.strip()
                == "Interrupted. The same command goes on: each run after the last step or fit that was saved."
            )
            assert outcome.leftovers == []
        assert "Traceback" not in outcome.out
        assert epochs_done(project) > done
        done = epochs_done(project)
    log = (project / "data" / "matrix" / "own" / "logs" / "darcy_flow-finetune-0.log").read_text()
    assert log.count("# 20") == 2 and log.count("Going on after ") == 1
