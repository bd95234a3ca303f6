import numpy as np
import pytest

from drawn_figures import draws, panels
from pare.evaluation.figures import replaced_figure


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
