"""A task made of the user's own files."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.config import MissingConfigException

from pare.cli.run_command import parse_params
from pare.config import PareError


@pytest.mark.slow
def test_a_task_is_made_of_the_users_own_file(project, tasks, own_table):
    output = tasks("new", str(own_table), "--target", "kind")
    assert output.splitlines()[0] == "wine: 40 rows; input 2, prediction 2 classes."
    *_, choose, train = output.splitlines()
    assert choose.startswith("  kedro run --params task=wine,method=choose ")
    assert train.startswith("  kedro run --params task=wine ")
    text = (project.project_path / "conf" / "local" / "tasks" / "wine.yml").read_text()
    assert "- wine.csv" in text  # relative to the project, since it lies there
    (line,) = [line for line in tasks().splitlines() if line.split()[:1] == ["wine"]]
    assert "own data" in line and "your own" in line
    assert "wine.csv" in tasks("show", "wine")
    assert "wine" in tasks("--env", "paper", "show", "wine")


@pytest.mark.parametrize("error", [PareError("no run"), MissingConfigException("no parameters")])
def test_a_task_of_which_no_run_can_be_made_leaves_no_file(project, tasks, own_table, monkeypatch, error):
    def resolved_run(*_):
        raise error

    monkeypatch.setattr("pare.cli.new_task_command.resolved_run", resolved_run)
    assert str(error) in tasks("new", str(own_table), "--target", "kind", code=1)
    assert not (project.project_path / "conf" / "local" / "tasks" / "wine.yml").exists()


@pytest.mark.slow
def test_two_parts_make_one_task_of_the_name_that_they_share(tasks, own_table):
    test = own_table.with_name("wine_test.csv")
    test.write_text(own_table.read_text())
    train = own_table.rename(own_table.with_name("wine_train.csv"))
    output = tasks("new", str(test), str(train), "--target", "kind")
    assert output.splitlines()[0] == "wine: 40 train, 40 test; input 2, prediction 2 classes."
    assert "wine_train.csv" in tasks("show", "wine")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["no", "null"])
def test_a_file_may_have_a_name_that_yaml_takes_for_a_value(tasks, own_table, name):
    output = tasks("new", str(shutil.copy(own_table, own_table.with_name(f"{name}.csv"))), "--target", "kind")
    task = parse_params(None, None, [output.rpartition("--params ")[2].split()[0]])["task"]  # from the printed command
    assert f"{name}.csv" in tasks("show", task)


def test_a_file_outside_the_project_is_named_by_its_whole_path(project, tasks, own_table, tmp_path):
    other = shutil.copy(own_table, tmp_path / "elsewhere.csv")
    tasks("new", str(other), "--target", "acid", "--name", "mine")
    assert f"- {other}" in (project.project_path / "conf" / "local" / "tasks" / "mine.yml").read_text()


@pytest.mark.slow
def test_names_of_the_user_are_shown_as_they_are(project, tasks, own_table):
    own_table.write_text(own_table.read_text().replace("acid", "rate [/h]"))
    tasks("new", str(own_table), "--target", "rate [/h]")
    file = project.project_path / "conf" / "local" / "tasks" / "wine.yml"
    file.write_text(file.read_text().replace("rate [/h] from wine.csv", "'[red] :wine: [/]'"))
    card = tasks("show", "wine")
    assert "rate [/h]" in card and "wine: [red] :wine: [/] (own data)" in card


@pytest.mark.slow
def test_a_configuration_file_in_another_encoding_is_named(project, tasks, own_table, monkeypatch):
    tasks("new", str(own_table), "--target", "kind")
    file = project.project_path / "conf" / "local" / "tasks" / "wine.yml"
    file.write_bytes(file.read_text().replace("kind from", "Güte from").encode("latin-1"))
    (project.project_path / "pyproject.toml").write_text("[tool.kedro]\n")  # by which Kedro knows a project
    monkeypatch.chdir(project.project_path)
    assert f"{file} is not encoded in UTF-8" in tasks(code=1).replace("\n", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["wine.csv", "--target", "kind"], "replace it: --force"),
        (["wine.foo", "--target", "kind"], "wine.foo: expected one of these: one table"),  # said before the name
        (["wine.csv", "--target", "kind", "--name", "darcy_flow", "--force"], "is one of those listed"),
        (["volumes.npz", "--name", "wine", "--force"], "Save slices as channels"),  # the file is as it was
        (["wine.csv", "--target", "kind", "--name", "darcy_flow"], "is one of those listed"),
        (["wine.csv", "--target", "kid", "--name", "other"], "Did you mean 'kind'"),
        (["wines.csv", "--target", "kind"], "there are wine.csv"),
        (["wine.csv", "--target", "kind", "--name", "a/b"], "cannot name a task"),
        (["wine.csv", "--input", "acid", "--input", "sugar", "--name", "other"], "expected one --input, found 2: acid"),
    ],
)
def test_no_task_is_made_of_what_is_unclear(project, tasks, own_table, args, words):
    tasks("new", str(own_table), "--target", "kind")
    own_table.with_name("wine.foo").touch()
    np.savez(own_table.with_name("volumes.npz"), x=np.ones((20, 8, 8, 8), np.float32), y=np.arange(20) % 2)
    folder = project.project_path / "conf" / "local" / "tasks"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    output = tasks("new", str(own_table.with_name(args[0])), *args[1:], code=1)
    assert output.startswith("Error: ") and words in output
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
def test_a_task_is_replaced_by_force(project, tasks, own_table):
    tasks("new", str(own_table), "--target", "kind")
    file = project.project_path / "conf" / "local" / "tasks" / "wine.yml"
    file.write_text("wine: [damaged")
    assert "wine: 40 rows" in tasks("new", str(own_table), "--target", "kind", "--force")
    assert "target: kind" in file.read_text()


@pytest.mark.slow
def test_no_task_is_made_of_volumes_with_classes(project, tasks, tmp_path):
    np.savez(tmp_path / "scans.npz", x=np.ones((20, 8, 8, 8), np.float32), y=np.arange(20) % 2)
    output = tasks("new", str(tmp_path / "scans.npz"), "--target", "y", code=1)
    assert output.startswith("Error: ") and "Save slices as channels: [8, 8, 8]" in output
    assert not (project.project_path / "conf" / "local" / "tasks" / "scans.yml").exists()


def test_rare_classes_are_said_at_once_and_in_the_task(project, tasks, own_table):
    own_table.write_text(own_table.read_text() + "\n1,2,rosé\n3,4,rosé")
    said = "fewer than 5 rows: rosé (2 rows); no validation row is of rosé; no test row is of rosé: bring more rows, or"
    assert f"  {said} join classes\n" in tasks("new", str(own_table), "--target", "kind")
    (file,) = (project.project_path / "conf" / "local" / "tasks").glob("*.yml")
    assert f"\n# - {said} join classes\n" in file.read_text()


@pytest.mark.slow
def test_a_run_of_hours_is_said_at_once(tasks, own_table):
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(2000, 500)).round(2)).assign(kind=["red", "white"] * 1000)
    wide.to_csv(own_table, index=False)
    output = tasks("new", str(own_table), "--target", "kind")
    assert "The run below is large" in output and "GiB of memory" in output and "method=probe" in output


def test_what_was_done_to_the_columns_of_a_table_is_said(project, tasks, own_table):
    days = pd.date_range("2024-01-01", periods=40).astype(str)
    frame = pd.read_csv(own_table).assign(when=days, sample=[f"s{i}" for i in range(40)])
    frame.loc[3, "kind"] = None
    frame.to_csv(own_table, index=False)
    output = tasks("new", str(own_table), "--target", "kind")
    assert "wine: 39 rows; input 3" in output and "1 row without kind left out." in output
    assert "dates: {'when': '2024-01-01'} (dates become days" in output
    assert "ignore: ['sample'] (nearly all texts differ in sample; --categorical NAME" in output


def test_words_for_a_missing_value_and_a_delimiter_that_nobody_sees_are_said(project, tasks, own_table):
    table = pd.read_csv(own_table)
    table.iloc[0, 0] = -999
    table.to_csv(own_table.with_suffix(".txt"), sep="\t")
    output = tasks(
        "new", str(own_table.with_suffix(".txt")), "--target", "kind", "--missing", "-999", "--missing", "NA"
    )
    assert "missing: ['-999', 'NA'] (" in output and r"delimiter: '\t' (" in output
    assert "the first column has no name and another value in each row, as row numbers do: left out" in output
    (file,) = (project.project_path / "conf" / "local" / "tasks").glob("*.yml")
    (task,) = yaml.safe_load(file.read_text()).values()
    assert {key: task["reader"]["options"][key] for key in ("ignore", "missing", "delimiter")} == {
        "ignore": ["column 1"],
        "missing": ["-999", "NA"],
        "delimiter": "\t",
    }


@pytest.fixture
def imbalanced(own_table):
    """980 rows of class 0 and 20 of class 1."""
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, 3)), columns=list("abc"))
    values.assign(fraud=np.arange(1000) % 50 == 0).astype({"fraud": int}).to_csv(own_table, index=False)
    return own_table


@pytest.mark.slow
def test_classes_that_an_error_hides_are_said_with_metrics_that_do_not(tasks, imbalanced, project):
    output = tasks("new", str(imbalanced), "--target", "fraud")
    assert "20 of 1000 rows are 1: error hides them, since always saying 0 is wrong in 2 % of rows." in output
    name = "one_minus_balanced_accuracy"
    output = tasks("new", str(imbalanced), "--target", "fraud", "--metric", name, "--name", "balanced")
    assert "hides" not in output
    made = yaml.safe_load((project.project_path / "conf" / "local" / "tasks" / "balanced.yml").read_text())
    assert made["balanced"]["metric"] == name


def test_fields_that_are_zero_have_a_metric_that_is_no_share_of_them(tasks, project):
    file = project.project_path / "flows.npz"
    x = np.random.default_rng(0).normal(size=(40, 1, 16, 16))
    np.savez(file, x=x, y=x.cumsum(2) * (np.arange(40) % 10 > 0)[:, None, None, None])
    refused = tasks("new", str(file), "--target", "y", "--metric", "nrmse", code=1)
    assert "which is zero everywhere in 4 of 40 rows; say --metric rmse" in " ".join(refused.split())
    assert "4 fields to predict are zero everywhere, so loss and metric are rmse" in tasks("new", str(file))
    made = yaml.safe_load((project.project_path / "conf" / "local" / "tasks" / "flows.yml").read_text())["flows"]
    assert (made["loss"], made["metric"]) == ("rmse", "rmse")


def test_a_metric_of_another_output_is_refused_with_those_that_suit(tasks, imbalanced, project):
    output = tasks("new", str(imbalanced), "--target", "fraud", "--metric", "rmse", code=1)
    assert "metric for classification 'rmse' is unknown" in output and "auroc_ovo" in output and "mae" not in output
    assert not (project.project_path / "conf" / "local" / "tasks" / f"{imbalanced.stem}.yml").exists()


@pytest.mark.slow
def test_equal_rows_are_counted_and_stay_in_one_part(tasks, own_table, project):
    frame = pd.read_csv(own_table)
    pd.concat([frame] * 5).to_csv(own_table, index=False)
    output = tasks("new", str(own_table), "--target", "kind")
    rows = len(frame)
    assert f"{4 * rows} of {5 * rows} rows have the inputs of an earlier row; equal rows stay in one part" in output
    made = yaml.safe_load((project.project_path / "conf" / "local" / "tasks" / f"{own_table.stem}.yml").read_text())
    assert made[own_table.stem]["split"]["equal_rows"] == "together"
