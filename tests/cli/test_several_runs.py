"""Several seeds or folds in one command: which runs it makes, what it says of them, and what ends it."""

import json
import logging
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fenced_blocks import blocks
from pare.cli import run
from pare.cli.several_runs import several
from pare.config import PareError
from pare.matrix.engines import Event, Settings
from pare.matrix.states import State

ERRORS = {0: 3.0, 1: 2.0, 2: 4.5, 7: 1.0}  # test error by seed, or by number of the fold; any other fails


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-4", [0, 1, 2, 3, 4]), ("0-2+7", [0, 1, 2, 7]), ("3+1", [3, 1]), ("8-9+0-1", [8, 9, 0, 1])],
)
def test_seeds_are_ranges_with_a_plus_between(text, seeds):
    asked = several({"seeds": text})
    assert (asked.key, asked.values, asked.name) == ("seed", seeds, f"seeds_{text}")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"seeds": "4-0"}, "a range of seeds rises, found '4-0'"),
        ({"seeds": None}, "ranges of whole numbers"),
        ({"seeds": 5}, "at least two, found 5; e.g. seeds=0-4, and seed=3 for one"),
        ({"seeds": "3-3"}, "at least two, found '3-3'"),
        ({"seeds": "1-3+2"}, "seeds must differ"),
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


def params_of(job):
    """What the command of a job asks for, as `kedro run` reads it."""
    _, _, *words = shlex.split(job.command)
    return run.make_context("run", words).params


class Engine:
    """Notes its jobs; one that is a run writes its metrics, or fails."""

    def __init__(self, reporting):
        self.reporting, self.jobs, self.settings = reporting, [], None

    def __call__(self, plan, settings: Settings):
        self.jobs, self.settings = [*plan.jobs.values()], settings
        for job in self.jobs:
            yield [Event(job, "started")]
            yield [self.ended(job)]

    @property
    def runs(self):
        return [job for job in self.jobs if not job.prepares]

    def ended(self, job):
        params = params_of(job)["params"]
        number = int(str(params.get("fold", params.get("seed", 0))).partition("/")[0])
        if job.prepares or number in ERRORS:
            self.finish(params, ERRORS.get(number)) if not job.prepares else None
            return Event(job, "done", seconds=1.0)
        return Event(job, "failed", "Error: this one is impossible", 1.0)

    def finish(self, params, error):
        """Write the metrics of a run."""
        number, _, folds = str(params.get("fold", "")).partition("/")
        below = f"fold_{number}_of_{folds}/" if folds else ""
        folder = self.reporting / "mine" / params["method"] / f"{below}seed_{params.get('seed', 0)}"
        folder.mkdir(parents=True, exist_ok=True)
        metric = {"name": "error_percent", "title": "error", "unit": "%", "direction": "lower"}
        empty = dict.fromkeys(("constant_prediction", "validation", "n_train", "n_test", "kept"))
        (folder / "metrics.json").write_text(json.dumps({**empty, "metric": metric, "test": error}))


