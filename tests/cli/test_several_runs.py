"""Several seeds or folds in one command: which runs it makes, what it says of them, and what ends it."""

import json
import logging

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.cli.project import run as kedro_run

from pare.cli.run_command import RunCommand
from pare.cli.several_runs import seeds_of, several
from pare.config import PareError

ERRORS = {0: 3.0, 1: 2.0, 2: 4.5, 7: 1.0}  # test error by seed, or by number of the fold


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-4", [0, 1, 2, 3, 4]), ("0-2+7", [0, 1, 2, 7]), ("3+1", [3, 1]), ("8-9+0-1", [8, 9, 0, 1])],
)
def test_seeds_are_ranges_with_a_plus_between(text, seeds):
    assert seeds_of(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4-0", "a range of seeds rises, found '4-0'"),
        ("0-", "ranges of whole numbers"),
        ("-3", "ranges of whole numbers"),
        ("a", "ranges of whole numbers"),
        ("0.5-2", "ranges of whole numbers"),
        ([0, 1], "ranges of whole numbers"),
        (None, "ranges of whole numbers"),
        (5, "at least two different ones, found 5; e.g. seeds=0-4, which is five seeds"),
        ("1-3+2", "at least two different ones"),
        ("0-4000000000", "more than 1000 runs"),
    ],
)
def test_other_lists_of_seeds_are_refused(text, message):
    with pytest.raises(PareError, match=message):
        seeds_of(text)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"seeds": "0-1", "seed": 0}, "seeds and seed are given"),
        ({"seeds": "0-1", "folds": 5}, "seeds and folds are given"),
        ({"folds": 5, "fold": "1/5"}, "folds and fold are given"),
        ({"folds": 1}, "folds must be a whole number from 2 to 1000, found 1"),
        ({"folds": "five"}, "folds must be a whole number from 2 to 1000, found 'five'"),
    ],
)
def test_what_cannot_be_meant_is_refused(params, message):
    with pytest.raises(PareError, match=message):
        several(params)


@pytest.fixture
def runs(project, monkeypatch):
    """`kedro run` in a project with a task of one's own, where a run only notes its parameters and its error."""
    monkeypatch.chdir(project.project_path)
    monkeypatch.setattr("pare.cli.several_runs.find_kedro_project", lambda _: project.project_path)
    (project.project_path / "conf/local/tasks").mkdir(exist_ok=True)
    (project.project_path / "conf/local/tasks/mine.yml").write_text(
        "mine: {title: mine, raw: {files: [mine.csv]}, reader: {name: table}, samples: {all: 40}, input: {shape: [2]},"
        " output: {kind: classification, shape: [2]}}"
    )
    made = []

    def run_once(params, **options):
        made.append(params)
        number = int(str(params.get("fold", params.get("seed"))).partition("/")[0])
        if number not in ERRORS:
            raise PareError("this one is impossible")
        below = f"fold_{number}_of_2/seed_{params.get('seed', 0)}" if "fold" in params else f"seed_{number}"
        folder = project.project_path / "data/08_reporting/mine/probe" / below
        folder.mkdir(parents=True, exist_ok=True)
        metric = {"name": "error_percent", "title": "error", "unit": "%", "direction": "lower"}
        empty = dict.fromkeys(("constant_prediction", "validation", "n_train", "n_test", "kept"))
        (folder / "metrics.json").write_text(json.dumps({**empty, "metric": metric, "test": ERRORS[number]}))

    def runs(params, pipelines="pare_train"):
        command = RunCommand(name="run", params=kedro_run.params, callback=run_once)
        result = CliRunner().invoke(command, [f"--pipelines={pipelines}", "--params", params])
        return made, result

    return runs


def test_each_seed_is_one_run_and_their_mean_is_written_and_said(runs, project, caplog):
    caplog.set_level(logging.INFO, "pare")
    made, result = runs("task=mine,method=probe,seeds=0-2+7")
    assert result.exit_code == 0, result.output
    assert made == [{"task": "mine", "method": "probe", "seed": seed} for seed in ERRORS]
    folder = project.project_path / "data/08_reporting/mine/probe/seeds_0-2+7"
    summary, errors = json.loads((folder / "summary.json").read_text()), list(ERRORS.values())
    np.testing.assert_allclose(summary["mean"], np.mean(errors))
    np.testing.assert_allclose(summary["standard_deviation"], np.std(errors, ddof=1))
    assert pd.read_csv(folder / "summary.csv")[["seed", "test"]].to_numpy().tolist() == [
        [*pair] for pair in ERRORS.items()
    ]
    assert caplog.messages[-1] == (
        "mine, probe: mean ± standard deviation over 4 seeds: test error 2.6 ± 1.5 % (lower is better)."
    )


def test_each_fold_is_one_run_of_the_same_seed(runs, project, caplog):
    caplog.set_level(logging.INFO, "pare")
    made, result = runs("task=mine,method=probe,folds=2,seed=3")
    assert result.exit_code == 0, result.output
    assert [params["fold"] for params in made] == ["1/2", "2/2"]
    assert (project.project_path / "data/08_reporting/mine/probe/folds_2/seed_3/summary.json").is_file()
    assert "over 2 folds: test error 3.2 ± 1.8 %" in caplog.messages[-1]


def test_a_run_that_fails_ends_the_command_and_is_named(runs):
    made, result = runs("task=mine,method=probe,seeds=1-4")
    assert result.exit_code == 1
    assert [params["seed"] for params in made] == [1, 2, 3]
    assert "Error: seed 3: this one is impossible\nThe runs before it are done" in result.output


@pytest.mark.parametrize(
    ("params", "pipelines", "message"),
    [
        ("task=openml_wdbc,folds=5", "pare_train", "published with its test rows"),
        ("task=nothing,seeds=0-1", "pare_train", "task 'nothing' is unknown"),
        ("task=mine,seeds=0-1", "predict", "predict has no test metric"),
        ("task=mine,folds=41", "pare_train", "has 40 rows, 41 folds need as many"),
    ],
)
def test_a_mistake_ends_the_command_before_the_first_run(runs, params, pipelines, message):
    made, result = runs(params, pipelines)
    assert (made, result.exit_code) == ([], 1)
    assert message in result.output
