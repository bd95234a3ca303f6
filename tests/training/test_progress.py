import logging

import pytest

from pare.training.progress import EpochProgress

ROW = {"loss": 0.5, "k": 3, "lambda": 0.5, "validation": 0.25, "seconds": 2.0}


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="pare")
    return caplog


def test_every_epoch_leaves_one_line_with_its_losses(lines):
    with EpochProgress(epochs=2, steps=1, done=0, metric="rmse") as bar:
        for _ in range(2):
            bar.step(0.5, 3, 1e-3)
            bar.epoch_done(ROW)
    assert lines.messages == [f"epoch {i}/2: loss 0.5, λ 0.50, validation rmse 0.25, 2.0 s" for i in (1, 2)]


def test_what_a_run_does_not_have_is_left_out(lines):
    with EpochProgress(epochs=1, steps=1, done=0, metric="rmse") as bar:
        bar.epoch_done({"loss": 0.5, "validation": None, "seconds": 2.0})
    assert lines.messages == ["epoch 1/1: loss 0.5, 2.0 s"]


def test_a_resumed_run_counts_on_from_its_finished_epochs(lines):
    with EpochProgress(epochs=4, steps=5, done=3, metric="rmse") as bar:
        assert (bar.bar.tasks[0].completed, bar.bar.tasks[0].total) == (15, 20)
        bar.step(0.5, 0, 1e-3)
        assert bar.bar.tasks[0].completed == 16
        bar.epoch_done(ROW)
    assert lines.messages[0].startswith("epoch 4/4")


def test_the_bar_shows_loss_replaced_tokens_and_learning_rate():
    with EpochProgress(epochs=4, steps=5, done=0, metric="rmse") as bar:
        bar.step(0.5, 3, 1e-3)
        assert bar.bar.tasks[0].description == "epoch 1/4 loss 0.5 k 3 rate 1.0e-03"
