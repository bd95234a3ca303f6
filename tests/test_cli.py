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
    shutil.copytree(conf / "paper", folder / "conf" / "paper")
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
    assert set(cli.commands) == {"methods", "run", "tasks"}


@pytest.fixture
def own_table(project):
    """A table of the user's own in the project, and no task of it yet."""
    path = project.project_path / "wine.csv"
    rows = [f"{i},{i * i % 7},{['red', 'white'][i % 2]}" for i in range(40)]
    path.write_text("\n".join(["acid,sugar,kind", *rows]))
    yield path
    shutil.rmtree(project.project_path / "conf" / "local" / "tasks", ignore_errors=True)


def test_a_task_is_made_of_the_users_own_file(project, tasks, own_table):
    output = tasks("new", str(own_table), "--target", "kind")
    assert output.splitlines()[0] == "wine: 40 rows; input 2, prediction 2 classes."
    assert output.splitlines()[-1] == "  kedro run --pipeline=pare_train --params task:wine"
    text = (project.project_path / "conf" / "local" / "tasks" / "wine.yml").read_text()
    assert "- wine.csv" in text  # relative to the project, since it lies there
    (line,) = [line for line in tasks().splitlines() if line.split()[:1] == ["wine"]]
    assert "own data" in line and "your own" in line
    assert "wine.csv" in tasks("show", "wine")
    assert "wine" in tasks("--env", "paper", "show", "wine")


def test_a_file_outside_the_project_is_named_by_its_whole_path(project, tasks, own_table, tmp_path):
    other = shutil.copy(own_table, tmp_path / "elsewhere.csv")
    tasks("new", str(other), "--target", "acid", "--name", "mine")
    assert f"- {other}" in (project.project_path / "conf" / "local" / "tasks" / "mine.yml").read_text()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["wine.csv", "--target", "kind"], "task 'wine' stands in"),
        (["wine.csv", "--target", "kind", "--name", "darcy_flow"], "is one of those listed"),
        (["wine.csv", "--target", "kid", "--name", "other"], "Did you mean 'kind'"),
        (["wines.csv", "--target", "kind"], "there are wine.csv"),
        (["wine.csv", "--target", "kind", "--name", "a/b"], "cannot name a task"),
    ],
)
def test_no_task_is_made_of_what_is_unclear(project, tasks, own_table, args, words):
    tasks("new", str(own_table), "--target", "kind")
    folder = project.project_path / "conf" / "local" / "tasks"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    output = tasks("new", str(own_table.with_name(args[0])), *args[1:], code=1)
    assert output.startswith("Error: ") and words in output
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_methods_are_listed_with_their_place_in_the_paper_and_what_they_change(conf):
    result = CliRunner().invoke(cli, ["methods"], obj=SimpleNamespace(project_path=conf.parent))
    assert result.exit_code == 0
    rows = [line for line in result.output.splitlines() if line.startswith(" cutmix")]
    assert len(rows) == 1 and "table 4" in rows[0] and "mixing.mixer=cutmix" in rows[0]


def test_the_page_of_tasks_is_printed_as_it_stands_in_the_docs(conf):
    result = CliRunner().invoke(cli, ["tasks", "page"], obj=SimpleNamespace(project_path=conf.parent))
    assert result.output == (conf.parent / "docs" / "tasks.md").read_text()
