import shutil
import subprocess
import sys
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from kedro.config import MissingConfigException
from kedro.io import DatasetError

from pare.cli import RunCommand, cli, run
from pare.config import PareError


@pytest.mark.parametrize(
    "args",
    [
        ["--params", "task:darcy_flow,training.epochs=3"],
        ["--params", "task=darcy_flow,training.epochs:3"],
        ["--params=task:darcy_flow,training.epochs=3"],
    ],
)
def test_parameters_may_be_spelt_with_a_colon_or_an_equals_sign(args):
    assert run.make_context("run", args).params["params"] == {"task": "darcy_flow", "training": {"epochs": 3}}


def test_a_colon_inside_a_value_stays():
    assert run.make_context("run", ["--params", "source=a:b"]).params["params"] == {"source": "a:b"}


def test_other_options_of_kedro_run_are_left_alone():
    params = run.make_context("run", ["--pipelines", "train", "--env", "paper", "--params", "seed:1"]).params
    assert (params["pipelines"], params["env"], params["params"]) == (["train"], "paper", {"seed": 1})


@pytest.mark.parametrize("params", ["task", "training=[1"])
def test_parameters_that_cannot_be_read_end_in_a_message(params):
    result = CliRunner().invoke(run, ["--params", params])
    assert result.exit_code != 0
    assert result.output.count("Error: ") == 1


def outcome(error):
    """What the command makes of an error that is raised inside it."""

    def callback():
        raise error

    return CliRunner().invoke(RunCommand(name="run", callback=callback))


def wrapped(error):
    """As Kedro wraps what a dataset raises."""
    try:
        raise DatasetError("Failed while saving data to dataset") from error
    except DatasetError as caught:
        return caught


@pytest.mark.parametrize(
    "error", [PareError("mend this"), wrapped(PareError("mend this")), MissingConfigException("mend this")]
)
def test_a_mistake_of_the_users_is_shown_as_one_message(error):
    result = outcome(error)
    assert (result.exit_code, result.output) == (1, "Error: mend this\n")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "f"), OSError(28, "No space left", "f")])
def test_a_file_that_cannot_be_written_is_named(error):
    result = outcome(wrapped(error))
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: cannot write f ({error.strerror}); give")


@pytest.mark.parametrize("error", [TypeError("a bug"), ValueError("a bug"), wrapped(TypeError("a bug"))])
def test_an_error_of_the_program_keeps_its_traceback(error):
    assert outcome(error).exception is error


def test_ctrl_c_ends_with_the_usual_exit_code_and_says_how_to_go_on():
    result = outcome(KeyboardInterrupt())
    assert result.exit_code == 130
    assert "The same command goes on" in result.output


@pytest.fixture(scope="module")
def project(tmp_path_factory, conf):
    """A project folder with the shipped configuration, as Kedro hands it to commands."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(conf / "base", folder / "conf" / "base")
    (folder / "conf" / "local").mkdir()
    return SimpleNamespace(project_path=folder)


@pytest.fixture
def tasks(project):
    """Run `kedro tasks` with some arguments; its output."""

    def tasks(*args, code=0):
        result = CliRunner().invoke(cli, ["tasks", *args], obj=project)
        assert result.exit_code == code, result.output
        return result.output

    return tasks


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


LIST = """
import sys
from kedro.framework.cli.cli import main

sys.argv = ["kedro", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code
print("heavy modules:", sorted({"torch", "transformers", "accelerate", "pandas"} & set(sys.modules)))
"""


@pytest.mark.parametrize("args", [["tasks"], ["tasks", "show", "darcy_flow"]])
def test_listing_tasks_imports_no_deep_learning(conf, args):
    result = subprocess.run(
        [sys.executable, "-c", LIST, *args], cwd=conf.parent, capture_output=True, text=True, check=True
    )
    assert "darcy_flow" in result.stdout
    assert result.stdout.splitlines()[-1] == "heavy modules: []"


def test_the_group_is_what_kedro_looks_for():
    assert isinstance(cli, click.Group)
    assert set(cli.commands) == {"run", "tasks"}
