"""Several seeds, and a cross-validation, of a user's own table by the real command."""

import json
import shutil
import signal

import h5py
import numpy as np
import psutil
import pytest

pytestmark = pytest.mark.slow

TINY = "task=mine,method=finetune,source=tiny,start=random,training.epochs=1"


@pytest.fixture
def mine(project):
    """A project with a table of 36 rows in twelve groups of three, each row another number."""
    rows = [f"{i},{i * i % 11},{['red', 'white'][i % 2]},g{i // 3}" for i in range(36)]
    (project / "mine.csv").write_text("\n".join(["number,sugar,kind,bottle", *rows]))
    (project / "conf/local/tasks/mine.yml").write_text(
        "mine:\n"
        "  title: mine\n"
        "  raw: {files: mine.csv}\n"
        "  reader: {name: table, options: {target: kind, group: bottle}}\n"
        "  samples: {all: 36}\n"
        "  input: {shape: [2]}\n"
        "  output: {kind: classification, shape: [2]}\n"
        "  normalisation: {inputs: none}\n"
    )
    return project


def test_a_run_that_fails_is_told_with_its_log_and_the_same_command_makes_it_as_it_is_made_alone(mine, kedro):
    reporting, logs = mine / "data/08_reporting", "data/matrix/mine/finetune/start_random-source_tiny/seeds_0-1/logs"
    models = mine / "data/06_models/mine/finetune/start_random-source_tiny"
    models.mkdir(parents=True)
    (models / "seed_1").touch()  # a file where a folder is to be
    outcome = kedro(mine, "--params", f"{TINY},seeds=0-1")
    assert (outcome.code, "Traceback" in outcome.out + outcome.err) == (1, False)
    assert "FAILED: mine-finetune-1: Error: cannot write " in outcome.out
    assert f"its log: {logs}/mine-finetune-1.log" in outcome.out
    assert outcome.err.startswith("Error: 1 of 2 runs are not done, so that there is no summary: seed 1. See")
    assert "Error: cannot write " in (mine / logs / "mine-finetune-1.log").read_text()
    assert (reporting / "mine/finetune/start_random-source_tiny/seed_0/metrics.json").is_file()
    assert not [*reporting.rglob("summary.*")]

    (models / "seed_1").unlink()
    again = kedro(mine, "--params", f"{TINY},seeds=0-1")
    assert again.code == 0, again.err
    assert again.out.startswith("1 of 2 runs are done already.\nRuns to make: 1; inputs to prepare: 0.")
    assert again.leftovers == []
    assert "mean ± standard deviation over 2 seeds: test error" in again.out.splitlines()[-1]
    assert [*reporting.rglob("summary.json")]

    folder = "mine/finetune/start_random-source_tiny/seed_1"
    with h5py.File(mine / "data/07_model_output" / folder / "predictions.h5") as file:
        among = file["prediction"][:]
    for layer in ("06_models", "07_model_output", "08_reporting"):
        shutil.rmtree(mine / "data" / layer / folder)
    assert kedro(mine, "--params", f"{TINY},seed=1").code == 0
    with h5py.File(mine / "data/07_model_output" / folder / "predictions.h5") as file:
        np.testing.assert_allclose(file["prediction"][:], among, rtol=1e-4)  # on as many threads as there were


def test_each_row_is_tested_once_and_groups_stay_whole(mine, kedro):
    params = "task=mine,method=logistic_regression,folds=2"
    outcome = kedro(mine, "--params", params, "--workers=1")
    assert outcome.code == 0, outcome.err
    tested = []
    for number in (1, 2):
        with h5py.File(mine / f"data/05_model_input/mine-fold_{number}_of_2.h5") as file:
            numbers = {part: file[part]["x"][:, 0].astype(int) for part in ("train", "validation", "test")}
        assert sorted(np.concatenate([*numbers.values()])) == [*range(36)]
        assert not {*numbers["test"] // 3} & {*numbers["train"] // 3}
        tested += [*numbers["test"]]
    assert sorted(tested) == [*range(36)]
    folder = mine / "data/08_reporting/mine/logistic_regression"
    errors = [json.loads((folder / f"fold_{number}_of_2/seed_0/metrics.json").read_text())["test"] for number in (1, 2)]
    summary = json.loads((folder / "folds_2/seed_0/summary.json").read_text())
    np.testing.assert_allclose(summary["mean"], np.mean(errors))
    assert len([*(mine / "data/matrix/mine/logistic_regression/folds_2/seed_0/logs").glob("raw-*")]) == 1


def test_a_command_that_is_ended_ends_its_runs(mine, kedro_interrupted):
    logs = mine / "data/matrix/mine/finetune/start_random-source_tiny/seeds_0-1/logs"
    training = mine / "data/06_models/mine/finetune/start_random-source_tiny/seed_1/checkpoint"
    params = f"{TINY.replace('epochs=1', 'epochs=100000')},training.checkpoint_minutes=0.0001,seeds=0-1"
    outcome = kedro_interrupted(mine, training, "--params", params, "--workers=2", number=signal.SIGTERM)
    assert outcome.code == 128 + signal.SIGTERM
    assert "Terminated. The same command goes on after the last step or fit that was saved." in outcome.err
    assert "Traceback" not in outcome.err + (logs / "mine-finetune-1.log").read_text()
    left = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(mine)]
    assert not left
