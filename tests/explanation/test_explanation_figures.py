"""The figures of explanations: what is drawn where."""

import numpy as np
import pytest

from drawn_figures import draws, panels
from pare.explanation import Explanation, explain
from pare.explanation.explanation_figures import draw_explanation, line_figure, map_figure, table_figure
from pare.explanation.regions import Region


def explained(regions, rows=3, outcomes=1, weights=None, deviation=None):
    changes = np.random.default_rng(0).normal(size=(rows, len(regions), outcomes))
    return Explanation(regions, None, changes, weights, deviation)


def columns(count):
    return [Region(f"column {i}", slice(i, i + 1)) for i in range(count)]


@pytest.mark.parametrize(("count", "bars"), [(4, 4), (40, 25)])
def test_columns_are_bars_with_their_names_the_most_important_at_the_top(count, bars):
    weights = np.arange(count) / 10
    values = np.random.default_rng(0).normal(size=(3, count))
    values[0, -1] = np.nan
    explanation = explained(columns(count), weights=weights, deviation=weights / 2)
    figure = draws(table_figure(explanation, values, numeric=[True] * count, label="rise", title="wine"))
    left, right = panels(figure)
    assert next(text.get_text() for text in left.get_yticklabels()) == f"column {count - 1}"
    np.testing.assert_allclose([bar.get_width() for bar in left.patches], weights[::-1][:bars])
    assert left.get_ylim()[0] > left.get_ylim()[1]
    assert left.get_xlabel() == ("rise" if bars == count else "rise; 25 of 40 columns")
    points = [*right.collections[0].get_offsets()[:, 0], *right.lines[0].get_xdata()]
    np.testing.assert_allclose(sorted(points), sorted(explanation.changes[:, -1, 0]))


def test_changes_of_several_outcomes_are_averaged():
    explanation = explained(columns(2), outcomes=3)
    figure = draws(table_figure(explanation, np.zeros((3, 2)), numeric=[False, False], label="mean", title="t"))
    _, right = panels(figure)
    first = explanation.order[0]
    np.testing.assert_allclose(right.lines[0].get_xdata(), np.abs(explanation.changes[:, first]).mean(1))
    assert right.get_xlabel().endswith("mean of all outcomes")


SPANS = [slice(0, 3), slice(3, 5)]


@pytest.mark.parametrize(("channels", "shown"), [(1, 2), (2, 2), (5, 3)])
def test_spans_are_steps_above_the_examples(channels, shown):
    regions = [Region("", slice(c, c + 1), (span,), f"c{c}") for c in range(channels) for span in SPANS]
    explanation = explained(regions, weights=np.arange(2.0 * channels))
    examples = np.random.default_rng(0).normal(size=(2, channels, 5))
    figure = draws(line_figure(explanation, examples, chosen=[0, 2], captions=["a", "b"], label="rise", title="t"))
    top, *axes = panels(figure)
    assert len(axes) == shown
    last = [2 * channels - 2, 2 * channels - 1]
    np.testing.assert_array_equal(top.patches[0].get_data().values, last)
    np.testing.assert_array_equal(top.patches[0].get_data().edges, [0, 3, 5])
    titles = ["a: c0", "b: c0"] if channels == 1 else [f"a: c{channels - 1 - i}" for i in range(shown)]
    assert [ax.get_title() for ax in axes] == titles
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), examples[0, channels - 1])


def test_patches_are_a_map_next_to_the_examples():
    regions = [Region("", slice(0, 1), (row, column)) for row in SPANS for column in SPANS]
    explanation = explained(regions, weights=np.arange(4.0))
    examples = np.random.default_rng(0).normal(size=(2, 1, 5, 5))
    figure = draws(map_figure(explanation, examples, chosen=[0, 2], captions=["a", "b"], label="rise", title="t"))
    first, *others = panels(figure)
    expected = np.repeat(np.repeat([[0, 1], [2, 3]], [3, 2], axis=0), [3, 2], axis=1)
    np.testing.assert_array_equal(first.images[0].get_array(), expected)
    assert [ax.get_title() for ax in others if ax.images] == ["a", "b", "", ""]
    np.testing.assert_array_equal(others[1].images[0].get_array(), examples[1, 0])


def test_of_a_volume_the_middle_slice_is_shown():
    regions = [Region("", slice(0, 1), (plane, row, slice(0, 5))) for plane in SPANS for row in SPANS]
    explanation = explained(regions, weights=np.arange(4.0))
    examples = np.random.default_rng(0).normal(size=(2, 1, 5, 5, 5))
    figure = draws(map_figure(explanation, examples, chosen=[0, 2], captions=["a", "b"], label="rise", title="t"))
    first, *others = panels(figure)
    np.testing.assert_array_equal(first.images[0].get_array()[:, 0], [0, 0, 0, 1, 1])  # plane 2 is in the first span
    np.testing.assert_array_equal(others[0].images[0].get_array(), examples[0, 0, 2])
    assert figure.get_suptitle() == "t; middle slice along the first axis"


def test_examples_are_the_row_of_each_predicted_class_that_changes_most(known, rng):
    x = rng.normal(size=(40, 1, 32)).astype(np.float32)
    y = (x[:, 0, 7] > 0).astype(int)
    model, question = known(lambda rows: rows[:, 0, 7:9] * 1.0, x, y)
    explanation = explain(model, question)
    figure = draws(draw_explanation(model, question, explanation))
    _, *axes = panels(figure)
    predicted, most = x[20:, 0, 7:9].argmax(1), np.abs(explanation.changes).max((1, 2))
    rows = [int(np.where(predicted == number, most, -1).argmax()) for number in (0, 1)]
    assert {ax.get_title() for ax in axes} == {f"row {row + 1}: {predicted[row]}" for row in rows}
    assert "mine, finetune" in figure.get_suptitle() and "20 test rows" in figure.get_suptitle()
