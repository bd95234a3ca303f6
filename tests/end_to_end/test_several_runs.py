"""Several seeds, and a cross-validation, of a user's own table by the real command."""

import json
import re
import shutil

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_wine

from fenced_blocks import blocks

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


def test_a_seed_among_several_is_the_run_of_that_seed_and_is_not_repeated(mine, kedro):
    both = kedro(mine, "--params", f"{TINY},seeds=0-1")
    assert both.code == 0, both.err
    assert "mean ± standard deviation over 2 seeds: test error" in both.out.splitlines()[-1]
    folder = "mine/finetune/start_random-source_tiny/seed_1"
    with h5py.File(mine / "data/07_model_output" / folder / "predictions.h5") as file:
        among = file["prediction"][:]
    again = kedro(mine, "--params", f"{TINY},seeds=0-1")
    assert again.out.count("/model is up to date") == 2
    for layer in ("06_models", "07_model_output", "08_reporting"):
        shutil.rmtree(mine / "data" / layer / folder)
    assert kedro(mine, "--params", f"{TINY},seed=1").code == 0
    with h5py.File(mine / "data/07_model_output" / folder / "predictions.h5") as file:
        np.testing.assert_array_equal(file["prediction"][:], among)


def test_each_row_is_tested_once_and_groups_stay_whole(mine, kedro):
    outcome = kedro(mine, "--pipelines=baseline", "--params", "task=mine,method=logistic_regression,folds=3")
    assert outcome.code == 0, outcome.err
    tested = []
    for number in (1, 2, 3):
        with h5py.File(mine / f"data/05_model_input/mine-fold_{number}_of_3.h5") as file:
            numbers = {part: file[part]["x"][:, 0].astype(int) for part in ("train", "validation", "test")}
        assert sorted(np.concatenate([*numbers.values()])) == [*range(36)]
        assert not {*numbers["test"] // 3} & {*numbers["train"] // 3}
        tested += [*numbers["test"]]
    assert sorted(tested) == [*range(36)]
    folder = mine / "data/08_reporting/mine/logistic_regression"
    errors = [
        json.loads((folder / f"fold_{number}_of_3/seed_0/metrics.json").read_text())["test"] for number in (1, 2, 3)
    ]
    summary = json.loads((folder / "folds_3/seed_0/summary.json").read_text())
    np.testing.assert_allclose(summary["mean"], np.mean(errors))


def words(text):
    """Words with # for each number: a tiny encoder gives others."""
    return re.sub(r"\d+(\.\d+)?", "#", text).replace(", source tiny", "").split()


def test_what_the_page_shows_is_what_is_said(project, kedro, said):
    (_, command), (_, shown), *_ = blocks("tables.md", "Several seeds, or a cross-validation")
    table = load_wine(as_frame=True).frame.rename(columns={"target": "cultivar"})
    table.to_csv(project / "wine.csv", index=False)
    said(project, "bash", "kedro tasks new wine.csv --target cultivar")
    _, _, *options = command.splitlines()[0].split()
    outcome = kedro(project, *options[:-1], f"{options[-1]},source=tiny")
    assert outcome.code == 0, outcome.err
    *rows, last = outcome.out.splitlines()[-7:]
    assert rows[0].split() == ["fold", "test", "constant_prediction", "validation", "n_train", "n_test", "kept"]
    assert [row.split()[0] for row in rows[1:]] == [f"{number}/5" for number in range(1, 6)]
    assert words(last)[1:] == words(shown)
