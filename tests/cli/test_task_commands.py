"""Tasks and methods as lists, and a task in full."""

import shutil
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from pare.cli import cli


def test_every_task_is_listed_with_what_it_needs(tasks, library):
    lines = tasks().splitlines()
    for name in library.tasks:
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert library.task(name).metric in line
        assert "offline" in line or "network" in line


def test_the_card_of_a_task_shows_data_run_and_cost(tasks, library):
    card = tasks("show", "darcy_flow")
    for word in (library.task("darcy_flow").title, "3×85×85", "relative_l2", "minilm", "M parameters", "of training"):
        assert word in card


def test_the_card_tells_where_each_hyperparameter_comes_from(tasks):
    lines = tasks("show", "openml_wdbc", "--params", "training.epochs:3,method=layernorm").splitlines()
    found = {words[0]: words[1:] for line in lines if (words := line.split())}
    assert found["training.epochs"] == ["3", "command", "line"]
    assert found["training.class_weights"] == ["True", "task", "openml_wdbc"]
    assert found["training.batch_size"][-1] == "defaults"
    assert not any(name.startswith("mixing.") for name in found)


def test_where_minutes_are_asked_for_no_number_of_epochs_is_shown(tasks):
    card = " ".join(tasks("show", "darcy_flow", "--params", "minutes=2").split())
    assert "training.epochs as many as fit" in card
    assert "training.members as many as fit" in card
    assert "as many steps as fit" in card
    assert "2 min 0 s of training" in card


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["show", "darcy"], "darcy_flow"),
        (["show", "darcy_flow", "--params", "training.epoch=3"], "training.epochs"),
        (["--env", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_is_answered_with_one_message(tasks, args, word):
    output = tasks(*args, code=1)
    assert output.startswith("Error: ")
    assert word in output


def test_a_parameter_without_a_value_is_refused(tasks):
    assert "must contain a key and a value" in tasks("show", "darcy_flow", "--params", "seed", code=2)


def test_a_task_of_the_users_own_is_listed(project, tasks):
    own = project.project_path / "conf" / "local" / "tasks"
    own.mkdir()
    shipped = (project.project_path / "conf" / "base" / "tasks" / "openml_cc18.yml").read_text()
    (own / "mine.yml").write_text(shipped.replace("openml_wdbc:", "my_table:"))
    try:
        assert "my_table" in tasks()
    finally:
        shutil.rmtree(own)


@pytest.mark.parametrize("content", [b"", b'{"origin": ', b"[1]", b"\xe4"])
def test_a_damaged_manifest_stops_no_list(project, tasks, content):
    manifest = project.project_path / "data" / "01_raw" / "darcy_flow" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_bytes(content)
    try:
        (line,) = [line for line in tasks().splitlines() if line.split()[:1] == ["darcy_flow"]]
        assert "here" not in line
    finally:
        shutil.rmtree(project.project_path / "data")


def listed(output):
    return [line.split()[0] for line in output.splitlines()[1:] if line and not line.startswith("`")]


@pytest.mark.slow
def test_the_list_may_be_of_own_tasks_of_a_suite_or_of_what_needs_no_network(tasks, own_table, library):
    assert "There is no such task; `kedro tasks new" in tasks("--own")
    tasks("new", str(own_table), "--target", "kind")
    assert listed(tasks("--own")) == ["wine"]
    suite = [name for name in sorted(library.tasks) if library.task(name).suite == "PDEBench"]
    assert listed(tasks("--suite", "PDEBench")) == suite
    offline = tasks("--offline")
    assert "wine" in listed(offline) and "network" not in offline and 0 < len(listed(offline)) < len(library.tasks)
    assert "Did you mean 'PDEBench'" in tasks("--suite", "PDEbench", code=1)


@pytest.mark.parametrize(
    ("params", "shown", "hidden"),
    [
        ("method=catboost", "options.bags 5 method catboost", "M parameters"),
        ("method=catboost,options.bags=1,minutes=5", "options.bags 1 command line", "training.epochs"),
        ("method=catboost,minutes=5", "minutes 5 command line", "source minilm"),
        ("method=choose", "minutes 10 method choose", "training.epochs"),
        ("method=choose,minutes=3", "Fitting takes 3 minutes at most.", "mixing."),
        ("method=choose", "candidates logistic_regression, lightgbm,", "M parameters"),
        ("method=fno", "options.modes 12 method fno", "tokens"),
        ("method=fno", "minutes 4 method fno", "alignment."),
        ("method=probe", "start solved on layer", "training.learning_rate"),
    ],
)
def test_the_card_shows_what_the_method_has_and_nothing_else(tasks, params, shown, hidden):
    card = " ".join(tasks("show", "openml_wdbc", "--params", params).split())
    assert shown in card
    assert hidden not in card


def test_methods_are_listed_with_their_place_in_the_paper_and_what_they_change(conf):
    result = CliRunner().invoke(cli, ["methods"], obj=SimpleNamespace(project_path=conf.parent))
    assert result.exit_code == 0
    rows = {line.split()[0]: line for line in result.output.splitlines() if line.split()}
    assert "table 4" in rows["cutmix"] and "mixing.mixer=cutmix" in rows["cutmix"]
    assert "U-Net" in rows["u_net"] and "table 2" in rows["u_net"]
    assert "minutes=10" in rows["choose"]
    assert "options.iterations=1000" in rows["catboost"]
