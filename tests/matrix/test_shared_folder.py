"""A folder whose locks another process does not respect, or that it does not see, is found."""

import errno

import pytest
from click.testing import CliRunner

from pare.cli.matrix_commands import matrix
from pare.config import PareError
from pare.matrix.shared_folder import check_locks, problem_here, problem_of_runs, token

FLOCK = "pare.storage.access.fcntl.flock"  # of this process alone: others go on to lock


def no_locks(*_):
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_lock_that_keeps_other_processes_out_is_enough(tmp_path):
    check_locks(tmp_path / "models")
    assert [*(tmp_path / "models").iterdir()] == []


@pytest.mark.parametrize("flock", [lambda *_: None, no_locks])
def test_a_file_system_without_locks_is_refused(flock, tmp_path, monkeypatch):
    monkeypatch.setattr(FLOCK, flock)
    with pytest.raises(PareError, match=f"^{tmp_path} is on a file system that does not keep .* has them; or wait$"):
        check_locks(tmp_path, "; or wait")
    assert [*tmp_path.iterdir()] == []


def test_a_machine_whose_file_system_knows_no_locks_has_a_problem(tmp_path, monkeypatch):
    with token(tmp_path) as held:
        monkeypatch.setattr(FLOCK, no_locks)
        assert "does not keep a locked file from other processes" in problem_here(str(held))


def test_a_python_without_this_package_is_a_problem(tmp_path, monkeypatch):
    (tmp_path / "pare").mkdir()
    (tmp_path / "pare/__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with token(tmp_path) as held:
        assert problem_of_runs(str(held)).startswith("ModuleNotFoundError: No module named 'pare.matrix'; install ")


def test_another_folder_of_that_name_is_a_problem_and_so_is_one_that_cannot_be_written(tmp_path):
    assert problem_here(str(tmp_path / "token")).startswith(f"{tmp_path} is not there or is another folder; ")
    (tmp_path / "token").mkdir()
    assert problem_here(str(tmp_path / "token")).startswith(f"{tmp_path} cannot be written (Is a directory); ")


def test_runs_at_a_time_are_refused_before_the_first_begins_and_one_after_the_other_are_not(project, monkeypatch):
    monkeypatch.setattr(FLOCK, lambda *_: None)
    monkeypatch.setattr("pare.cli.matrix_run_command.follow", no_locks)
    table = ["--tasks", "openml_wdbc", "--methods", "logistic_regression"]
    models = project.project_path / "data" / "06_models"
    refused = CliRunner().invoke(matrix, ["run", *table, "--workers", "2"], obj=project)
    assert refused.exit_code == 1
    assert f"Error: {models} is on a file system that does not keep a locked file" in refused.output
    assert refused.output.endswith("; or run one at a time: --workers 1\n")
    serial = CliRunner().invoke(matrix, ["run", *table, "--workers", "1"], obj=project)
    assert isinstance(serial.exception, OSError)  # of the first run
