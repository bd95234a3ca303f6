"""A fit that is lazily saved: done once, alone, gone on with where it was killed, done again where the run changed."""

import os
import re

import pytest

from pare.config import PareError
from pare.learners import fit as module
from pare.learners.fit import Fit
from pare.learners.learner import Data, learner_of
from pare.learners.model import Model
from pare.storage.access import held_alone


class Watched:
    """A learner that notes its fits, leaves a file in its folder, and can be interrupted."""

    def __init__(self, run):
        self.learner, self.went_on = learner_of(run), []
        self.interrupted = False

    def fit(self, run, data, work):
        self.went_on.append((work.folder / "half").exists())
        work.folder.mkdir(exist_ok=True)
        (work.folder / "half").touch()
        if self.interrupted:
            raise KeyboardInterrupt
        return self.learner.fit(run, data, work)


@pytest.fixture
def describe(table_run, table):
    """The description of a fit."""

    def describe(**training):
        return Fit(table_run({"method": "logistic_regression"}, **training), Data(table))

    return describe


@pytest.fixture
def watched(describe, monkeypatch):
    """The learner of these fits."""
    watched = Watched(describe().run)
    monkeypatch.setattr(module, "learner_of", lambda run: watched)
    return watched


def test_what_was_written_is_current_and_nothing_else_is_left(describe, tmp_path):
    path = tmp_path / "seed_0" / "model"
    assert not describe().is_current(path)
    describe().write(path)
    assert describe().is_current(path)
    assert not describe(fraction=0.5).is_current(path)
    assert describe(epochs=9).is_current(path)  # which a library has no use for
    assert [file.name for file in path.parent.iterdir()] == ["model"]
    assert Model.load(path).record["fingerprint"] == describe().fingerprint


def test_it_is_fitted_again_where_the_run_changed_and_only_there(describe, watched, tmp_path, caplog):
    for fit in (describe(), describe()):
        fit.write(tmp_path / "model")
    assert len(watched.went_on) == 1 and "replaced" not in caplog.text
    describe(fraction=0.5).write(tmp_path / "model")
    assert len(watched.went_on) == 2
    assert re.search(r"a model with another training\.fraction, .*name this run: variant=NAME", caplog.text)


def test_an_interrupted_fit_finds_what_it_left_next_to_the_model(describe, watched, tmp_path):
    watched.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        describe().write(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
    watched.interrupted = False
    describe().write(tmp_path / "model")
    assert watched.went_on == [False, True]
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_the_same_run_is_not_fitted_twice_at_once(describe, watched, tmp_path):
    with (
        held_alone(tmp_path / ".training", "trained", ""),
        pytest.raises(PareError, match=rf"by process {os.getpid()}"),
    ):
        describe().write(tmp_path / "model")
    assert not watched.went_on
    describe().write(tmp_path / "model")
    assert watched.went_on == [False]


def test_a_model_that_cannot_be_written_leaves_what_led_to_it(describe, watched, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Model, "save", full_disk)
        describe().write(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
    describe().write(tmp_path / "model")
    assert watched.went_on == [False, True]


def test_killed_while_the_checkpoint_is_removed_the_next_start_removes_it(describe, watched, tmp_path):
    describe().write(tmp_path / "model")
    (tmp_path / "checkpoint").mkdir()
    assert not describe().is_current(tmp_path / "model")
    describe().write(tmp_path / "model")
    assert len(watched.went_on) == 1
    assert describe().is_current(tmp_path / "model")


def test_several_processes_fit_networks_alone(describe, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ranks", lambda: 2)
    with pytest.raises(PareError, match=r"one network together; 'logistic_regression' is none: start it as one"):
        describe().write(tmp_path / "model")
    assert not [*tmp_path.iterdir()]
