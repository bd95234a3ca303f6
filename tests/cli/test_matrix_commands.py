"""`kedro matrix` and its commands: what they say of the runs that are left."""

import json
import shutil
import sys

import pytest
import yaml

from pare.cli.matrix_options import load_matrix
from pare.matrix.dvc import STAGES
from pare.storage.result_lines import read_lines
from small_matrix import BLOCKS, finish


def test_what_is_left_comes_first_then_the_commands_then_the_results(matrix):
    lines = [line.strip() for line in matrix().splitlines()]
    assert lines[0].startswith("5 of 5 runs left, 4 with a network; inputs to prepare: 6. About ")
    assert lines[1:3] == ["What each task takes: kedro matrix plan", "Run it: kedro matrix run"]
    assert lines.index("Fields") < lines.index("Tables")
    assert any(line.split() == ["darcy_flow", "relative_l2", "·", "·"] for line in lines)


@pytest.mark.slow
def test_dvc_takes_what_is_written_and_a_stale_file_is_told(matrix, project):
    assert "kedro matrix write" in matrix()
    assert "5 runs" in matrix("write")
    assert "kedro matrix write" not in matrix()
    folder = project.project_path / STAGES
    fields, tables = (
        yaml.safe_load((folder / task / "dvc.yaml").read_text()) for task in ("darcy_flow", "openml_wdbc")
    )
    assert list(fields["vars"][0]["runs"]) == [
        f"darcy_flow-{method}-{seed}" for method in ("pare", "finetune") for seed in (0, 1)
    ]
    assert list(tables["vars"][0]["runs"]) == ["openml_wdbc-xgboost-0"]


def test_the_plan_has_a_line_for_each_task_and_all_of_it_as_json(matrix):
    output = matrix("plan")
    lines = [line.split() for line in output.splitlines()]
    assert ["darcy_flow", "4", "4", "4"] in [line[:4] for line in lines]
    assert ["openml_wdbc", "1", "0", "2"] in [line[:4] for line in lines]
    assert output.splitlines()[-1] == "Run it: kedro matrix run"
    assert matrix("plan", "--only", "Fields").endswith("the same with run in place of plan\n")
    plan = json.loads(matrix("plan", "--json"))
    commands = {job["name"]: job["command"] for job in plan["jobs"]}
    assert len(commands) == 5 + 6
    assert commands["darcy_flow-pare-0"] == "kedro run --params task=darcy_flow,method=pare,seed=0"
    assert commands["openml_wdbc-xgboost-0"] == "kedro run --params task=openml_wdbc,method=xgboost,seed=0"


def test_times_on_an_accelerator_are_those_of_its_data_sheet(matrix):
    slow, fast = (json.loads(matrix("plan", "--device", device, "--json")) for device in ("v100", "h100"))
    assert slow["basis"].startswith("on one V100 by its data sheet")
    assert sum(job["seconds"] for job in slow["jobs"]) > sum(job["seconds"] for job in fast["jobs"])


def test_the_check_names_what_is_left_and_fails(matrix):
    output = matrix("check", code=1)
    assert output.startswith("Error: 5 of 5 runs are not done: darcy_flow-pare-0, darcy_flow-pare-1, ")
    assert matrix("check", "--only", "Tables", code=1) == "Error: 1 of 1 runs are not done: openml_wdbc-xgboost-0\n"


@pytest.mark.slow
def test_a_finished_run_is_left_out(matrix, project):
    data = project.project_path / "data"
    (cell,) = load_matrix(project.project_path, None, {"only": "Tables"}).cells.values()
    finish(cell, data, test=0.987)
    assert "1 of 5 runs are in data/08_reporting/results.csv" in matrix("results")
    shutil.rmtree(data / "08_reporting" / "openml_wdbc")
    output = matrix()
    assert "0.987" in output  # from results.csv
    assert output.startswith("4 of 5 runs left")
    assert "xgboost" not in matrix("check", code=1)
    assert matrix("check", "--only", "xgboost") == "The run is done.\n"


@pytest.fixture
def listed(matrix, project):
    """Finish all runs of the matrix and list them; the runs by name. Then only the list of them is left."""
    data, cells = project.project_path / "data", load_matrix(project.project_path, None).cells
    for number, cell in enumerate(cells.values()):
        finish(cell, data, test=number / 10)
    assert matrix("results") == "5 of 5 runs are in data/08_reporting/results.csv\n"
    for layer in ("06_models", *(f"08_reporting/{task}" for task in ("darcy_flow", "openml_wdbc"))):
        shutil.rmtree(data / layer)
    return cells


