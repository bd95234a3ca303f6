"""A choice that is made, interrupted, short of time, and loaded: real fits, made in this process."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy.special import softmax

from pare.config import Library, PareError, resolve
from pare.learners.choice import choose as module
from pare.learners.choice import folds as fits
from pare.learners.choice.choose import ChoiceLearner
from pare.learners.choice.leaderboard import Tried
from pare.learners.fit import Fit
from pare.learners.learner import Data, Work
from pare.learners.model import Model
from pare.storage.store import ArrayStore, write_store

ROWS = {"train": 60, "validation": 20, "test": 40}
TABLE = {
    "title": "t",
    "raw": {"files": ["x.npy"]},
    "reader": {"name": "arrays"},
    "samples": {"all": sum(ROWS.values())},
    "input": {"shape": [2]},
    "output": {"kind": "classification", "shape": [2]},
}
FIELD = TABLE | {"input": {"shape": [1, 16]}, "output": {"kind": "dense", "shape": [1, 16]}}


class Here:
    """Workers that fit in this process; in time are ``done`` of the jobs of a call, or the one that is waited for."""

    def __init__(self) -> None:
        self.most, self.done = 2, []

    def run(self, jobs, seconds, waits=False) -> Iterator:
        done = self.done.pop(0) if self.done else None
        for name, job in list(jobs.items())[: done if done is None else max(done, waits)]:
            try:
                yield name, (job(), "")
            except PareError as error:
                yield name, (None, str(error))

    def close(self) -> None:
        pass


@pytest.fixture
def workers(monkeypatch) -> Here:
    here = Here()
    monkeypatch.setattr(module, "Workers", lambda: here)
    return here


@pytest.fixture
def store(tmp_path) -> ArrayStore:
    rng, blocks = np.random.default_rng(0), []
    for part, n in ROWS.items():
        x = rng.normal(size=(n, 2)).astype(np.float32)
        blocks.append((part, {"x": x, "y": (x.sum(1) + rng.normal(size=n) > 0).astype(np.int64)}))
    write_store(
        tmp_path / "s.h5", rows=ROWS, blocks=blocks, statistics={}, fingerprint="s", description={"categories": []}
    )
    return ArrayStore(tmp_path / "s.h5")


@pytest.fixture
def run(library, parameters):
    def run(methods=("logistic_regression", "lightgbm"), task=TABLE, folds=5, minutes=5.0, **changed):
        candidates = {"table": {"folds": folds, "methods": methods}, "field": {"folds": folds, "methods": methods}}
        learners = library.learners | {"choose": {"title": "c", "paper": "", "candidates": candidates}}
        learners |= {name: learners[name] | values for name, values in changed.items()}
        own = Library(**{**library.model_dump(), "tasks": {"own": task}, "learners": learners})
        asked = {"task": "own", "method": "choose", "minutes": minutes}
        return resolve(own, {**parameters, **asked}, asked)

    return run


def fit(run, store, folder):
    return ChoiceLearner().fit(run, Data(store), Work(folder, "f"))


def rows_by_name(fitted):
    return {row["method"]: row for row in fitted.record["candidates"]}


def test_what_is_selected_is_loaded_from_its_folder_alone_and_gives_the_weighted_mean(run, store, tmp_path, workers):
    path = tmp_path / "choose" / "model"
    Fit(run(), Data(store)).write(path)
    model, x = Model.load(path), store.rows("test").array("x")
    ensemble, cpu = model.predictor, torch.device("cpu")
    assert sum(ensemble.weights.values()) == pytest.approx(1)
    shares = {row["method"]: row["share"] for row in model.record["candidates"] if row["share"]}
    assert shares == ensemble.weights
    parts = [
        weight * softmax(ensemble.members[name].outputs(x, cpu) / ensemble.temperatures[name], axis=1)
        for name, weight in ensemble.weights.items()
    ]
    np.testing.assert_allclose(softmax(model.outputs(x, cpu), axis=1), sum(parts), atol=1e-6)
    assert model.calibration.rows == 80  # out-of-fold predictions of all training and validation rows
    assert not (path.parent / "checkpoint").exists()


def test_an_interrupted_choice_goes_on_with_the_predictions_that_it_has(run, store, tmp_path, workers, monkeypatch):
    before = fit(run(), store, tmp_path / "work")
    monkeypatch.setattr(fits.Fit, "model", lambda *_: pytest.fail("a fold is fitted again"))
    monkeypatch.setattr(module.Choice, "_final", lambda self, weights, trained: weights)
    after = fit(run(), store, tmp_path / "work")
    assert after.predictor.weights == before.predictor.weights


def test_a_booster_of_some_minutes_is_compared_on_the_validation_rows_and_fitted_to_all(run, store, tmp_path, workers):
    rows = rows_by_name(fit(run(folds=1, lightgbm={"minutes": 0.5}), store, tmp_path / "work"))
    assert not rows["lightgbm"]["left_out"]
    assert len(rows["lightgbm"]["folds"]) == 1


@pytest.mark.parametrize("stored", ["fold_*.h5", "logistic_regression/*.h5"])
def test_what_a_disk_damaged_of_an_interrupted_choice_is_made_again(stored, run, store, tmp_path, workers, caplog):
    before = fit(run(), store, tmp_path / "work")
    path = min((tmp_path / "work" / "minutes_5.0").glob(stored))
    whole = path.read_bytes()
    path.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    after = fit(run(), store, tmp_path / "work")
    assert f"{path} was changed or cut since it was written; it is made again" in caplog.text
    assert after.predictor.weights == before.predictor.weights


def test_what_cannot_be_fitted_is_left_out_with_the_reason(run, store, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(fits.Fit, "model", failing("lightgbm", fits.Fit.model))
    rows = rows_by_name(fit(run(("logistic_regression", "svm", "lightgbm")), store, tmp_path / "work"))
    assert rows["svm"]["left_out"] == "predicts classification from images"
    assert rows["lightgbm"]["left_out"] == "it has no trees"
    assert rows["logistic_regression"]["share"] == 1


def failing(method, model):
    def of(self, folder):
        if self.run.method_name == method:
            raise PareError("it has no trees")
        return model(self, folder)

    return of


def test_folds_that_the_first_ends_in_time_are_those_of_all(run, store, tmp_path, workers):
    workers.done = [None, 2]  # jobs of the call that begins the processes, folds of the first candidate
    fitted = fit(run(), store, tmp_path / "work")
    assert [len(row["folds"]) for row in fitted.record["candidates"]] == [2, 2]
    assert fitted.calibration.rows == 32


def test_who_is_late_is_left_out(run, store, tmp_path, workers):
    workers.done = [None, None, 3]
    rows = rows_by_name(fit(run(), store, tmp_path / "work"))
    assert rows["lightgbm"]["left_out"].startswith("no time: its fits were not done in 2 min")
    assert "folds" not in rows["lightgbm"]


def test_of_many_rows_all_are_compared_on_the_folds_that_a_late_one_ended(run, store, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH", 33)  # rows, in three folds of sixteen
    workers.done = [None, None, 3]
    fitted = fit(run(), store, tmp_path / "work")
    assert [len(row["folds"]) for row in fitted.record["candidates"]] == [3, 3]
    assert fitted.calibration.rows == 48
    workers.done = [None, None, 2]
    rows = rows_by_name(fit(run(), store, tmp_path / "again"))
    assert rows["lightgbm"]["left_out"] and len(rows["logistic_regression"]["folds"]) == 5


def test_the_first_candidate_is_waited_for(run, store, tmp_path, workers):
    workers.done = [None, 0, 0]
    fitted = fit(run(), store, tmp_path / "work")
    assert [len(row.get("folds", ())) for row in fitted.record["candidates"]] == [1, 0]
    assert rows_by_name(fitted)["logistic_regression"]["share"] == 1


def test_who_comes_after_a_slow_one_has_a_try_as_it_may_be_quick(run, store, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(Tried, "seconds", property(lambda one: 12.0, lambda one, seconds: None))  # five are a minute
    rows = rows_by_name(fit(run(minutes=1.0), store, tmp_path / "work"))
    assert len(rows["lightgbm"]["folds"]) == 5


def test_nothing_is_tried_after_a_candidate_that_predicts_but_for_rounding(run, store, tmp_path, workers, monkeypatch):
    monkeypatch.setattr(Tried, "is_exact", property(lambda one: bool(one.held)))
    rows = rows_by_name(fit(run(), store, tmp_path / "work"))
    assert rows["lightgbm"]["left_out"] == "logistic_regression predicts but for rounding"


@pytest.mark.parametrize(("error", "exact"), [(1e-8, True), (1e-3, False)])
def test_a_rounding_error_is_exact_in_the_unit_of_each_number(run, error, exact):
    task = TABLE | {"output": {"kind": "regression", "shape": [2]}}
    y = np.random.default_rng(0).normal(size=(50, 2)) * [1.0, 1e6]
    assert Tried(run(task=task), held={"prediction": y + np.array([error, 0.0]), "truth": y}).is_exact == exact


def test_a_choice_without_a_candidate_that_suits_is_refused(run):
    with pytest.raises(PareError, match=r"no candidate .* 'own': svm: predicts classification from images"):
        ChoiceLearner().check(run(("svm",)))


def test_networks_share_the_minutes_evenly_and_minutes_bound_them(run, tmp_path, workers, monkeypatch):
    x = np.random.default_rng(0).normal(size=(80, 1, 16)).astype(np.float32)
    blocks = [("train", {"x": x[:60], "y": x[:60]}), ("validation", {"x": x[60:], "y": x[60:]})]
    rows = {"train": 60, "validation": 20}
    write_store(tmp_path / "f.h5", rows=rows, blocks=blocks, statistics={}, fingerprint="f", description={})
    minutes: dict[str, float] = {}
    monkeypatch.setattr(module, "fitted", lambda run, data, path: minutes.update({run.method_name: run.minutes}))
    methods = ("finetune", "from_scratch", "layernorm")
    with pytest.raises(PareError, match="layernorm: it keeps its solved start, which the probe is as well"):
        fit(run(methods, FIELD, folds=1, minutes=10.0), ArrayStore(tmp_path / "f.h5"), tmp_path / "work")
    assert set(minutes) == set(methods)
    # Two at a time, so half of the minutes for each; a part is for what comes before and after.
    assert all(value == pytest.approx(10 / 2 * module.FITTING, rel=0.02) for value in minutes.values())
    first = dict(minutes)
    with pytest.raises(PareError):
        fit(run(methods, FIELD, folds=1, minutes=10.0), ArrayStore(tmp_path / "f.h5"), tmp_path / "work")
    assert minutes == first  # an interrupted training has the same, so that it goes on
    with pytest.raises(PareError):
        fit(run(methods, FIELD, folds=1, minutes=40.0), ArrayStore(tmp_path / "f.h5"), tmp_path / "work")
    assert all(value > 3 * first[name] for name, value in minutes.items())  # one of other minutes has its own
    path = tmp_path / "work" / "minutes_10.0" / module.MINUTES
    path.write_text(path.read_text().replace("seconds", "sekunds"))
    with pytest.raises(
        PareError, match=r"minutes\.json was changed .*; delete .*minutes_10\.0, and the same command compares"
    ):
        fit(run(methods, FIELD, folds=1, minutes=10.0), ArrayStore(tmp_path / "f.h5"), tmp_path / "work")
