import numpy as np
import pytest

from drawn_figures import draws, panels
from pare.evaluation.figures.reliability import band_figure, interval_figure, reliability_figure

RNG = np.random.default_rng(0)


def test_reliability_shows_how_often_what_was_predicted_happened():
    shares = np.repeat([0.25, 0.75], 100)
    happened = np.tile([True] * 50 + [False] * 50, 2)  # half of each
    figure = draws(reliability_figure({"as it is": shares, "later": shares**2}, happened, what="p", title="t"))
    left, right = figure.axes
    _, before, after = left.lines
    np.testing.assert_allclose(before.get_data(), [[0.25, 0.75], [0.5, 0.5]])
    np.testing.assert_allclose(after.get_data(), [[0.0625, 0.5625], [0.5, 0.5]])
    assert right.get_xlim() == left.get_xlim()


def test_intervals_are_sorted_by_truth_and_the_share_inside_is_said():
    truth = np.repeat(RNG.permutation(np.arange(40.0))[:, None], 2, axis=1)
    prediction = truth + np.where(truth < 10, 5, 0)
    ends = prediction - 1, prediction + 1
    ax, other = draws(interval_figure(prediction, ends, truth, names=["mass [kg]", "size"], title="t")).axes
    assert ax.get_title() == other.get_title() == "75 % are inside"
    _, inside, outside = ax.lines
    np.testing.assert_array_equal(inside.get_ydata(), np.arange(10, 40))
    np.testing.assert_array_equal(outside.get_data(), [np.arange(10)] * 2)


def test_of_many_samples_some_are_drawn():
    truth = np.arange(1000.0)[:, None]
    figure = draws(interval_figure(truth, (truth - 1, truth + 1), truth, names=["y"], title="t"))
    assert figure.axes[0].get_title() == ""  # the heading says it of one number
    assert len(figure.axes[0].lines[1].get_ydata()) == 150


def test_bands_are_maps_or_lines_of_at_most_three_channels():
    for grid in ((6, 5), (9,)):
        width, covered = RNG.random((4, *grid)), RNG.random((4, *grid))
        covered[0, 0] = np.nan
        figure = draws(band_figure(width, covered, names=list("abcd"), asked=0.9, title="t"))
        shown = np.array(panels(figure)).reshape(3, 2)
        assert [ax.get_title() for ax in shown[:, 0]] == [f"{name}: width of the band" for name in "abc"]
        drawn = shown[1, 0].images[0].get_array() if len(grid) == 2 else shown[1, 0].lines[0].get_ydata()
        np.testing.assert_array_equal(drawn, width[1])


def test_of_three_axes_the_middle_slice_is_shown_and_the_heading_says_so():
    width, covered = RNG.random((2, 5, 6, 7)), RNG.random((2, 5, 6, 7))
    figure = draws(band_figure(width, covered, names=["u", "v"], asked=0.9, title="t"))
    assert figure.get_suptitle() == "t; middle slice along the first axis"
    shown = [ax.images[0].get_array() for ax in panels(figure)]
    for drawn, expected in zip(shown, (width[0, 2], covered[0, 2], width[1, 2], covered[1, 2]), strict=True):
        np.testing.assert_array_equal(drawn, expected)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("grid", [(9,), (6, 5), (3, 6, 5)])
def test_a_channel_without_any_truth_has_a_band_too(grid):
    covered = np.full((1, *grid), np.nan)
    figure = draws(band_figure(np.ones((1, *grid)), covered, names=["u"], asked=0.9, title="t"))
    assert len(panels(figure)) == 2
