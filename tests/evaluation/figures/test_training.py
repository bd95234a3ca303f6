import numpy as np
import pytest

from drawn_figures import draws
from pare.evaluation.figures import training_figure


def epoch(number, **values):
    return {"epoch": number, "loss": 1.0 / number, "validation": None, "seconds": 1.0} | values


@pytest.mark.parametrize(("direction", "kept"), [("lower", 3), ("higher", 2)])
def test_training_figure_marks_the_epoch_that_was_kept(direction, kept):
    history = [epoch(i, validation=v) for i, v in enumerate([0.5, 0.9, 0.1, None, 0.4], start=1)]
    figure = draws(
        training_figure(history, title="t", metric_title="AUROC", metric_direction=direction, kept_epoch=kept)
    )
    left, right = figure.axes
    curve, star = right.lines
    np.testing.assert_array_equal(curve.get_ydata(), [0.5, 0.9, 0.1, np.nan, 0.4])
    assert star.get_xdata() == [kept]
    assert star.get_ydata() == [history[kept - 1]["validation"]]
    assert star.get_label().endswith(f"in epoch {kept}")
    assert (right.get_ylabel(), left.get_xlabel(), right.get_xlabel()) == ("AUROC", "epoch", "epoch")
    assert right.get_title() == f"validation ({direction} is better)"


def test_training_figure_marks_the_solved_start_that_was_left():
    history = [{"epoch": 0, "validation": 0.3}, epoch(1, validation=0.9), epoch(2, validation=0.1)]
    for kept, labels in ((2, ["solved start: 0.3", "kept: 0.1 in epoch 2"]), (0, ["kept: 0.3 of the solved start"])):
        figure = draws(training_figure(history, title="t", metric_title="m", metric_direction="lower", kept_epoch=kept))
        assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == labels


def test_training_figure_draws_every_loss_that_was_recorded_and_the_share_replaced():
    mixed = {"loss_target": 0.4, "loss_mixed_target": 0.5, "loss_source": 0.6}
    history = [
        epoch(1, k=30, **{"lambda": 0.75}, **mixed),
        epoch(2, k=10, **{"lambda": 0.25}, **mixed),
        epoch(3, k=0, **{"lambda": 0.0}, loss_target=0.3, loss_mixed_target=None, loss_source=None),
    ]
    figure = draws(training_figure(history, title="t", metric_title="m", metric_direction="lower", kept_epoch=1))
    left, right, twin = figure.axes
    losses = {line.get_label(): line.get_ydata() for line in left.lines}
    assert list(losses) == ["total", "target", "mixed, target label", "mixed, source label"]
    np.testing.assert_array_equal(losses["total"], [1, 1 / 2, 1 / 3])
    np.testing.assert_array_equal(losses["mixed, source label"], [0.6, 0.6, np.nan])
    assert left.get_yscale() == "log"
    np.testing.assert_array_equal(twin.patches[0].get_data().values, [0.75, 0.25, 0.0])
    np.testing.assert_array_equal(twin.patches[0].get_data().edges, [0.5, 1.5, 2.5, 3.5])
    assert "k/N" in twin.get_ylabel()
    assert [text.get_text() for text in right.texts] == ["no validation part"]


def test_plain_fine_tuning_has_neither_mixed_losses_nor_a_second_axis():
    figure = draws(training_figure([epoch(1)], title="t", metric_title="m", metric_direction="lower", kept_epoch=1))
    left, _ = figure.axes
    assert [line.get_label() for line in left.lines] == ["total"]


def test_losses_that_reach_zero_are_drawn_on_a_linear_scale():
    history = [epoch(1), epoch(2, loss=0.0)]
    figure = draws(training_figure(history, title="t", metric_title="m", metric_direction="lower", kept_epoch=1))
    assert figure.axes[0].get_yscale() == "linear"


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="no epoch"):
        training_figure([], title="t", metric_title="m", metric_direction="lower", kept_epoch=1)
