import logging
from io import StringIO

import pytest
from rich.console import Console

from pare.learners.networks.training.progress import EpochProgress

ROW = {"loss": 0.5, "k": 3, "lambda": 0.5, "validation": 0.25, "seconds": 2.0}


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="pare")
    return caplog


@pytest.mark.parametrize(
    ("epochs", "expected"), [(3, [1, 2, 3]), (10, list(range(1, 11))), (60, list(range(6, 61, 6)))]
)
def test_without_a_terminal_each_tenth_of_the_training_leaves_a_line_with_its_losses(lines, epochs, expected):
    with EpochProgress(epochs=epochs, steps=1, done=0, metric="rmse") as bar:
        for _ in range(epochs):
            bar.step(0.5, 3)
            bar.epoch_done(ROW)
    assert lines.messages == [f"epoch {i}/{epochs}: loss 0.5, λ 0.50, validation rmse 0.25, 2.0 s" for i in expected]


def test_on_a_terminal_the_bar_alone_shows_the_epochs(lines, monkeypatch):
    monkeypatch.setattr(
        "pare.learners.networks.training.progress.get_console", lambda: Console(file=StringIO(), force_terminal=True)
    )
    with EpochProgress(epochs=2, steps=1, done=0, metric="rmse") as bar:
        bar.step(None, 3)
        assert bar.bar.tasks[0].description == "epoch 1/2 k 3"
        bar.epoch_done(ROW)
        bar.step(0.5, 0)
        assert bar.bar.tasks[0].description.endswith("rmse 0.25")
    assert not lines.messages


def test_what_a_run_does_not_have_is_left_out(lines):
    with EpochProgress(epochs=1, steps=1, done=0, metric="rmse") as bar:
        bar.epoch_done({"loss": 0.5, "validation": None, "seconds": 2.0})
    assert lines.messages == ["epoch 1/1: loss 0.5, 2.0 s"]


def test_a_resumed_run_counts_on_from_its_finished_epochs(lines):
    with EpochProgress(epochs=4, steps=5, done=3, metric="rmse") as bar:
        assert (bar.bar.tasks[0].completed, bar.bar.tasks[0].total) == (15, 20)
        bar.step(0.5, 0)
        assert bar.bar.tasks[0].completed == 16
        bar.epoch_done(ROW)
    assert lines.messages[0].startswith("epoch 4/4")


def test_the_bar_shows_loss_and_replaced_tokens():
    with EpochProgress(epochs=4, steps=5, done=0, metric="rmse") as bar:
        bar.step(0.5, 3)
        assert bar.bar.tasks[0].description == "epoch 1/4 loss 0.5 k 3"
