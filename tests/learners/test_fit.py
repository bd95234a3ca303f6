"""A training that is lazily saved: done once, resumed where it was killed, done again where the run changed."""

import os
from types import SimpleNamespace

import pytest

from pare.config import PareError
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.training.trainer import Trainer
from pare.storage.access import held_alone


@pytest.fixture
def describe(table_run, table, source):
    """The description of a training of two epochs."""

    def describe(**training):
        return Fit(table_run({"method": "finetune"}, epochs=2, **training), Data(table, source))

    return describe


@pytest.fixture
def epochs(monkeypatch):
    """Numbers of the epochs that were ``trained``; before the one ``interrupted`` comes a Ctrl-C."""
    epochs = SimpleNamespace(trained=[], interrupted=None)
    original = Trainer._epoch

    def epoch(self, number, bar):
        if number == epochs.interrupted:
            raise KeyboardInterrupt
        epochs.trained.append(number)
        original(self, number, bar)

    monkeypatch.setattr(Trainer, "_epoch", epoch)
    return epochs


def test_what_was_written_is_current_and_its_checkpoint_is_gone(describe, tmp_path):
    path = tmp_path / "seed_0" / "model"
    assert not describe().is_current(path)
    describe().write(path)
    assert describe().is_current(path)
    assert not describe(learning_rate=2e-3).is_current(path)
    assert [file.name for file in path.parent.iterdir()] == ["model"]
    assert [row["epoch"] for row in Model.load(path).record["history"]] == [1, 2]


def test_a_changed_run_replaces_the_model(describe, tmp_path):
    describe().write(tmp_path / "model")
    first = Model.load(tmp_path / "model").record["fingerprint"]
    describe(learning_rate=2e-3).write(tmp_path / "model")
    assert Model.load(tmp_path / "model").record["fingerprint"] != first


def test_an_interrupted_training_goes_on_after_its_last_epoch(describe, epochs, tmp_path):
    epochs.interrupted = 1
    with pytest.raises(KeyboardInterrupt):
        describe().write(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
    epochs.interrupted = None
    describe().write(tmp_path / "model")
    assert epochs.trained == [0, 1]


def test_the_same_run_is_not_trained_twice_at_once(describe, epochs, tmp_path):
    with (
        held_alone(tmp_path / ".training", "trained", ""),
        pytest.raises(PareError, match=rf"by process {os.getpid()}"),
    ):
        describe().write(tmp_path / "model")
    assert epochs.trained == []
    describe().write(tmp_path / "model")
    assert epochs.trained == [0, 1]


def test_a_model_that_cannot_be_written_leaves_the_checkpoint(describe, epochs, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Model, "save", full_disk)
        describe().write(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
    describe().write(tmp_path / "model")
    assert epochs.trained == [0, 1]


def test_killed_while_the_checkpoint_is_removed_the_next_start_removes_it(describe, epochs, tmp_path):
    describe().write(tmp_path / "model")
    (tmp_path / "checkpoint").mkdir()
    assert not describe().is_current(tmp_path / "model")
    describe().write(tmp_path / "model")
    assert epochs.trained == [0, 1]
    assert describe().is_current(tmp_path / "model")
