"""`pare init`: a project folder out of the installed package."""

import shlex
import shutil
import subprocess

import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from pare.cli.init_command import LAYERS, init


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def made(tmp_path):
    """A project in a folder that was not there, and what the command said."""
    folder = tmp_path / "deep" / "my_project"
    result = CliRunner().invoke(init, [str(folder)])
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_the_configuration_is_that_of_the_package_without_what_a_user_of_a_clone_has_in_conf_local(made, conf):
    folder, _ = made
    shipped = {name: content for name, content in files_in(conf).items() if not name.startswith("local/")}
    found = files_in(folder / "conf")
    assert found.pop("local/README.md") == (conf / "local" / "README.md").read_bytes()
    assert found == shipped


def test_kedro_knows_the_folder_as_a_project_of_pare(made):
    folder, said = made
    assert bootstrap_project(folder).package_name == "pare"
    assert f"cd {folder}" in said
    assert "# my_project" in (folder / "README.md").read_text()


def test_git_keeps_folders_and_own_tasks_and_leaves_out_data(made):
    folder, _ = made
    for name in ("data/01_raw/rows.csv", "data/06_models/t/m/seed_0/model/run.json", "conf/local/parameters.yml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    kept = ["conf/local/tasks/t.yml", "data/08_reporting/t/m/seed_0/metrics.json"]
    for name in kept:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    listed = ["git", "ls-files", "--others", "--exclude-standard", "conf/local", "data"]
    found = subprocess.run(listed, cwd=folder, check=True, capture_output=True, text=True).stdout.split()
    assert set(found) == {"conf/local/README.md", *kept, *(f"data/{layer}/.gitkeep" for layer in LAYERS)}


@pytest.mark.parametrize("killed_at", ["conf", "data", "README.md", "pyproject.toml"])
def test_a_project_that_was_killed_half_way_is_finished_and_nothing_in_it_is_replaced(made, tmp_path, killed_at):
    whole, _ = made
    half, names = tmp_path / "half", ["conf", "data", ".gitignore", ".telemetry", "README.md", "pyproject.toml"]
    half.mkdir()
    for name in names[: names.index(killed_at)]:
        (shutil.copytree if (whole / name).is_dir() else shutil.copy)(whole / name, half / name)
    kept = half / "data" / "mine.csv"
    if kept.parent.is_dir():
        kept.write_text("mine")
    assert CliRunner().invoke(init, [str(half)]).exit_code == 0
    assert {path.name for path in half.iterdir()} == set(names)
    assert not kept.parent.exists() or not kept.exists() or kept.read_text() == "mine"
    assert "holds files" in CliRunner().invoke(init, [str(half)]).output


@pytest.mark.parametrize(("make", "found"), [("mkdir", "holds files"), ("touch", "is a file")])
def test_a_place_that_is_taken_is_refused_and_left_as_it_is(tmp_path, make, found):
    folder = tmp_path / "taken"
    getattr(folder, make)()
    if folder.is_dir():
        (folder / "notes.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    result = CliRunner().invoke(init, [str(folder)])
    assert result.exit_code == 1
    assert f"{folder} {found}, where a project needs a new or an empty folder; name another one" in result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_is_named_so_that_a_shell_finds_it_and_kedro_looks_into_it(tmp_path):
    folder = tmp_path / "my project's"
    made = CliRunner().invoke(init, [str(folder)])
    assert f"  cd {shlex.quote(str(folder))} && kedro tasks new" in made.output
    refused = CliRunner().invoke(init, [str(tmp_path / "project [1]")])
    assert refused.exit_code == 1 and "which Kedro takes for a pattern; name another folder" in refused.output
    assert not (tmp_path / "project [1]").exists()


def test_an_empty_folder_is_filled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(init, ["."]).exit_code == 0
    assert bootstrap_project(tmp_path).package_name == "pare"
