import numpy as np
import pytest

from drawn_figures import draws, panels
from pare.evaluation.figures.dense import dense_figure, representative_samples


def dense(n=3, channels=1, grid=(6, 8), **changes):
    draw = np.random.default_rng(0)
    truths = draw.normal(size=(n, channels, *grid))
    given = {
        "inputs": draw.normal(size=(n, 3, *(5 for _ in grid))),
        "truths": truths,
        "predictions": truths + draw.normal(size=truths.shape),
        "captions": [f"sample {i}" for i in range(n)],
        "title": "Darcy flow",
        "input_names": ["coefficient", "x", "y"],
        "output_names": [f"u{i}" for i in range(channels)],
    } | changes
    arrays = [given.pop(name) for name in ("inputs", "truths", "predictions")]
    return arrays, given


def test_representative_samples_are_the_best_median_ninetieth_percentile_and_worst():
    scores = np.array([5, 3, 9, 0, 7, 1, 10, 2, 8, 4, 6])
    assert representative_samples(scores) == [(3, "best"), (0, "median"), (2, "90th percentile"), (6, "worst")]
    assert representative_samples(scores, channels=2) == [(0, "median"), (6, "worst")]


@pytest.mark.parametrize(("n", "roles"), [(1, ["best"]), (2, ["best", "worst"]), (3, ["best", "median", "worst"])])
def test_a_few_samples_are_chosen_once_each(n, roles):
    assert [role for _, role in representative_samples(np.arange(n))] == roles


def test_a_sample_without_a_score_is_not_chosen():
    chosen = representative_samples(np.array([np.nan, 2.0, np.nan, 1.0]))
    assert chosen == [(3, "best"), (1, "worst")]
    with pytest.raises(ValueError, match="none of 2 scores"):
        representative_samples(np.full(2, np.nan))


def test_dense_figure_shows_input_truth_prediction_and_error_of_each_sample():
    (inputs, truths, predictions), given = dense()
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    rows = np.array(panels(figure)).reshape(3, 4)
    assert [ax.get_ylabel().splitlines()[0] for ax in rows[:, 0]] == ["sample 0", "sample 1", "sample 2"]
    for row, *fields in zip(rows, inputs[:, 0], truths[:, 0], predictions[:, 0], strict=True):
        for ax, expected in zip(row, [*fields, fields[2] - fields[1]], strict=True):
            np.testing.assert_array_equal(ax.images[0].get_array(), expected)


def test_dense_figure_names_its_columns_and_axes():
    arrays, given = dense()
    figure = dense_figure(*arrays, **given)
    assert figure.get_suptitle() == "Darcy flow"
    assert [ax.get_title() for ax in panels(figure)[:4]] == [
        "input: coefficient",
        "truth: u0",
        "prediction",
        "error: prediction \N{MINUS SIGN} truth",
    ]
    assert {ax.get_xlabel() for ax in panels(figure)[-4:]} == {"column [grid points]"}


def test_truth_and_prediction_share_a_colour_scale_and_the_error_is_symmetric():
    (inputs, truths, predictions), given = dense()
    _, truth, prediction, error = panels(dense_figure(inputs, truths, predictions, **given))[:4]
    both = np.stack([truths[0, 0], predictions[0, 0]])
    assert truth.images[0].get_clim() == prediction.images[0].get_clim() == (both.min(), both.max())
    low, high = error.images[0].get_clim()
    assert -low == high == np.abs(both[1] - both[0]).max()


def test_masked_points_are_blank_and_do_not_change_the_scale():
    (inputs, truths, predictions), given = dense(n=1)
    truths[0, 0, 2:] = np.nan
    predictions[0, 0, 3, 3] = 1000
    _, *drawn = panels(draws(dense_figure(inputs, truths, predictions, **given)))
    for ax in drawn:
        np.testing.assert_array_equal(np.ma.getmaskarray(ax.images[0].get_array()), np.isnan(truths[0, 0]))
        assert ax.images[0].get_clim()[1] < 1000


