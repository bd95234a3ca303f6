"""One run on two processes is the run of one process.

Sums of single precision in another order differ in their last digits, 6e-8 of them; that is what tolerances allow for,
times the steps. AdamW divides a gradient by its size: a weight whose gradient is such a last digit, as of a bias before
a batch norm, moves by a learning rate all the same. So losses and predictions are compared, and where there are batch
norms the optimiser is SGD.
"""

import json
import shutil

import numpy as np
import pytest
import torch

from fits_together import together
from pare.config import Library, resolve
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.start.field_start import NEARLY_LINEAR
from pare.learners.networks.training.trainer import Trainer
from pare.storage.store import ArrayStore, write_store

pytestmark = pytest.mark.slow
CPU = torch.device("cpu")
MIXED = {"mixing": {"mixer": "mixup"}}
RAGGED = {"batch_size": 10, "fraction": 41 / 48}  # the last batch has one row
LOSS, PREDICTION = 1e-6, 1e-5  # relative differences, at most; predictions, to the largest
POINTS, WAVES = 32, {"train": 44, "validation": 16, "test": 4}


def waves(path, square) -> ArrayStore:
    """Waves and what a shift, so much of their square and some noise make of them, ``(rows, 1, points)`` each."""
    draw, blocks = np.random.default_rng(0), []
    for split, rows in WAVES.items():
        phases, sizes = draw.uniform(0, 2 * np.pi, (rows, 1)), draw.normal(size=(rows, 1))
        x = (sizes * np.sin(np.linspace(0, 2 * np.pi, POINTS) + phases)).astype(np.float32)
        y = np.roll(x, 3, 1) + square * x**2 + draw.normal(scale=square / 30, size=x.shape)
        blocks.append((split, {"x": x[:, None], "y": y[:, None].astype(np.float32)}))
    y = blocks[0][1]["y"]
    statistics = {"y_mean": y.mean(0), "y_scale": y.std(0)}
    write_store(path, rows=WAVES, blocks=blocks, statistics=statistics, fingerprint="waves", description={})
    return ArrayStore(path)


@pytest.fixture(scope="module")
def wave_run(library):
    def make(method, mixing=None, **training):
        shape = {"shape": [1, POINTS]}
        task = {
            "title": "waves",
            "raw": {"files": ["none"]},
            "reader": {"name": "arrays"},
            "samples": {"train": WAVES["train"] + WAVES["validation"], "test": WAVES["test"]},
            "input": shape,
            "output": {"kind": "dense", **shape},
            "normalisation": {"outputs": "pointwise"},
            "tokens": {"kind": "patch", "patch": 8},
        }
        starts = {**library.starts, "field": {**library.starts["field"], "layers": [2]}}
        u_net = {**library.learners["u_net"], "options": {"features": [4] * 6, "fold": 1}}
        learners = {**library.learners, "u_net": u_net}
        own = Library(**{**library.model_dump(), "tasks": {"waves": task}, "starts": starts, "learners": learners})
        parameters = {"task": "waves", "source": None, "method": method, "seed": 0, "protocol": "validated"}
        parameters |= {"mixing": mixing} if mixing else {}
        settings = {"epochs": 2, "batch_size": 10, "learning_rate": 1e-3, "precision": "no", **training}
        return resolve(own, {**parameters, "training": settings}, {**parameters, "training": settings})

    return make