def test_the_line_of_a_run_that_is_unfinished_or_changed_here_stays(matrix, listed, project):
    data = project.project_path / "data"
    before = (data / "08_reporting" / "results.csv").read_bytes()
    (data / "06_models" / listed["darcy_flow-pare-1"].run.folder / "checkpoint").mkdir(parents=True)
    finish(listed["openml_wdbc-xgboost-0"], data, test=0.9)
    record = data / "06_models" / listed["openml_wdbc-xgboost-0"].run.folder / "model" / "record.json"
    record.write_text(json.dumps({"decisive": "of another configuration"}))
    assert matrix("results").splitlines() == [
        "3 of 5 runs are in data/08_reporting/results.csv",
        "2 lines kept as before, of runs that are unfinished or changed here: darcy_flow-pare-1, openml_wdbc-xgboost-0",
    ]
    assert (data / "08_reporting" / "results.csv").read_bytes() == before
    finish(listed["openml_wdbc-xgboost-0"], data, test=0.9)
    assert "1 line kept as before" in matrix("results")
    assert read_lines(data / "08_reporting")["openml_wdbc/xgboost/seed_0"]["test"] == 0.9


def test_the_line_of_a_run_that_is_in_the_matrix_no_more_goes_and_is_named(matrix, listed, project):
    local = project.project_path / "conf" / "local" / "matrix.yml"
    local.write_text(yaml.safe_dump({"blocks": {"Fields": BLOCKS["Fields"]}}))
    assert matrix("results").splitlines() == [
        "4 of 4 runs are in data/08_reporting/results.csv",
        "1 line dropped, of runs that are in the matrix no more: openml_wdbc/xgboost/seed_0",
    ]
    assert len(read_lines(project.project_path / "data" / "08_reporting")) == 4


def test_what_conf_local_changes_of_a_task_is_not_in_the_results_that_git_keeps(matrix, listed, project):
    """DVC makes the runs of conf/base, and their lines stay."""
    path = project.project_path / "data" / "08_reporting" / "results.csv"
    before = path.read_bytes()
    changed = project.project_path / "conf" / "local" / "tasks" / "changed.yml"
    changed.write_text(yaml.safe_dump({"openml_wdbc": {"training": {"epochs": 3}}}))
    assert matrix("results") == "5 of 5 runs are in data/08_reporting/results.csv\n"
    assert path.read_bytes() == before


@pytest.mark.slow
def test_results_of_another_environment_stay(matrix, listed, project):
    reporting = project.project_path / "data" / "08_reporting"
    assert matrix("--env", "paper", "results") == "0 of 1275 runs are in data/08_reporting/results.csv\n"
    assert len(read_lines(reporting)) == 5
    paper = load_matrix(project.project_path, "paper").cells["darcy_flow-finetune-0"]
    finish(paper, project.project_path / "data")
    assert matrix("--env", "paper", "results") == "1 of 1275 runs are in data/08_reporting/results.csv\n"
    assert matrix("results") == "5 of 5 runs are in data/08_reporting/results.csv\n"
    assert len(read_lines(reporting)) == 6 and paper.run.folder in read_lines(reporting)


def test_a_matrix_of_ones_own_tasks_is_shown_and_run_in_a_clone(matrix, engine, project):
    """Neither the stages nor the results that git keeps are of such tasks."""
    local = project.project_path / "conf" / "local" / "matrix.yml"
    local.write_text(yaml.safe_dump({"blocks": {"Mine": {"tasks": ["mine"], "methods": ["pare"], "seeds": [0]}}}))
    assert "1 of 1 runs left" in matrix()
    assert "The run is done." in matrix("run") and engine.reports == ["kedro run --pipelines=report"]
    assert not (project.project_path / "data" / "08_reporting" / "results.csv").exists()
    for command in ("results", "write", "resolve"):
        assert "what is defined in conf/base, and task 'mine' is not; move it there" in matrix(command, code=1)


