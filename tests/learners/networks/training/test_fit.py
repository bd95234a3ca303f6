"""Epochs from minutes: as many as fit, also after an interruption, and an end in time on a slow machine."""

import gc
from weakref import ref

import numpy as np
import pytest
import torch

from pare.config import PareError
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.training.epoch import Epoch
from pare.learners.networks.training.session import Session
from pare.learners.networks.training.steps import Steps
from pare.learners.networks.training.trainer import Trainer
from pare.learners.networks.training.validation import Validation
from stopped_fits import assert_same, is_stopped


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on where a test says so, and a moment whenever it is read."""
    now = [0.0]

    def read():
        now[0] += 1e-4
        return now[0]

    monkeypatch.setattr("time.perf_counter", read)
    return now


@pytest.fixture
def step_lasts(monkeypatch, clock):
    """Give a measured step a length in seconds: 1 unless said otherwise."""
    seconds = [1.0]
    monkeypatch.setattr("pare.learners.networks.training.steps.step_seconds", lambda step: step() and seconds[0])
    return seconds


@pytest.fixture
def within(table_run, table, source):
    def make(top=None, minutes=0.52, **training) -> Fit:
        return Fit(table_run({"minutes": minutes, **(top or {})}, **training), Data(table, source))

    return make


def history(folder):
    return Model.load(folder).record["history"]


@pytest.mark.parametrize("method", ["pare", "finetune"])
def test_as_many_epochs_as_fit_and_the_model_is_that_of_the_minutes(within, step_lasts, tmp_path, method):
    fit = within({"method": method})  # 6 steps of 1 s an epoch
    fit.write(tmp_path / "model")
    assert fit.is_current(tmp_path / "model")
    assert len(history(tmp_path / "model")) == 5
    assert not within({"method": method}, minutes=1).is_current(tmp_path / "model")


@pytest.mark.parametrize("training", [{}, {"average": 0.9, "accumulation": 2, "optimiser": "Muon"}])
@pytest.mark.usefixtures("step_lasts")
def test_a_training_with_as_many_epochs_is_the_same(within, tmp_path, training):
    """The measured steps leave no trace."""
    timed = within(**training).model(tmp_path / "timed").record["history"]
    counted = within(minutes=None, epochs=5, **training).model(tmp_path / "counted").record["history"]
    assert [row | {"seconds": 0} for row in timed] == [row | {"seconds": 0} for row in counted]


def test_an_interrupted_training_keeps_its_number_of_epochs_on_a_slower_machine(within, step_lasts, tmp_path):
    """It is stopped in the third step; two before were measured."""
    assert is_stopped(within(), tmp_path / "model", 5)
    step_lasts[0] = 10.0
    within().write(tmp_path / "model")
    assert len(history(tmp_path / "model")) == 5


def test_minutes_in_which_several_trainings_fit_make_several_also_after_an_interruption(
    within, step_lasts, tmp_path, monkeypatch
):
    original = Trainer._epoch

    def dying(self, epoch, bar):
        if (self.session.run.member, epoch) == (1, 1):
            raise KeyboardInterrupt
        original(self, epoch, bar)

    monkeypatch.setattr(Trainer, "_epoch", dying)
    with pytest.raises(KeyboardInterrupt):
        within(member_epochs=2).write(tmp_path / "model")  # 5 epochs fit
    monkeypatch.setattr(Trainer, "_epoch", original)
    step_lasts[0] = 0.1
    within(member_epochs=2).write(tmp_path / "model")
    trained = Model.load(tmp_path / "model")
    assert len(trained.record["history"]) == 2
    assert len(trained.predictor.members) == len(trained.record["members"]) == 2


def test_mixed_and_plain_steps_are_measured_apart(within, clock, monkeypatch, tmp_path):
    """A mixed step takes twice as long here; the early curriculum mixes in the first third of the epochs."""
    counts = []

    def seconds(step):
        counts.append(step().mixture is not None)
        return 2.0 if counts[-1] else 1.0

    monkeypatch.setattr("pare.learners.networks.training.steps.step_seconds", seconds)
    within({"mixing": {"curriculum": "early"}}).write(tmp_path / "model")
    assert counts == [False, True]
    assert len(history(tmp_path / "model")) == 3  # 31 s / (6 × 1.33 s)


def test_a_probe_with_minutes_trains_nothing(within, tmp_path):
    model = within({"method": "probe", "start": "solved"}, epochs=0).model(tmp_path / "probe")
    assert model.record["history"] == []
    assert model.record["best_epoch"] == 0


@pytest.fixture
def steps_last(monkeypatch, clock):
    """Let each step of a training take so many seconds by its number, and a validation 0.1 s."""
    draws, measure, seconds, made = Epoch.draws, Validation.measure, [lambda _: 1.0], []

    def drawn(self, number):
        made.append(6 * self.number + number)
        clock[0] += seconds[0](made[-1])
        return draws(self, number)

    def measured(*args):
        clock[0] += 0.1
        return measure(*args)

    monkeypatch.setattr(Epoch, "draws", drawn)
    monkeypatch.setattr(Validation, "measure", measured)
    return seconds, made


def test_a_machine_that_becomes_slower_leaves_steps_out_and_ends_as_planned(
    within, step_lasts, steps_last, clock, tmp_path, caplog
):
    """In 31 s fit 5 epochs of 6 steps of 1 s; after the second epoch a step takes 8 s."""
    (seconds, made), fits = steps_last, {}
    for name in ("in_time", "late"):
        made.clear()
        clock[0] = 0.0
        seconds[0] = (lambda step: 8.0 if step >= 12 else 1.0) if name == "late" else (lambda _: 1.0)
        fits[name] = within().model(tmp_path / name).record
        assert made[:12] == list(range(12)) and made[-1] == 29
        assert clock[0] <= 1.15 * 31.2 + 20
    in_time, late = (fits[name]["history"] for name in ("in_time", "late"))
    assert fits["in_time"]["left_out"] == 0 and fits["late"]["left_out"] == 30 - len(made) > 0
    assert [row["epoch"] for row in in_time] == [1, 2, 3, 4, 5]
    assert late[-1]["epoch"] == 5
    assert late[-1]["k"] == in_time[-1]["k"] == 0
    assert late[-1]["learning_rate"] == pytest.approx(in_time[-1]["learning_rate"], abs=1e-12)
    assert "steps are left out, to end in about 0.52 min" in caplog.text


def test_where_not_even_one_epoch_fits_a_part_of_its_steps_is_made(within, step_lasts, steps_last, clock, tmp_path):
    (seconds, made), step_lasts[0] = steps_last, 20.0
    seconds[0] = lambda _: 20.0
    model = within().model(tmp_path / "model")
    assert made == [0, 2, 5] and clock[0] <= 1.15 * 31.2 + 20 + 20
    assert [row["epoch"] for row in model.record["history"]] == [1]
    assert np.isfinite(model.record["validation"])


@pytest.fixture
def memory_for_four_rows(monkeypatch):
    """A device whose memory is too small for a step of more than four rows."""
    step = Steps.step

    def within_memory(self, batch, *arguments, **given):
        if len(batch["x"]) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(self, batch, *arguments, **given)

    monkeypatch.setattr(Steps, "step", within_memory)


@pytest.mark.usefixtures("memory_for_four_rows")
@pytest.mark.parametrize("method", ["pare", "finetune"])
def test_where_memory_is_short_a_batch_is_halved_and_gradients_are_added_up(table_run, table, source, tmp_path, method):
    asked, small = ({"batch_size": size, "accumulation": add, "epochs": 2} for size, add in ((16, 1), (4, 4)))
    found, expected = (
        Fit(table_run({"method": method}, **training), Data(table, source)).model(
            tmp_path / str(training["batch_size"])
        )
        for training in (asked, small)
    )
    x = table.rows("test").array("x")
    np.testing.assert_array_equal(*(model.outputs(x, torch.device("cpu")) for model in (found, expected)))
    assert (found.record["batch_size"], expected.record["batch_size"]) == (4, 4)


@pytest.mark.usefixtures("memory_for_four_rows")
def test_a_training_that_memory_made_smaller_is_stopped_and_goes_on_to_the_same_model(
    table_run, table, source, tmp_path
):
    """The command tries the larger batches again, of which the stopped epoch would seem to have made all."""
    fit = Fit(table_run({"method": "finetune"}, epochs=2), Data(table, source))
    assert is_stopped(fit, tmp_path / "stopped" / "model", 1 + 12 + 8)  # one with 8 rows, an epoch of 12, eight more
    for name in ("stopped", "whole"):
        fit.write(tmp_path / name / "model")
    assert_same(*(Model.load(tmp_path / name / "model") for name in ("stopped", "whole")))


@pytest.mark.usefixtures("memory_for_four_rows")
@pytest.mark.parametrize("training", [{"batch_size": 8}, {"batch_size": 4, "members": 2}])
def test_what_a_training_held_on_the_device_is_free_when_the_next_one_begins(
    table_run, table, source, tmp_path, monkeypatch, training
):
    """The one that memory was too small for, and the optimiser of an earlier member."""
    begin, held, left = Session.begin, [], []

    def noted(self, plan=None):
        left.extend(one for one in held if one() is not None)
        of_run = [self.setup.network] if self.setup.training.batch_size > 4 else []
        held.extend(map(ref, [*of_run, self.setup.optimiser.optimizer, self.setup.average]))
        return begin(self, plan)

    monkeypatch.setattr(Session, "begin", noted)
    gc.collect()
    gc.disable()
    try:
        values = {"epochs": 1, "average": 0.9, "precision": "bf16", **training}
        Fit(table_run({"method": "finetune"}, **values), Data(table, source)).model(tmp_path)
    finally:
        gc.enable()
    assert len(held) > 3 and not left


def test_where_not_even_a_row_fits_it_says_what_takes_less_memory(
    table_run, table, source, tmp_path, monkeypatch, caplog
):
    def short(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Steps, "step", short)
    with pytest.raises(PareError, match=r"one row.*training\.activation_checkpointing=true"):
        Fit(table_run({"method": "finetune"}, batch_size=2), Data(table, source)).model(tmp_path / "model")
    assert "too small for batches of 2: batches of 1, with gradients of 2 added up." in caplog.text
