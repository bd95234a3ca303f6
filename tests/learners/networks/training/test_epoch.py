"""A training that ends within an epoch, by a signal or a kill, goes on to the very same model."""

import os
import signal

import pytest

from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.training.epoch import Epoch
from pare.learners.networks.training.validation import Validation
from pare.storage.signals import ENDING
from stopped_fits import assert_same, is_stopped, stopped_until_done

# Steps are made after the second in which a signal comes until no gradients wait: 3 epochs have 6 steps each.
WAYS = {
    "mixed": ({}, {}, 9),
    "every second batch is mixed": ({"mixing": {"batches": 0.5}}, {}, 9),
    "plain": ({"method": "finetune"}, {}, 9),
    "average": ({}, {"average": 0.9, "schedule": "linear"}, 9),
    "momentum": ({"method": "finetune"}, {"optimiser": "SGD"}, 9),
    "accumulation": ({}, {"accumulation": 4}, 6),
    "solved start": ({"start": "solved"}, {}, 15),  # of 5 epochs
    "a fraction of the rows": ({}, {"fraction": 0.7, "class_weights": True}, 7),
    "members": ({}, {"members": 2, "epochs": 2}, 12),
    "alignment": ({"method": "orca"}, {"epochs": 2}, 6),
}


@pytest.fixture
def fit(table_run, table, source):
    """The fit of a run on the small table with dropout, whose masks come from generators that have a state."""

    def fit(top=None, **training):
        run = table_run(top, **{"dropout": 0.2, **training})
        if run.alignment:
            few = {"epochs": 3, "samples": 8, "source_samples": 32}
            run = run.model_copy(update={"alignment": run.alignment.model_copy(update=few)})
        return Fit(run, Data(table, source))

    return fit


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_training_that_is_stopped_again_and_again_becomes_the_same_model(fit, tmp_path, way):
    top, training, expected = WAYS[way]
    fit(top, **training).write(tmp_path / "whole" / "model")
    stopped, stops = stopped_until_done(fit(top, **training), tmp_path / "stopped" / "model")
    assert stops == expected
    assert_same(stopped, Model.load(tmp_path / "whole" / "model"))
    assert [path.name for path in (tmp_path / "stopped").iterdir()] == ["model"]


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDING)
def test_each_signal_ends_a_training_within_its_step_and_says_what_is_saved(fit, tmp_path, caplog, number):
    caplog.set_level("INFO", logger="pare")
    assert is_stopped(fit(), tmp_path / "model", 9, number)
    assert caplog.messages[-1] == "Stopped after step 3 of 6 in epoch 2 of 3, which is saved."
    fit().write(tmp_path / "model")
    assert "Going on after step 3 of 6 in epoch 2 of 3." in caplog.messages


@pytest.mark.slow
@pytest.mark.parametrize("top", [{}, {"start": "solved"}])
def test_a_training_that_is_stopped_while_it_validates_makes_no_step_twice(fit, tmp_path, monkeypatch, top):
    fit(top, average=0.9).write(tmp_path / "whole" / "model")
    call = 2 + ("start" in top)  # a solved start is validated too
    assert is_stopped(fit(top, average=0.9), tmp_path / "model", call, of=(Validation, "measure"))
    steps, draws = [], Epoch.draws
    monkeypatch.setattr(Epoch, "draws", lambda self, step: steps.append((self.number, step)) or draws(self, step))
    fit(top, average=0.9).write(tmp_path / "model")
    assert steps[0] == (2, 0)
    assert_same(*(Model.load(tmp_path / name / "model") for name in (".", "whole")))


@pytest.mark.slow
def test_a_killed_training_loses_its_minutes_at_most_and_the_save_that_was_being_written(fit, tmp_path, caplog):
    caplog.set_level("INFO", logger="pare")
    fit().write(tmp_path / "whole" / "model")
    soon = fit(checkpoint_minutes=1e-6)
    child = os.fork()
    if child == 0:
        is_stopped(soon, tmp_path / "killed" / "model", 11, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    soon.write(tmp_path / "killed" / "model")
    places = [f"Going on after step {step} of 6 in epoch 2 of 3." for step in (3, 4)]
    assert len({*places} & {*caplog.messages}) == 1
    assert_same(*(Model.load(tmp_path / name / "model") for name in ("whole", "killed")))


def test_how_often_it_is_saved_makes_no_other_model(fit):
    assert fit(checkpoint_minutes=1).fingerprint == fit().fingerprint
