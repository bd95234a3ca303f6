"""The mean of several trainings: each as if it were alone, saved whole, and resumed after a kill."""

import numpy as np
import pytest
import torch

from pare.evaluation.metrics import build_metric
from pare.learners.ensemble import Ensemble
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture
def training(table_run, table, source):
    """The fit of a training with three members, unless said otherwise."""
    return lambda top=None, **values: Fit(table_run(top, **{"members": 3, **values}), Data(table, source))


@pytest.fixture
def made(training, tmp_path):
    """A training that was written and read again; its folder is ``model``."""

    def written(*args, **values):
        training(*args, **values).write(tmp_path / "model")
        return Model.load(tmp_path / "model")

    return written


def states(model):
    return [member.predictor.network.state_dict() for member in model.predictor.members.values()]


def equal(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_predictions_are_the_mean_of_probabilities_of_models_that_differ(made, table):
    trained, x = made(), table.rows("test").array("x")
    each = [torch.from_numpy(member.outputs(x, CPU)).softmax(1) for member in trained.predictor.members.values()]
    found = torch.from_numpy(trained.outputs(x, CPU)).softmax(1)
    torch.testing.assert_close(found, sum(each) / 3)
    assert len(each) == 3
    assert all((one - other).std() > 0.01 for one, other in [(each[0], each[1]), (each[1], each[2])])


def test_the_first_is_what_a_single_training_makes_and_the_others_too_are_trained(made, training, tmp_path):
    several = made()
    training(members=1).write(tmp_path / "alone")
    alone = Model.load(tmp_path / "alone")
    assert equal(alone.predictor.network.state_dict(), states(several)[0])
    assert several.record["history"][0]["loss"] == alone.record["history"][0]["loss"]
    assert [one["best_epoch"] > 0 for one in several.record["members"]] == [True] * 3
    assert several.record["train_seconds"] >= max(one["train_seconds"] for one in several.record["members"])


def test_validated_and_calibrated_is_the_mean(made, table):
    trained, rows = made(), table.rows("validation")
    prediction = trained.outputs(rows.array("x"), CPU)
    metric = build_metric(trained.run.metric, trained.run.task.output)
    assert trained.record["validation"] == pytest.approx(metric(prediction, rows.array("y")), abs=1e-6)
    np.testing.assert_allclose(trained.calibration.arrays["prediction"], prediction, rtol=1e-5)


@pytest.mark.parametrize(("member", "minutes", "left"), [(0, 1e-9, 2), (1, 1e-9, 2), (1, 10.0, 3)])
def test_a_killed_training_goes_on_with_the_member_that_it_had_reached_and_the_epoch_that_was_saved(
    training, tmp_path, monkeypatch, member, minutes, left
):
    training().write(tmp_path / "whole" / "model")
    original, trained_again = Trainer._epoch, []

    def dying(self, epoch, bar):
        if (self.session.run.member, epoch) == (member, 1):
            raise KeyboardInterrupt
        original(self, epoch, bar)

    def noted(self, epoch, bar):
        trained_again.append(self.session.run.member)
        original(self, epoch, bar)

    monkeypatch.setattr(Trainer, "_epoch", dying)
    with pytest.raises(KeyboardInterrupt):
        training(checkpoint_minutes=minutes).write(tmp_path / "killed" / "model")
    monkeypatch.setattr(Trainer, "_epoch", noted)
    training().write(tmp_path / "killed" / "model")
    assert trained_again == [member] * left + [other for other in range(member + 1, 3) for _ in range(3)]
    whole, killed = (states(Model.load(tmp_path / name / "model")) for name in ("whole", "killed"))
    assert all(equal(*pair) for pair in zip(whole, killed, strict=True))
    assert [path.name for path in (tmp_path / "killed").iterdir() if path.is_dir()] == ["model"]


def test_where_the_first_keeps_its_start_no_other_is_trained(made):
    trained = made({"start": "solved"}, learning_rate=1e-12)
    assert trained.record["best_epoch"] == 0
    assert "members" not in trained.record
    assert not isinstance(trained.predictor, Ensemble)