@pytest.fixture(scope="module")
def fits(table_run, table, source, wave_run, tmp_path_factory):
    """Fits by their names; the last one is killed."""
    folder, data = tmp_path_factory.mktemp("waves"), Data(table, source)
    linear, other = (Data(waves(folder / f"{square}.h5", square), source) for square in (0.003, 0.3))
    orca = table_run({"method": "orca"}, epochs=2)
    few = {"epochs": 3, "samples": 8, "source_samples": 32, "regularisation": 1.0}
    rolled = {"mixing": {"mixer": "mixup", "partner": "target"}}
    runs = {
        "finetune": table_run({"method": "finetune"}, **RAGGED, class_weights=True, accumulation=2, epochs=2),
        "solved": table_run({"method": "finetune", "start": "solved"}, **RAGGED, average=0.9, epochs=2),
        "mixed": table_run(MIXED, **RAGGED, epochs=2),
        "rolled": table_run(rolled, **RAGGED, epochs=2),
        "pare": table_run(epochs=4),  # all tokens are replaced, some by the gate, none
        "orca": orca.model_copy(update={"alignment": orca.alignment.model_copy(update=few)}),
        "members": table_run(MIXED, epochs=1, members=2),
        "minutes": table_run({"minutes": 0.04, "method": "finetune"}, batch_size=48),
        "killed": table_run(MIXED, checkpoint_minutes=1e-9),
    }
    fields = {  # one with an anchor, of which the network learns what is left, and one without
        "anchored": Fit(wave_run("finetune", symmetries=["reflection"], optimiser="SGD"), linear),
        "field": Fit(wave_run("pare", mixing=MIXED["mixing"], optimiser="SGD"), other),
        "u_net": Fit(wave_run("u_net", optimiser="SGD"), Data(other.store)),
    }
    return fields | {name: Fit(run, data) for name, run in runs.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("several")


@pytest.fixture(scope="module")
def launched(fits, folder):
    """All fits by two processes, of which one is killed in the second epoch of the last."""
    return together({folder / "two" / name / "model": fit for name, fit in fits.items()}, folder / "two/killed/model")


@pytest.fixture
def both(fits, folder, launched):
    """The models of a fit by one process and by two."""

    def both(name):
        if not (folder / "one" / name / "model").exists():
            fits[name].write(folder / "one" / name / "model")
        return [Model.load(folder / processes / name / "model") for processes in ("one", "two")]

    return both


def assert_alike(one, two, store):
    """They went alike, and predict alike."""
    assert [model.record["best_epoch"] for model in (one, two)] == [one.record["best_epoch"]] * 2
    assert len(one.record["history"]) == len(two.record["history"]) > 0
    for row, other in zip(one.record["history"], two.record["history"], strict=True):
        assert {**other, "seconds": 0} == pytest.approx({**row, "seconds": 0}, rel=LOSS)
    found, expected = (model.outputs(store.rows("test").array("x"), CPU) for model in (two, one))
    np.testing.assert_allclose(found, expected, rtol=0, atol=PREDICTION * np.abs(expected).max())


def test_one_of_the_fields_has_an_anchor(both):
    for name, anchored in {"anchored": True, "field": False}.items():
        assert [model.record["start"]["left"] < NEARLY_LINEAR for model in both(name)] == [anchored] * 2


@pytest.mark.parametrize(
    "name", ["finetune", "solved", "mixed", "pare", "rolled", "orca", "members", "anchored", "field", "u_net"]
)
def test_a_run_is_that_of_one_process(both, fits, name):
    one, two = both(name)
    assert (one.record["processes"], two.record["processes"]) == (1, 2)
    assert_alike(one, two, fits[name].data.store)
    for key in ("replaced", "n_train"):
        np.testing.assert_allclose(two.record[key], one.record[key], rtol=LOSS)


def test_what_the_gate_chose_is_counted_once_for_each_row(both):
    one, two = both("pare")
    np.testing.assert_array_equal(*(np.sum(model.record["gate_scores"], (1, 2)) for model in (one, two)))
    np.testing.assert_allclose(*(np.mean(model.record["replaced"], 1) for model in (one, two)), rtol=LOSS)


def test_minutes_are_those_of_the_main_process(folder, launched, fits, table_run, tmp_path):
    """As many epochs as it made are the same training."""
    two = Model.load(folder / "two" / "minutes" / "model")
    assert two.record["left_out"] == 0
    epochs = len(two.record["history"])
    one = Fit(table_run({"method": "finetune"}, batch_size=48, epochs=epochs), fits["minutes"].data)
    assert_alike(one.model(tmp_path), two, fits["minutes"].data.store)


def test_a_killed_run_goes_on_by_any_number_of_processes(both, fits, folder, launched, tmp_path, monkeypatch):
    assert launched.returncode == 1
    assert "exitcode: -9" in launched.stderr
    fit, killed, folders = fits["killed"], folder / "two" / "killed", {}
    saved = last_saved(killed)
    assert (saved["epochs_done"], saved["epoch"]) == (1, None)
    for processes in ("one", "two"):
        folders[processes] = shutil.copytree(killed, tmp_path / processes) / "model"
    stopped = tmp_path / "stopped" / "model"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "_epoch", stopping(Trainer._epoch))
        fit.write(stopped)

    ended = tmp_path / "ended" / "model"
    assert together({ended: fit}, stopped=8).returncode != 0  # in the second step of the second epoch
    within = last_saved(ended.parent)
    assert (within["epochs_done"], within["epoch"]["steps"]) == (1, 3)
    alone = shutil.copytree(ended.parent, tmp_path / "alone") / "model"

    fit.write(folders["one"])
    fit.write(alone)
    again = together(dict.fromkeys([folders["two"], stopped, ended], fit))
    assert again.returncode == 0, again.stderr
    assert {path.name for path in folders["two"].parent.iterdir()} == {"model", "plan.pickle"}
    fit.write(folder / "one" / "killed" / "model")
    whole = Model.load(folder / "one" / "killed" / "model")
    for path in (*folders.values(), stopped, ended, alone):
        assert_alike(whole, Model.load(path), fit.data.store)
    for path in folders.values():
        assert Model.load(path).record["history"][0] == saved["history"][0]


def last_saved(folder):
    """The progress that was saved last."""
    saves = folder.glob("checkpoint/0/*/progress.json")
    return json.loads(max(saves, key=lambda path: int(path.parent.name)).read_text())


def stopping(epoch):
    """An epoch that is stopped if it is the second."""

    def stopped(trainer, number, bar):
        if number == 1:
            raise KeyboardInterrupt
        epoch(trainer, number, bar)

    return stopped
