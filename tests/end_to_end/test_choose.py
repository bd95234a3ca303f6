"""A choice from a user's table to predictions of new rows, by the real commands."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from pare import load

pytestmark = pytest.mark.slow


def choose_from(project, kind: str, folds: int, methods: list[str]) -> None:
    """Let `choose` compare these methods in this project."""
    entry = {"title": "The best of several", "paper": "none", "minutes": 10}
    candidates = {kind: {"folds": folds, "methods": methods}}
    path = project / "conf" / "local" / "learners.yml"
    path.write_text(yaml.safe_dump({"choose": entry | {"candidates": candidates}}))


def table(rows: int, seed: int) -> pd.DataFrame:
    """Two columns; the class is inside or outside of a circle, a tenth of the rows is mislabelled."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    inside = ((x**2).sum(1) < 1.4) ^ (rng.random(rows) < 0.1)
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "ring": np.where(inside, "inside", "outside")})


def test_the_best_of_several_is_kept_and_predicts_new_rows(project, kedro, said):
    choose_from(project, "table", 5, ["probe", "logistic_regression", "xgboost"])
    table(160, 0).to_csv(project / "ring.csv", index=False)
    new = table(50, 1)
    new.drop(columns="ring").to_csv(project / "new.csv", index=False)
    said(project, "bash", "kedro tasks new ring.csv --target ring")
    chosen = kedro(project, "--pipelines=choose", "--params", "task=ring,source=tiny,minutes=3")
    assert chosen.code == 0, chosen.err
    assert chosen.leftovers == []
    assert "Selected: " in chosen.out
    folder = project / "data/08_reporting/ring/choose/source_tiny/seed_0"
    metrics = json.loads((folder / "metrics.json").read_text())
    board = pd.read_csv(folder / "leaderboard.csv", index_col="method")
    assert board["share"].sum() == 1
    assert board.loc[["probe", "logistic_regression"], "folds"].min() >= 1
    assert metrics["validation"] < board.loc["logistic_regression", "metric"] - 10  # no line tells a ring
    assert metrics["test"] < 30
    assert (folder / "leaderboard.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "run.html").read_text()
    assert "Candidates" in page and "predict=FILE" in page and "time asked for" in page
    assert metrics["train_seconds"] <= 1.15 * metrics["seconds_asked"] + 20

    model = load(project / "data/06_models/ring/choose/source_tiny/seed_0")
    assert (model.predict(new.drop(columns="ring")) == new["ring"]).mean() > 0.7
    predicted = kedro(project, "--pipelines=predict", "--params", "task=ring,method=choose,source=tiny,predict=new.csv")
    assert predicted.code == 0, predicted.err
    written = pd.read_csv(project / "data/07_model_output/ring/choose/source_tiny/seed_0/new_rows/new.csv")
    assert (written["ring"] == model.predict(new.drop(columns="ring"))).all()

    again = kedro(project, "--pipelines=choose", "--params", "task=ring,source=tiny,minutes=3")
    assert "data/06_models/ring/choose/source_tiny/seed_0/model is up to date." in again.out


def test_choices_are_compared_with_a_method_in_one_matrix(project, kedro_command):
    choose_from(project, "table", 5, ["logistic_regression", "lightgbm"])
    asked = ("--tasks=openml_wdbc", "--methods=choose,lightgbm", "--seeds=0", "--params=minutes=0.5")
    outcome = kedro_command(project, "matrix", "run", *asked)
    assert outcome.code == 0, outcome.out + outcome.err
    assert outcome.out.splitlines()[-1] == "All 2 runs are done."
    results = pd.read_csv(project / "data/matrix/own/results.csv").set_index(["method", "seed"])["test"]
    folders = {(method, seed): f"openml_wdbc/{method}/seed_{seed}" for method, seed in results.index}
    assert {*folders} == {("choose", 0), ("lightgbm", 0)}
    for index, folder in folders.items():
        metrics = json.loads((project / "data/08_reporting" / folder / "metrics.json").read_text())
        assert results[index] == pytest.approx(metrics["test"])
    again = kedro_command(project, "matrix", "check", *asked)
    assert (again.code, again.out) == (0, "All 2 runs are done.\n")
    longer = kedro_command(project, "matrix", "check", *asked[:-1], "--params=minutes=0.6")
    assert longer.code == 1
    assert "2 of 2 runs are not done: openml_wdbc-choose-0, openml_wdbc-lightgbm-0" in longer.err


def test_of_fields_two_networks_are_trained_side_by_side_and_their_shares_are_those_of_the_trained_ones(project, said):
    choose_from(project, "field", 1, ["probe", "finetune", "pare"])
    x = np.random.default_rng(0).normal(size=(240, 1, 32)).astype(np.float32)
    np.savez(project / "steps.npz", x=x, y=np.abs(x))  # no line through the values does it
    said(project, "bash", "kedro tasks new steps.npz --target y")
    said(project, "bash", "OMP_NUM_THREADS=2 kedro run --pipelines=choose --params task=steps,source=tiny,minutes=1")
    folder = project / "data/08_reporting/steps/choose/source_tiny/seed_0"
    board = pd.read_csv(folder / "leaderboard.csv", index_col="method")
    assert board["share"].sum() == pytest.approx(1)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert board["folds"].tolist() == [1, 1, 1]
    assert metrics["validation"] < board.loc["probe", "metric"] / 2
    assert metrics["test"] < board.loc["probe", "metric"] / 2
    members = project / "data/06_models/steps/choose/source_tiny/seed_0/model/members"
    assert {path.name for path in members.iterdir()} == set(board.index[board["share"] > 0])
