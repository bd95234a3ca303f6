"""A choice that is made, interrupted, loaded: with baselines that need no extra and real fits."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pare.config import Library, PareError, resolve_choice
from pare.learners.choice import choice as choices
from pare.learners.choice import search
from pare.learners.choice.blend import Blend, Decision, decide
from pare.learners.choice.choice import Choice
from pare.learners.choice.chosen import ChosenModel, load_trained
from pare.learners.choice.fold_rows import fold_parts
from pare.learners.networks.training import SourceFolders
from pare.storage.store import ArrayStore, write_store

ROWS = {"train": 60, "validation": 20, "test": 40}


@pytest.fixture
def store(tmp_path) -> ArrayStore:
    rng = np.random.default_rng(0)
    blocks = []
    for part, n in ROWS.items():
        x = rng.normal(size=(n, 2)).astype(np.float32)
        blocks.append((part, {"x": x, "y": (x.sum(1) > 0).astype(np.int64)}))
    write_store(
        tmp_path / "s.h5", rows=ROWS, blocks=blocks, statistics={}, fingerprint="s", description={"categories": []}
    )
    return ArrayStore(tmp_path / "s.h5")


@pytest.fixture
def choice(library, parameters, store, tiny_bert, topics):
    task = {
        "title": "t",
        "raw": {"files": ["x.npy"]},
        "reader": {"name": "arrays"},
        "samples": {"all": sum(ROWS.values())},
        "input": {"shape": [2]},
        "output": {"kind": "classification", "shape": [2]},
    }
    methods = ["probe", "logistic_regression"]
    starts = library.starts | {"table": {**library.starts["table"], "layers": [1]}}
    own = Library(**{**library.model_dump(), "tasks": {"own": task}, "starts": starts})
    source = SourceFolders(tiny_bert, topics, ("encoder", "proxy"))

    def make(minutes: float = 5.0, folds: int = 3) -> Choice:
        asked = {**parameters, "task": "own", "method": "choose", "minutes": minutes}
        candidates = {"table": {"folds": folds, "methods": methods}}
        return Choice(resolve_choice(own.model_copy(update={"candidates": candidates}), asked, {}), store, source)

    return make


@pytest.mark.slow
def test_what_is_kept_is_loaded_from_its_folder_alone_and_gives_the_mean_of_its_members(choice, store, tmp_path):
    choice().write(tmp_path / "run/model")
    model = load_trained((tmp_path / "run/model").rename(tmp_path / "moved"))
    assert isinstance(model, ChosenModel)
    written = json.loads((tmp_path / "moved/record.json").read_text())["blend"]  # names of version 0.1.0
    assert written == {"shares": model.blend.weights, "temperatures": model.blend.temperatures}
    x = store.rows("test").read(0, 40)["x"]
    outputs = model.outputs(x, torch.device("cpu"))
    parts = {name: member.outputs(x, torch.device("cpu")) for name, member in model.members.items()}
    mean = sum(
        weight * torch.softmax(torch.tensor(parts[name] / model.blend.temperatures[name]), 1).numpy()
        for name, weight in model.blend.weights.items()
    )
    assert torch.softmax(torch.tensor(outputs), 1).numpy() == pytest.approx(mean, abs=1e-5)
    assert (outputs.argmax(1) == store.rows("test").array("y")).mean() > 0.9
    assert model.calibration is not None and model.calibration.rows == 80  # training and validation rows
    assert [row["method"] for row in model.record["candidates"]] == ["probe", "logistic_regression"]
    folds = sum(3 * row["seconds"] for row in model.record["candidates"])
    final = sum(member.record["train_seconds"] for member in model.members.values())
    assert model.record["train_seconds"] == pytest.approx(folds + final, abs=0.4)


@pytest.mark.slow
def test_others_may_read_every_file_of_a_model_that_they_may_read_at_all(choice, tmp_path):
    choice().write(tmp_path / "run/model")
    (tmp_path / "plain").touch()
    files = [path for path in (tmp_path / "run/model").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".safetensors", ".json"}
    assert {path.stat().st_mode for path in files} == {(tmp_path / "plain").stat().st_mode}


@pytest.mark.slow
def test_what_has_no_share_in_the_end_is_not_fitted_to_all_rows(choice, store, tmp_path, monkeypatch):
    made, fitted, original = choice(), [], choices.described
    network = "probe"  # plays one that minutes bound, and knows every held-out row in the end
    y = np.concatenate([store.rows(part).array("y") for part in ("train", "validation")])
    truth = np.concatenate([y[np.sort(parts["test"])] for parts in fold_parts(store, made.run.task, 3)])
    known = np.where(truth[:, None] == [0, 1], 9.0, -9.0).astype(np.float32)

    def noted(run, *given):
        fitted.append(run.method_name)
        return original(run, *given)

    monkeypatch.setattr(search.Search, "final", lambda self, _: {one.method_name: one for one in self.run.candidates})
    monkeypatch.setattr(choices, "is_bounded", lambda run: run.method_name == network)
    monkeypatch.setattr(Choice, "_validated", lambda *_: {network: known})
    monkeypatch.setattr(choices, "described", noted)
    made.write(tmp_path / "run/model")
    assert fitted == [network]
    assert set(load_trained(tmp_path / "run/model").members) == {network}


@pytest.fixture
def network(monkeypatch) -> str:
    """A candidate that plays a network which minutes bound."""
    name = "logistic_regression"
    for module in (search, choices):
        monkeypatch.setattr(module, "is_bounded", lambda run: run.method_name == name)
    monkeypatch.setattr(search, "within", lambda run, minutes: run)
    return name


def test_a_network_that_was_not_compared_is_kept_for_what_it_predicts_in_the_end(
    choice, network, store, tmp_path, monkeypatch
):
    known = np.where(store.rows("validation").array("y")[:, None] == [0, 1], 9.0, -9.0).astype(np.float32)
    monkeypatch.setattr(Choice, "_validated", lambda *_: {network: known})
    monkeypatch.setattr(choices, "decide", _with_both)
    choice(folds=1).write(tmp_path / "run/model")
    model = load_trained(tmp_path / "run/model")
    assert set(model.members) == {"probe", network}
    (row,) = [row for row in model.record["candidates"] if row["method"] == network]
    assert (row["share"], row["final"], row["left_out"]) == (0.5, 0.0, "")
    assert row["seconds"] == model.members[network].record["train_seconds"]
    assert "metric" not in row


def test_a_network_that_was_not_compared_and_keeps_its_solved_start_is_left_out(choice, network, tmp_path):
    choice(folds=1).write(tmp_path / "run/model")  # a regression has no epoch, as a network that kept its start
    model = load_trained(tmp_path / "run/model")
    assert set(model.members) == {"probe"}
    assert model.record["candidates"][1]["left_out"] == "it keeps its solved start, which the probe is as well"


@pytest.mark.slow
@pytest.mark.parametrize("folds", [1, 3])
def test_a_network_whose_final_fit_fails_is_left_out_where_it_was_its_only_one(
    choice, network, tmp_path, monkeypatch, folds
):
    original = choices.described

    class Failing:
        def is_current(self, path):
            return False

        def write(self, path):
            raise PareError("the grid is too small")

    def failing(run, *given):
        return Failing() if run.method_name == network else original(run, *given)

    monkeypatch.setattr(choices, "described", failing)
    monkeypatch.setattr(choices, "decide", _with_both)
    if folds == 3:  # it was fitted to each of them
        with pytest.raises(PareError, match="the grid is too small"):
            choice(folds=folds).write(tmp_path / "run/model")
        return
    choice(folds=folds).write(tmp_path / "run/model")
    model = load_trained(tmp_path / "run/model")
    assert set(model.members) == {"probe"}
    assert model.record["candidates"][1]["left_out"] == "the grid is too small"


def _with_both(outputs, *given, **more) -> Decision:
    """A decision that keeps all candidates."""
    decision = decide(outputs, *given, **more)
    shares = dict.fromkeys(outputs, 1 / len(outputs))
    return replace(decision, blend=Blend(shares, dict.fromkeys(outputs, 1.0)))


@pytest.mark.slow
def test_a_choice_that_was_interrupted_fits_nothing_twice(choice, tmp_path, monkeypatch):
    fits, original = [], search.held_out

    def third_fails(run, *given):
        fits.append(run.method_name)
        if len(fits) == 3:
            raise KeyboardInterrupt
        return original(run, *given)

    monkeypatch.setattr(search, "held_out", third_fails)
    with pytest.raises(KeyboardInterrupt):
        choice().write(tmp_path / "run/model")
    assert not (tmp_path / "run/model").exists()
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "run/search").rglob("*/*.h5")}
    assert len(made) == 2
    monkeypatch.setattr(search, "held_out", original)
    choice().write(tmp_path / "run/model")
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert choice().is_current(tmp_path / "run/model")
    assert not choice(minutes=6).is_current(tmp_path / "run/model")


@pytest.mark.slow
def test_a_folder_that_lost_a_member_is_refused(choice, tmp_path):
    choice().write(tmp_path / "run/model")
    name = next(path for path in (tmp_path / "run/model/members").iterdir())
    (name / "record.json").unlink()
    with pytest.raises(PareError, match="choose again"):
        load_trained(tmp_path / "run/model")


def test_a_model_that_was_never_made_is_said_to_be_missing(tmp_path):
    with pytest.raises(PareError, match="is missing: there is no such model yet; run pare_train, baseline or choose"):
        load_trained(tmp_path / "run/model")
