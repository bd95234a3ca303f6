import numpy as np
import pytest

from drawn_figures import draws, panels
from pare.evaluation.figures.epochs import replaced_figure, training_figure


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
    for kept, labels in ((2, ["solved start: 0.3", "selected: 0.1 in epoch 2"]), (0, ["selected: 0.3 (solved start)"])):
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


@pytest.mark.parametrize(("recorded", "shown"), [(1, 1), (5, 5), (20, 8)])
def test_replaced_figure_shows_at_most_eight_epochs_from_the_first_to_the_last(recorded, shown):
    replaced = np.random.default_rng(0).random((recorded, 6))
    epochs, fractions = list(range(10, 10 + recorded)), list(np.linspace(1, 0, recorded))
    figure = draws(replaced_figure(replaced, epochs=epochs, fractions=fractions, grid=(2, 3), title="wdbc"))
    maps = panels(figure)
    assert len(maps) == shown
    assert maps[0].get_title() == "epoch 10, k/N = 1.00"
    if recorded > 1:
        assert maps[-1].get_title() == f"epoch {epochs[-1]}, k/N = 0.00"
    for ax in maps:
        row = epochs.index(int(ax.get_title().split()[1].rstrip(",")))
        np.testing.assert_array_equal(ax.images[0].get_array(), replaced[row].reshape(2, 3))
        assert ax.images[0].get_clim() == (0, 1)


def test_of_tokens_along_three_axes_the_middle_slice_is_shown_and_the_heading_says_so():
    replaced = np.random.default_rng(0).random((2, 24))
    figure = draws(replaced_figure(replaced, epochs=[1, 2], fractions=[1, 0], grid=(3, 2, 4), title="heat"))
    assert figure.get_suptitle() == "heat; middle slice along the first axis"
    for ax, row in zip(panels(figure), replaced, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), row.reshape(3, 2, 4)[1])


def test_tokens_in_a_row_become_one_image_of_epochs_by_tokens():
    replaced = np.random.default_rng(0).random((3, 7))
    figure = draws(replaced_figure(replaced, epochs=[1, 2, 5], fractions=[0.9, 0.5, 0.0], grid=(7,), title="wdbc"))
    (ax,) = panels(figure)
    np.testing.assert_array_equal(ax.images[0].get_array(), replaced)
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "epoch 1, k/N = 0.90",
        "epoch 2, k/N = 0.50",
        "epoch 5, k/N = 0.00",
    ]
    assert (ax.get_xlabel(), figure.get_suptitle()) == ("target token", "wdbc")


def test_replaced_shares_that_do_not_fit_the_grid_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 6\) for 2 epochs.*expected \(2, 9\)"):
        replaced_figure(np.zeros((2, 6)), epochs=[1, 2], fractions=[1, 0], grid=(3, 3), title="t")


@pytest.mark.parametrize("columns", [3, 41])
def test_tokens_that_are_columns_have_their_names_where_these_fit(columns):
    names = [f"column of a very long name {i}" if i else "$price$" for i in range(columns)]
    replaced = np.zeros((2, columns))
    figure = draws(replaced_figure(replaced, epochs=[1, 2], fractions=[1, 0], grid=(columns,), title="t", names=names))
    (ax,) = panels(figure)
    shown = [text.get_text() for text in ax.get_xticklabels()]
    if columns == 3:
        assert shown == [r"\$price\$", "column of a very long name 1", "column of a very long name 2"]
    else:
        assert ax.get_xlabel() == "target token" and r"\$price\$" not in shown
