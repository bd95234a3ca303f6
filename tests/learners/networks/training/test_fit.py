"""Epochs from minutes: as many as fit, the same after an interruption, and a model that counts as the run's."""

import pytest

from pare.evaluation.metrics import build_metric
from pare.learners.networks.trained_model import TrainedModel
from pare.learners.networks.training import FineTuning
from pare.learners.networks.training.trainer import Trainer


@pytest.fixture
def step_lasts(monkeypatch):
    """Give a step a length in seconds: 1 unless said otherwise, so long that none of the tests is late."""
    seconds = [1.0]
    monkeypatch.setattr("pare.learners.networks.training.trainer.step_seconds", lambda step: step() and seconds[0])
    return seconds


@pytest.fixture
def within(table_run, table, source):
    def make(**training) -> FineTuning:
        run = table_run(**training)
        return FineTuning(run, table, source, build_metric(run.metric, run.task.output))

    return make


@pytest.mark.parametrize("method", ["pare", "finetune"])
def test_as_many_epochs_as_fit_and_the_model_is_that_of_the_minutes(within, step_lasts, tmp_path, method):
    training = within(minutes=0.52, top={"method": method})  # 6 steps of 1 s an epoch
    training.write(tmp_path / "model")
    assert training.is_current(tmp_path / "model")
    trained = TrainedModel.load(tmp_path / "model")
    assert len(trained.record["history"]) == trained.run.training.epochs == 5
    assert not within(minutes=1, top={"method": method}).is_current(tmp_path / "model")


def test_an_interrupted_training_keeps_its_number_of_epochs_on_a_slower_machine(
    within, step_lasts, tmp_path, monkeypatch
):
    original = Trainer._epoch

    def dying(self, epoch, bar):
        original(self, epoch, bar)
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_epoch", dying)
    with pytest.raises(KeyboardInterrupt):
        within(minutes=0.52).write(tmp_path / "model")
    monkeypatch.setattr(Trainer, "_epoch", original)
    step_lasts[0] = 10.0
    within(minutes=0.52).write(tmp_path / "model")
    assert len(TrainedModel.load(tmp_path / "model").record["history"]) == 5


def test_minutes_in_which_several_trainings_fit_make_several_also_after_an_interruption(
    within, step_lasts, tmp_path, monkeypatch
):
    original = Trainer._epoch

    def dying(self, epoch, bar):
        if (self.member.number, epoch) == (1, 1):
            raise KeyboardInterrupt
        original(self, epoch, bar)

    monkeypatch.setattr(Trainer, "_epoch", dying)
    with pytest.raises(KeyboardInterrupt):
        within(minutes=0.52, member_epochs=2).write(tmp_path / "model")  # 5 epochs fit
    monkeypatch.setattr(Trainer, "_epoch", original)
    step_lasts[0] = 0.1
    within(minutes=0.52, member_epochs=2).write(tmp_path / "model")
    trained = TrainedModel.load(tmp_path / "model")
    assert trained.run.training.epochs == 2
    assert len(trained.model.members) == len(trained.record["members"]) == 2


def test_mixed_and_plain_steps_are_measured_apart(within, monkeypatch, tmp_path):
    """A mixed step takes twice as long here; the early curriculum mixes in the first third of the epochs."""
    counts = []

    def seconds(step):
        counts.append(step().mixture is not None)
        return 2.0 if counts[-1] else 1.0

    monkeypatch.setattr("pare.learners.networks.training.trainer.step_seconds", seconds)
    training = within(minutes=0.52, top={"mixing": {"curriculum": "early"}})
    training.write(tmp_path / "model")
    assert counts == [False, True]
    assert len(TrainedModel.load(tmp_path / "model").record["history"]) == 3  # 31 s / (6 × 1.33 s)


@pytest.fixture
def epochs_last(monkeypatch):
    """Let a clock go on by so many seconds in each epoch, and by none meanwhile."""
    now, original = [0.0], Trainer._validate

    def make(seconds):
        durations = iter(seconds)

        def later(self):
            now[0] += next(durations)
            return original(self)

        monkeypatch.setattr(Trainer, "_validate", later)

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return make


def test_a_machine_that_becomes_slower_leaves_epochs_out_and_ends_as_planned(
    within, step_lasts, epochs_last, tmp_path, caplog
):
    """In 31 s fit 5 epochs. After two of them that took 40 s there is time for the last one alone."""
    epochs_last([6.0] * 5)
    within(minutes=0.52).write(tmp_path / "in_time")
    epochs_last([5.0, 35.0, 1.0])
    within(minutes=0.52).write(tmp_path / "late")
    in_time, late = (TrainedModel.load(tmp_path / name).record["history"] for name in ("in_time", "late"))
    assert [row["epoch"] for row in in_time] == [1, 2, 3, 4, 5]
    assert [row["epoch"] for row in late] == [1, 2, 5]
    assert late[-1]["k"] == in_time[-1]["k"] == 0
    assert late[-1]["learning_rate"] == pytest.approx(in_time[-1]["learning_rate"], abs=1e-12)
    assert "epochs are left out, to end in about 0.52 min" in caplog.text
