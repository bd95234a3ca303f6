"""The command `kedro tasks`, and a table of the user's own."""

import shutil
from functools import partial

import pytest
from click.testing import CliRunner

from pare.cli import cli


@pytest.fixture
def invoke(project):
    """Run a command of `kedro` with some arguments; its output."""

    def invoke(*args, code=0):
        result = CliRunner().invoke(cli, args, obj=project)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


@pytest.fixture
def tasks(invoke):
    """Run `kedro tasks` with some arguments; its output."""
    return partial(invoke, "tasks")


@pytest.fixture
def own_table(project):
    """A table of the user's own in the project, and no task of it yet."""
    path = project.project_path / "wine.csv"
    rows = [f"{i},{i * i % 7},{['red', 'white'][i % 2]}" for i in range(40)]
    path.write_text("\n".join(["acid,sugar,kind", *rows]))
    yield path
    shutil.rmtree(project.project_path / "conf" / "local" / "tasks", ignore_errors=True)
