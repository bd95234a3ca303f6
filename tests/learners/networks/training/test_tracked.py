"""A training tells its tracker of each epoch, also one that was interrupted, and is the same without a tracker."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.training.trainer import Trainer
from pare.tracking import Tracking


@pytest.fixture
def write(table, table_run, source, tmp_path):
    """Train in a folder, and load the model."""
    run = table_run()

    def write(folder, *tracking):
        Fit(run, Data(table, source), *tracking).write(tmp_path / folder / "model")
        return Model.load(tmp_path / folder / "model")

    return write


def logged(tracking, name):
    (events,) = {path.parent for path in (tracking.folder / "tensorboard").rglob("seed_0-*/events*")}
    return [(event.step, pytest.approx(event.value)) for event in EventAccumulator(str(events)).Reload().Scalars(name)]


def test_the_tracker_has_the_history_of_an_interrupted_training(write, tmp_path, monkeypatch):
    tracking, epoch = Tracking(tmp_path / "tracking", "tensorboard"), Trainer._epoch

    def interrupted(self, number, bar):
        if number == 2:
            raise KeyboardInterrupt
        epoch(self, number, bar)

    with monkeypatch.context() as changed, pytest.raises(KeyboardInterrupt):
        changed.setattr(Trainer, "_epoch", interrupted)
        write("tracked", tracking)
    assert len(logged(tracking, "loss")) == 2
    history = write("tracked", tracking).record["history"]
    for name in ("loss", "validation", "learning_rate"):
        assert logged(tracking, name) == [(row["epoch"], row[name]) for row in history]


def test_a_tracker_decides_nothing_of_the_model(write, tmp_path):
    tracked, plain = write("tracked", Tracking(tmp_path / "tracking", "tensorboard")), write("plain")
    assert tracked.record["fingerprint"] == plain.record["fingerprint"]
    for name, value in plain.predictor.network.state_dict().items():
        assert (tracked.predictor.network.state_dict()[name] == value).all()
