"""A project that `pare init` made, with the real commands: a table becomes a task and a model."""

import json
import shutil

import pytest
from sklearn.datasets import load_iris

pytestmark = pytest.mark.slow


def test_a_command_outside_a_project_says_how_to_make_one(python_m_pare, tmp_path):
    outcome = python_m_pare(tmp_path, "tasks")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "Error: no project is in this folder or above it; make one: pare init my_project\n"


def test_a_table_is_learnt_in_a_new_project(template, python_m_pare, tmp_path):
    made = python_m_pare(tmp_path, "init", "iris")
    assert (made.code, made.err) == (0, "")
    assert "INFO" not in made.out
    project = tmp_path / "iris"
    shutil.copy(template / "conf" / "local" / "sources.yml", project / "conf" / "local")  # the tiny encoder
    load_iris(as_frame=True).frame.to_csv(project / "flowers.csv", index=False)
    new = python_m_pare(project, "tasks", "new", "flowers.csv", "--target", "target")
    assert new.code == 0, new.out + new.err
    assert "flowers: 150 rows; input 4, prediction 3 classes." in new.out
    run = python_m_pare(project, "--params", "task=flowers,method=probe,source=tiny")
    assert run.code == 0, run.out + run.err
    assert not run.leftovers
    (metrics,) = (project / "data" / "08_reporting").rglob("metrics.json")
    assert json.loads(metrics.read_text())["test"] < 20  # error in %
