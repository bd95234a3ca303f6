"""What holds for all commands."""

import subprocess
import sys

import click
import pytest

from pare.cli import cli

LIST = """
import sys
from kedro.framework.cli.cli import main

sys.argv = ["kedro", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code
heavy = {"torch", "transformers", "accelerate", "pandas", "scipy", "sklearn", "h5py", "matplotlib"}
print("heavy modules:", sorted(heavy & set(sys.modules)))
"""
LATER = ("ot", "transformers.modeling_utils")


@pytest.mark.parametrize("args", [["tasks"], ["matrix"], ["tasks", "show", "darcy_flow", "--device", "h100"]])
def test_listing_tasks_imports_no_deep_learning(conf, args):
    result = subprocess.run(
        [sys.executable, "-c", LIST, *args], cwd=conf.parent, capture_output=True, text=True, check=True
    )
    assert "darcy_flow" in result.stdout
    inputs = (conf.parent / "data/05_model_input").glob("*.h5")
    opens = args != ["tasks"] and any(inputs)  # one of them, perhaps
    loaded = result.stdout.splitlines()[-1]
    assert loaded == "heavy modules: []" or (opens and loaded == "heavy modules: ['h5py']")


def test_the_group_is_what_kedro_looks_for():
    assert isinstance(cli, click.Group)
    context = click.Context(cli)
    assert cli.list_commands(context) == ["matrix", "methods", "paper", "run", "tasks"]
    assert [cli.get_command(context, name).name for name in ("matrix", "run")] == ["matrix", "run"]
    assert cli.get_command(context, "task") is None


def test_a_training_imports_models_and_solvers_when_it_uses_them():
    program = f"import sys, pare.learners.networks.training; print(*{{*{LATER}}} & {{*sys.modules}})"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not result.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["tasks"], "Error: no project is in this folder or above it; make one: pare init my_project"),
        (["--params", "task=darcy_flow"], "; no project is in this folder or above it; make one: pare init my_project"),
        (["task", "new", "wine.csv"], "Error: command 'task' is unknown. Did you mean 'tasks'?"),
    ],
)
def test_a_mistake_outside_a_project_is_answered_with_what_to_do(tmp_path, args, words):
    result = subprocess.run(
        [sys.executable, "-m", "pare", *args], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = result.stdout + result.stderr
    assert result.returncode == 1 and words in said and said.count("Error: ") == 1