@pytest.mark.slow
def test_the_papers_matrix_is_run_by_an_engine_and_not_by_dvc(matrix):
    output = matrix("--env", "paper", "plan")
    assert output.startswith("1275 of 1275 runs left, 915 with a network; ")
    assert "Run it: kedro matrix run --env paper\nIts 915 networks need about " in output
    for command in ("write", "resolve"):
        assert "kedro matrix run --env paper" in matrix("--env", "paper", command, code=1)


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (["--only", "finetune"], ["darcy_flow-finetune-0", "darcy_flow-finetune-1"]),
        (["--only", "*-1,Tables"], ["darcy_flow-finetune-1", "darcy_flow-pare-1", "openml_wdbc-xgboost-0"]),
        (["--tasks", "mine", "--methods", "pare,choose", "--seeds", "2"], ["mine-choose-2", "mine-pare-2"]),
        (
            ["--tasks", "mine", "--methods", "catboost", "--folds", "2", "--params", "training.fraction:0.5"],
            ["mine-catboost-0-1_of_2", "mine-catboost-0-2_of_2"],
        ),
        (["--tasks", "mine,openml_wdbc", "--only", "mine"], ["mine-pare-0"]),
    ],
)
def test_a_part_of_the_matrix_or_one_of_your_own_is_planned(matrix, args, names):
    plan = json.loads(matrix("plan", *args, "--json"))
    assert sorted(job["name"] for job in plan["jobs"] if not job["prepares"]) == names
    assert plan["title"] == ("own" if "--tasks" in args else "base")


def test_values_of_an_own_matrix_are_in_the_command_of_each_run(matrix):
    asked = ["--tasks", "mine", "--methods", "finetune", "--params", "training.epochs=5"]
    asked += ["--params", "training.learning_rate=3e-5"]
    plan = json.loads(matrix("plan", *asked, "--json"))
    assert plan["jobs"][-1]["command"].endswith(
        "--params task=mine,method=finetune,seed=0,training.epochs=5,training.learning_rate=3e-05"
    )


@pytest.mark.parametrize("command", ["run", "check"])
def test_every_command_about_runs_takes_the_same_options(matrix, command):
    assert "run or block 'xgbost' is unknown" in matrix(command, "--only", "xgbost", code=1)
    assert "method 'prae' is unknown" in matrix(command, "--tasks", "mine", "--methods", "prae", code=1)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--only", "xgbost"], "run or block 'xgbost' is unknown. Did you mean 'xgboost'"),
        (["--methods", "pare"], "--methods belong to a matrix of your own, which --tasks begins"),
        (["--tasks", "mien"], "block 'Your own' of the command line: task 'mien' is unknown. Did you mean 'mine'"),
        (["--tasks", "mine", "--methods", "prae"], "method 'prae' is unknown"),
        (["--tasks", "mine", "--seeds", "3-1"], "a range of seeds rises, found '3-1'"),
        (["--tasks", "openml_wdbc", "--folds", "3"], "published with its test rows"),
        (["--tasks", "mine", "--params", "training.epoch=3"], "training.epoch"),
        (["--tasks", "mine", "--params", "seed=3"], "--params does not take seed"),
    ],
)
def test_a_mistake_is_answered_in_one_message(matrix, args, words):
    output = matrix("plan", *args, code=1)
    assert output.startswith("Error: ") and output.count("Error") == 1
    assert words in output


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("mine", "probe,catboost"), "mine with catboost: this method needs the package 'catboost', not installed"),
        (("darcy_flow", "fno", "options.mode=3"), "darcy_flow with fno: key 'options.mode' is unknown"),
        (("mine", "pare", "mixing.mixer=blend"), "mine with pare: mixing.mixer 'blend' is unknown"),
        (("darcy_flow", "fno", "training.optimiser=Muon"), "darcy_flow with fno: fno has complex weights"),
    ],
)
def test_what_a_run_would_refuse_is_refused_by_the_plan(matrix, monkeypatch, command, asked, words):
    monkeypatch.setitem(sys.modules, "catboost", None)  # not installed
    options = [word for pair in zip(("--tasks", "--methods", "--params"), asked, strict=False) for word in pair]
    output = matrix(command, *options, code=1)
    assert output.startswith("Error: ") and words in output


def test_options_that_click_refuses_are_told_with_the_usage(matrix):
    for args in (["--folds", "1"], ["--workers", "0"], ["--stop-after", "-1"], ["--engine", "nowhere"]):
        assert f"Invalid value for '{args[0]}'" in matrix("run", *args, code=2)
    assert "must contain a key and a value" in matrix("run", "--tasks", "mine", "--params", "epochs", code=2)
    assert "--gpus-per-run must be above 0" in matrix("run", "--gpus-per-run", "0", code=1)


def test_a_mistake_in_matrix_yml_is_answered_with_one_message(matrix, project):
    local = project.project_path / "conf" / "local" / "matrix.yml"
    local.write_text(yaml.safe_dump({"blocks": {"Fields": {**BLOCKS["Fields"], "methods": ["prae"]}}}))
    output = matrix(code=1)
    assert output.startswith("Error: block 'Fields' of matrix.yml: ")
    assert "Did you mean" in output and "'pare'" in output