def test_fields_along_one_axis_are_drawn_as_lines():
    (inputs, truths, predictions), given = dense(n=2, grid=(20,))
    truths[1, 0, 15:] = np.nan
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    rows = np.array(figure.axes).reshape(2, 3)
    assert rows[0, 1].get_title() == "u0: truth (solid), prediction (dashed)"
    assert {ax.get_xlabel() for ax in rows[-1]} == {"grid point"}
    masked = np.where(np.isnan(truths), np.nan, predictions)
    for row, sample in zip(rows, (0, 1), strict=True):
        solid, dashed = row[1].lines
        assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
        drawn = [row[0].lines[0], solid, dashed, row[2].lines[1]]
        wanted = [inputs[sample, 0], truths[sample, 0], masked[sample, 0], masked[sample, 0] - truths[sample, 0]]
        for line, expected in zip(drawn, wanted, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), expected)
        low, high = row[2].get_ylim()
        assert -low == high


def test_of_fields_along_three_axes_the_middle_slice_is_drawn_and_the_heading_says_so():
    (inputs, truths, predictions), given = dense(n=2, channels=2, grid=(7, 6, 8))
    truths[1, 0, 3, 2] = np.nan
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    assert figure.get_suptitle() == "Darcy flow; middle slice along the first axis"
    sliced = dense_figure(inputs[:, :, 2], truths[:, :, 3], predictions[:, :, 3], **given)
    for ax, expected in zip(panels(figure), panels(sliced), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), expected.images[0].get_array())
        assert ax.get_title() == expected.get_title()


@pytest.mark.parametrize("grid", [(20,), (6, 8)])
def test_of_several_channels_three_are_drawn_one_a_row(grid):
    (inputs, truths, predictions), given = dense(n=1, channels=4, grid=grid)
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    rows = np.array(panels(figure)).reshape(3, -1)
    assert [row[0].get_title() for row in rows] == ["input: coefficient", "input: x", "input: y"]
    assert [row[1].get_title() for row in rows] == [
        f"u{i}: truth (solid), prediction (dashed)" if len(grid) == 1 else f"truth: u{i}" for i in range(3)
    ]
    last = rows[2, 1]
    drawn = last.lines[0].get_ydata() if len(grid) == 1 else last.images[0].get_array()
    np.testing.assert_array_equal(drawn, truths[0, 2])


def test_long_headings_and_names_are_broken_into_lines():
    arrays, given = dense(n=1, title="a word " * 40, output_names=["the pressure of the fluid in a porous square"])
    figure = draws(dense_figure(*arrays, **given))
    assert max(map(len, figure.get_suptitle().splitlines())) <= 9 * 13
    assert panels(figure)[1].get_title().count("\n") == 1


@pytest.mark.parametrize("grid", [(20,), (6, 8)])
def test_an_exact_prediction_of_a_constant_field_and_a_field_that_is_masked_everywhere_can_be_drawn(grid):
    arrays, given = dense(n=1, grid=grid)
    for value in (1.0, np.nan):
        draws(dense_figure(arrays[0], np.full((1, 1, *grid), value), np.ones((1, 1, *grid)), **given))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truths": np.zeros((3, 1, 6, 7))}, "the same for truths and predictions"),
        ({"inputs": np.zeros((3, 1, 6))}, "expected \\(n, C, L\\) or \\(n, C, H, W\\)"),
        ({"captions": ["one"]}, "3 inputs, 3 truths and 1 captions"),
        ({"input_names": ["coefficient"]}, "3 input channels have 1 names"),
        ({"output_names": ["u", "v"]}, "1 output channels have 2 names"),
    ],
)
def test_fields_that_do_not_fit_are_refused(changes, message):
    arrays, given = dense(**changes)
    with pytest.raises(ValueError, match=message):
        dense_figure(*arrays, **given)
