"""The mean of several trainings: each as if it were alone, saved whole, and resumed after a kill."""

import pytest
import torch

from pare.evaluation.metrics import build_metric
from pare.learners.networks.trained_model import TrainedModel
from pare.learners.networks.training import FineTuning
from pare.learners.networks.training.trainer import Trainer


@pytest.fixture
def training(table_run, table, source):
    """A described training with three members, unless said otherwise."""

    def described(top=None, **values):
        run = table_run(top, **{"members": 3, **values})
        return FineTuning(run, table, source, build_metric(run.metric, run.task.output))

    return described


@pytest.fixture
def made(training, tmp_path):
    """A training that was written and read again; its folder is ``model``."""

    def written(*args, **values):
        training(*args, **values).write(tmp_path / "model")
        return TrainedModel.load(tmp_path / "model")

    return written


def test_predictions_are_the_mean_of_models_that_differ(made, table):
    trained, x = made(), torch.from_numpy(table.rows("test").array("x"))
    with torch.inference_mode():
        each = [member.predict(x) for member in trained.model.members]
        torch.testing.assert_close(trained.model(x), sum(each) / 3)
    assert len(each) == 3
    assert all((one - other).std() > 0.01 for one, other in [(each[0], each[1]), (each[1], each[2])])


def test_the_first_is_what_a_single_training_makes_and_the_others_too_are_trained(made, training, tmp_path):
    several = made()
    training(members=1).write(tmp_path / "alone")
    alone = TrainedModel.load(tmp_path / "alone")
    expected = alone.model.state_dict()
    assert all(
        torch.equal(value, expected[name]) for name, value in several.model.state_dict().items() if name in expected
    )
    assert several.record["history"][0]["loss"] == alone.record["history"][0]["loss"]
    assert [one["best_epoch"] > 0 for one in several.record["members"]] == [True] * 3
    assert several.record["train_seconds"] >= max(one["train_seconds"] for one in several.record["members"])


def test_validated_and_calibrated_is_the_mean(made, table):
    trained, rows = made(), table.rows("validation")
    with torch.inference_mode():
        prediction = trained.model(torch.from_numpy(rows.array("x")))
    metric = build_metric(trained.run.metric, trained.run.task.output)
    metric.update(prediction, torch.from_numpy(rows.array("y")))
    assert trained.record["validation"] == pytest.approx(float(metric.compute()), abs=1e-6)
    torch.testing.assert_close(torch.from_numpy(trained.calibration.arrays["prediction"]), prediction)


@pytest.mark.parametrize("member", [0, 1])
def test_a_killed_training_goes_on_with_the_member_and_the_epoch_that_it_had_reached(
    training, tmp_path, monkeypatch, member
):
    training().write(tmp_path / "whole" / "model")
    original = Trainer._epoch

    def dying(self, epoch, bar):
        if (self.member.number, epoch) == (member, 1):
            raise KeyboardInterrupt
        original(self, epoch, bar)

    monkeypatch.setattr(Trainer, "_epoch", dying)
    with pytest.raises(KeyboardInterrupt):
        training().write(tmp_path / "killed" / "model")
    trained_again = []
    monkeypatch.setattr(
        Trainer,
        "_epoch",
        lambda self, epoch, bar: trained_again.append(self.member.number) or original(self, epoch, bar),
    )
    training().write(tmp_path / "killed" / "model")
    assert set(trained_again) == {0, 1, 2} - set(range(member))
    whole, killed = (TrainedModel.load(tmp_path / name / "model").model.state_dict() for name in ("whole", "killed"))
    assert all(torch.equal(value, killed[name]) for name, value in whole.items())
    assert not list((tmp_path / "killed").glob("checkpoint*"))


def test_where_the_first_keeps_its_start_no_other_is_trained(made):
    trained = made({"start": "solved"}, learning_rate=1e-12)
    assert trained.record["best_epoch"] == 0
    assert "members" not in trained.record
    assert trained.model.members == [trained.model]
