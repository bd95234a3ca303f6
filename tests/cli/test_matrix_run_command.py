"""`kedro matrix run`: how a plan that was run ends."""

import json
import os
import signal

import pytest

from pare.storage.access import held_alone
from pare.storage.result_lines import read_lines
from small_matrix import finish


def test_a_run_of_the_matrix_ends_with_its_results_and_a_finished_one_says_so(matrix, engine, project):
    output = matrix("run", "--workers", "3", "--gpus-per-run", "0.5")
    assert (engine.settings.workers, engine.settings.gpus_per_run) == (3, 0.5)
    assert engine.settings.folder == project.project_path / "data" / "matrix" / "base"
    lines = output.splitlines()
    assert lines[0].startswith("5 of 5 runs left")
    assert "done: darcy_flow-pare-0 in 1 s" in output and "11 jobs done." in lines
    mean = ["0.25", "±", "0"]
    assert ["darcy_flow", "relative_l2", *mean, *mean] in [line.split() for line in lines]
    assert lines[-5:-2] == [
        "These results as a table: data/matrix/base/results.csv",
        "All 5 runs are done.",
        "5 of 5 runs are in data/08_reporting/results.csv",
    ]
    assert len(read_lines(project.project_path / "data" / "matrix" / "base")) == 5

    engine.jobs.clear()
    again = matrix("run").splitlines()
    assert engine.jobs == [] and again.count("All 5 runs are done.") == 1 and "jobs done" not in "".join(again)


def test_a_whole_matrix_gets_a_report_and_what_dvc_asks_for(matrix, engine, project):
    data = project.project_path / "data"
    assert "dvc commit" not in matrix("run", "--only", "darcy_flow") and engine.reports == []
    assert (
        matrix("run").splitlines()[-1]
        == "For DVC, which has nothing to do then: dvc commit -f dvc.yaml data/stages/*/dvc.yaml"
    )
    assert engine.reports == ["kedro run --pipelines=report"]
    assert len(read_lines(data / "08_reporting")) == 5
    digests = json.loads((data / "02_intermediate/stages/tasks/openml_wdbc.json").read_text())
    assert "openml_wdbc-xgboost-0" in digests["runs"]
    (project.project_path / "dvc.yaml").unlink()
    assert "dvc" not in matrix("run") + matrix()  # as in a project that `pare init` made
    engine.report_code = 1
    assert "Error: the report failed: exit code 1; kedro run --pipelines=report" in matrix("run", code=1)


def test_inputs_alone_are_prepared(matrix, engine):
    engine.fails = {"raw-darcy_flow": "Error: no network"}
    output = matrix("run", "--inputs-only", code=1)  # the other five are there by the engine's word alone
    assert len(engine.jobs) == 6 and not {*engine.jobs} & {*engine.cells}
    assert output.splitlines()[-1].startswith("Error: 6 inputs missing: raw-darcy_flow (failed), ")


def test_the_results_of_an_own_matrix_are_in_a_table_that_names_folds(matrix, engine, project):
    folder = project.project_path / "data" / "matrix" / "own"
    matrix("run", "--tasks", "mine", "--methods", "catboost,finetune", "--folds", "2")
    found = read_lines(folder)
    assert set(found) == {f"mine/{m}/fold_{n}_of_2/seed_0" for m in ("catboost", "finetune") for n in (1, 2)}
    assert {line["differs"]["fold"] for line in found.values()} == {"1_of_2", "2_of_2"}
    matrix("run", "--tasks", "mine", "--methods", "xgboost")  # another one: the table is that of the last command
    assert set(read_lines(folder)) == {"mine/xgboost/seed_0"}
    assert not (project.project_path / "data" / "08_reporting" / "results.csv").exists()  # that of the matrix in git


def test_a_failed_run_is_named_and_the_others_are_done(matrix, engine):
    engine.fails = {"darcy_flow-pare-1": "Error: the loss is nan"}
    output = matrix("run", code=1)
    assert "FAILED: darcy_flow-pare-1: Error: the loss is nan\n" in output
    assert "10 jobs done, 1 failed." in output
    assert output.splitlines()[-1] == "Error: 1 of 5 runs are not done: darcy_flow-pare-1 (failed)"
    assert engine.settings.is_left(engine.runs.plan().jobs["darcy_flow-pare-1"])
    assert "All 5 runs are done." in (engine.fails.clear() or matrix("run"))


def test_nothing_is_left_of_a_run_that_is_done_meanwhile(matrix, engine, project):
    answers = []

    def before(job):
        if not job.prepares:
            answers.append(engine.settings.is_left(job))
            finish(engine.cells[job.name], project.project_path / "data")
            answers.append(engine.settings.is_left(job))

    engine.before = before
    matrix("run", "--only", "Tables")
    assert answers == [True, False]


def test_it_stops_after_failures_without_a_table(matrix, engine):
    engine.fails = dict.fromkeys(["darcy_flow-pare-0", "darcy_flow-pare-1"], "Error: no")
    output = matrix("run", "--stop-after", "1", code=1)
    assert output.splitlines()[-1].startswith("Error: the plan was stopped after failures: darcy_flow-pare-")
    assert "results" not in output


def test_a_run_that_another_process_makes_is_named_in_the_last_line(matrix, engine, project):
    name = "darcy_flow-pare-0"
    lock = project.project_path / "data" / "06_models" / "darcy_flow" / "pare" / "seed_0" / ".training"
    said = "Error: darcy_flow/pare/seed_0 is being trained by process 12 on host at this moment; wait until it is done"
    engine.fails = {name: said}
    engine.before = lambda job: makers.append(engine.settings.maker(job))
    makers = []
    with held_alone(lock, "", ""):
        output = matrix("run", code=1)
    assert "FAILED" not in output and f"skipped: {name}: process 12 on host is making it" in output
    assert [maker for maker in makers if maker] == [f"process {os.getpid()} on {os.uname().nodename}"]
    last = f"Error: 1 of 5 runs are not done: {name} (process {os.getpid()} on {os.uname().nodename} is making it)"
    assert output.splitlines()[-1] == last
    with held_alone(lock, "", ""):
        assert matrix("check", code=1).splitlines()[-1] == last
    assert matrix("check", code=1).splitlines()[-1] == f"Error: 1 of 5 runs are not done: {name}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_one_sentence(matrix, engine, number, code):
    engine.before = lambda job: os.kill(os.getpid(), number) if job.name == "darcy_flow-pare-1" else None
    before = signal.getsignal(signal.SIGTERM)
    output = matrix("run", code=code)
    said = {130: "Interrupted", 143: "Terminated", 129: "Hung up"}[code]
    goes_on = "The same command goes on: each run after the last step or fit that was saved."
    assert output.splitlines()[-1] == f"{said}. {goes_on}"
    assert "Traceback" not in output and engine.jobs and "darcy_flow-pare-1" not in engine.jobs
    assert signal.getsignal(signal.SIGTERM) == before