@pytest.fixture
def project(conf, tmp_path, monkeypatch):
    """A project with a task of one's own."""
    (tmp_path / "conf" / "local" / "tasks").mkdir(parents=True)
    (tmp_path / "conf" / "base").symlink_to(conf / "base")
    (tmp_path / "conf" / "local/tasks/mine.yml").write_text(
        "mine: {title: mine, raw: {files: [mine.csv]}, reader: {name: table}, samples: {all: 40}, input: {shape: [2]},"
        " output: {kind: classification, shape: [2]}}"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pare.cli.several_runs.find_kedro_project", lambda _: tmp_path)
    return tmp_path


@pytest.fixture
def engine(project, monkeypatch):
    """What runs the plan in place of processes."""
    engine = Engine(project / "data" / "08_reporting")
    monkeypatch.setattr("pare.cli.several_runs.run_local", engine)
    return engine


@pytest.fixture
def runs(engine):
    """`kedro run` with some parameters and options: its exit code and all that it says."""

    def runs(params, *options):
        result = CliRunner().invoke(run, [*options, "--params", params])
        return result.exit_code, result.output

    return runs


def test_each_seed_is_one_run_and_their_mean_is_written_and_said(runs, engine, project, caplog):
    caplog.set_level(logging.INFO, "pare")
    code, output = runs("task=mine,method=probe,seeds=0-2+7")
    assert code == 0, output
    asked = [params_of(job)["params"] for job in engine.runs]
    assert asked == [{"task": "mine", "method": "probe", "seed": seed} for seed in ERRORS]
    folder = project / "data/08_reporting/mine/probe/seeds_0-2+7"
    summary, errors = json.loads((folder / "summary.json").read_text()), list(ERRORS.values())
    np.testing.assert_allclose(summary["mean"], np.mean(errors))
    np.testing.assert_allclose(summary["standard_deviation"], np.std(errors, ddof=1))
    assert pd.read_csv(folder / "summary.csv")[["seed", "test"]].to_numpy().tolist() == [
        [*pair] for pair in ERRORS.items()
    ]
    assert caplog.messages[-1] == (
        "mine, probe: mean ± standard deviation over 4 seeds: test error 2.6 ± 1.5 % (lower is better)."
    )


def test_each_fold_is_one_run_of_the_same_seed(runs, engine, project, caplog):
    caplog.set_level(logging.INFO, "pare")
    code, output = runs("task=mine,method=probe,folds=2,seed=3")
    assert code == 0, output
    asked = [params_of(job)["params"] for job in engine.runs]
    assert [(params["fold"], params["seed"]) for params in asked] == [("1/2", 3), ("2/2", 3)]
    assert (project / "data/08_reporting/mine/probe/folds_2/seed_3/summary.json").is_file()
    assert "over 2 folds: test error 3.2 ± 1.8 %" in caplog.messages[-1]


def test_inputs_are_prepared_once_and_the_rows_of_each_fold_on_their_own(runs, engine):
    runs("task=mine,method=probe,folds=2")
    first = [job.name for job in engine.jobs if job.prepares]
    folds = [f"input-mine-fold_{number}_of_2" for number in (1, 2)]
    assert sorted(first) == sorted(["raw-mine", "encoder-minilm", "proxy-english_topics", *folds])
    assert all({"raw-mine", "encoder-minilm"} <= {*job.needs} for job in engine.runs)


def test_nothing_that_was_typed_is_lost(runs, engine, project):
    """Each run gets the command of several, with its seed in their place and without the number of workers."""
    (project / "other").symlink_to(project / "conf")
    (project / "more.yml").write_text("run: {runner: ThreadRunner}")
    options = ["--config=more.yml", "--conf-source=other", "-e", "local", "--tags", "train,evaluate", "--async"]
    typed = "task:mine,method=finetune,training.epochs=3,tracking=none"
    code, output = runs(f"{typed},seeds=0-1", *options, "--workers=3")
    assert code == 0, output
    for seed, job in enumerate(engine.runs):
        expected = run.make_context("run", [*options, "--params", f"{typed},seed={seed}"]).params
        assert params_of(job) == expected
        assert expected["workers"] is None and (expected["is_async"], expected["runner"]) == (True, "ThreadRunner")
    assert {params_of(job)["conf_source"] for job in engine.jobs} == {str(project / "conf")}
    assert engine.settings.workers == 3


def words(text):
    """Words with # for each number."""
    return re.sub(r"\d+(\.\d+)?", "#", text).split()


def test_the_page_shows_what_is_said(runs, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "pare")
    for number in range(1, 6):
        monkeypatch.setitem(ERRORS, number, 1.25 + number)
    (_, command), (_, shown), *_ = blocks("tables.md", "Several seeds, or a cross-validation")
    code, output = runs(command.splitlines()[0].split()[-1].replace("wine", "mine"))
    assert code == 0, output
    said = [row.split() for row in output.splitlines()[-7:-1]]
    assert said[0] == ["fold", "test", "constant_prediction", "validation", "n_train", "n_test", "kept"]
    assert [row[0] for row in said[1:]] == [f"{number}/5" for number in range(1, 6)]
    assert words(caplog.messages[-1]) == words(shown.replace("wine", "mine"))


def test_logs_are_where_no_other_command_has_its_own(runs, engine, project):
    _, output = runs("task=mine,method=probe,seeds=0-1")
    assert engine.settings.folder == project / "data/matrix/mine/probe/seeds_0-1"
    assert "Runs to make: 2; inputs to prepare: 4. Their logs: data/matrix/mine/probe/seeds_0-1/logs\n" in output


@pytest.mark.parametrize(
    ("options", "made"),
    [
        (["task=mine,method=probe,seeds=0-2"], [1]),
        (["task=mine,method=probe,seeds=0-2", "--pipelines=evaluate"], [0, 1, 2]),
        (["task=mine,method=probe,seeds=0-2", "--from-nodes=predict"], [0, 1, 2]),
        (["task=mine,method=probe,seeds=0-2,tracking=tensorboard"], [0, 1, 2]),
    ],
)
def test_finished_runs_are_left_out_unless_more_than_their_model_is_asked_for(runs, engine, monkeypatch, options, made):
    def states(cells, data):
        return {name: State("nothing" if cell.run.seed == 1 else "done") for name, cell in cells.items()}

    monkeypatch.setattr("pare.cli.several_runs.matrix_states", states)
    for seed in (0, 2):
        engine.finish({"method": "probe", "seed": seed}, ERRORS[seed])
    code, output = runs(*options)
    assert code == 0, output
    assert [params_of(job)["params"]["seed"] for job in engine.runs] == made
    assert ("2 of 3 runs are done already." in output) == (made == [1])


def test_a_run_that_is_done_by_its_line_of_results_csv_is_evaluated_here(runs, engine, monkeypatch):
    done = State("done")
    monkeypatch.setattr("pare.cli.several_runs.matrix_states", lambda cells, data: dict.fromkeys(cells, done))
    engine.finish({"method": "probe", "seed": 0}, ERRORS[0])
    code, output = runs("task=mine,method=probe,seeds=0-1")
    assert code == 0, output
    assert [params_of(job)["params"]["seed"] for job in engine.runs] == [1]


def test_a_run_that_fails_is_told_and_named_the_others_go_on_and_there_is_no_summary(runs, engine, project):
    code, output = runs("task=mine,method=probe,seeds=1-4+7")
    assert code == 1
    assert [params_of(job)["params"]["seed"] for job in engine.runs] == [1, 2, 3, 4, 7]
    assert "FAILED: mine-probe-3: Error: this one is impossible\n" in output
    assert "its log: data/matrix/mine/probe/seeds_1-4+7/logs/mine-probe-3.log" in output
    assert (
        "\nError: 2 of 5 runs are not done, so that there is no summary: seed 3, seed 4. See their logs in data/"
        in output
    )
    assert not [*project.rglob("summary.*")]


def test_a_run_without_a_test_metric_is_named(runs, engine, monkeypatch):
    monkeypatch.setattr(engine, "finish", lambda params, error: None)
    code, output = runs("task=mine,method=probe,seeds=0-1", "--tags=train")
    assert (code, "Error: 2 of 2 runs are not done, so that there is no summary: seed 0, seed 1." in output) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("params", "pipelines", "message"),
    [
        ("task=openml_wdbc,folds=5", "pare_train", "published with its test rows"),
        ("task=nothing,seeds=0-1", "pare_train", "task 'nothing' is unknown"),
        ("task=mine,seeds=0-1", "predict", "predict has no test metric"),
        ("task=mine,folds=41", "pare_train", "has 40 rows, 41 folds need as many"),
        ("task=mine,seeds=0-1,tracking=nothing", "pare_train", "tracking 'nothing' is unknown"),
        ("task=mine,method=ridge,seeds=0-4", "pare_train", "ridge predicts dense from grids; task 'mine' predicts"),
    ],
)
def test_a_mistake_ends_the_command_before_the_first_run(runs, engine, params, pipelines, message):
    code, output = runs(params, f"--pipelines={pipelines}")
    assert (engine.jobs, code) == ([], 1)
    assert message in output


def test_workers_of_one_run_are_refused(runs):
    assert runs("task=mine,seed=3", "--workers=2") == (
        1,
        "Error: --workers is for several runs, such as seeds=0-4; this is one, so leave it out\n",
    )


def test_seeds_in_a_file_of_options_are_refused(engine, project):
    (project / "options.yml").write_text("run: {params: {task: mine, seeds: 0-1}}")
    result = CliRunner().invoke(run, ["--config=options.yml"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: seeds and folds belong in --params of the command, found them in the file")


def test_several_runs_without_a_project_are_refused(engine, runs, monkeypatch):
    monkeypatch.setattr("pare.cli.several_runs.find_kedro_project", lambda _: None)
    code, output = runs("task=mine,seeds=0-1")
    assert (code, engine.jobs) == (1, [])
    assert output.startswith("Error: no project is in this folder or above it; make one: pare init")
