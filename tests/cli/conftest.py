"""The command `kedro tasks`, and a table of the user's own."""

import shutil

import pytest
from click.testing import CliRunner

from pare.cli import cli


@pytest.fixture
def tasks(project):
    """Run `kedro tasks` with some arguments; its output."""

    def tasks(*args, code=0):
        result = CliRunner().invoke(cli, ["tasks", *args], obj=project)
        assert result.exit_code == code, result.output
        return result.output

    return tasks


@pytest.fixture
def own_table(project):
    """A table of the user's own in the project, and no task of it yet."""
    path = project.project_path / "wine.csv"
    rows = [f"{i},{i * i % 7},{['red', 'white'][i % 2]}" for i in range(40)]
    path.write_text("\n".join(["acid,sugar,kind", *rows]))
    yield path
    shutil.rmtree(project.project_path / "conf" / "local" / "tasks", ignore_errors=True)
