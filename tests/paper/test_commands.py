"""`kedro paper`: the pages of docs/ that are generated."""

from types import SimpleNamespace

from click.testing import CliRunner

from pare.cli import cli


def test_the_pages_need_the_results_of_the_matrix(project):
    outcome = CliRunner().invoke(cli, ["paper", "pages"], obj=SimpleNamespace(project_path=project.project_path))
    assert outcome.exit_code == 1
    assert "Error: the matrix has no results of " in outcome.output
