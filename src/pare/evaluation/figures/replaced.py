"""Which target slots hold source patches (paper, section 3.3); N tokens a sample."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pare.evaluation.figures.canvas import SLICE, Array, middle_slice, short, titled_figure

MOST_GRIDS = 8
MOST_NAMED = 40


def replaced_figure(
    replaced: Array,
    *,
    epochs: Sequence[int],
    fractions: Sequence[float],
    grid: tuple[int, ...],
    title: str,
    names: Sequence[str] = (),
) -> Figure:
    """Show which target slots hold source patches, epoch by epoch, averaged over the batches of the epoch.

    Tokens of a two-dimensional grid become one small map for each of at most eight epochs, evenly chosen from
    the first to the last, and of three axes the middle slice along the first; tokens in a row become one image of
    epochs by tokens.

    Args:
        replaced: share of samples in which the slot was replaced, 0 to 1, ``(epochs, N)``.
        epochs: the epoch of each row.
        fractions: k/N in each of these epochs.
        grid: the tokens' ``(slices, rows, columns)``, ``(rows, columns)``, or ``(N,)``.
        title: the heading.
        names: of the tokens in a row, such as those of a table's columns; empty: they are counted.

    Raises:
        ValueError: if the shapes do not fit.
    """
    expected = (len(epochs), int(np.prod(grid)))
    if not len(epochs) or replaced.shape != expected or len(fractions) != len(epochs):
        raise ValueError(
            f"replaced has shape {replaced.shape} for {len(epochs)} epochs, {len(fractions)} fractions and "
            f"the grid {tuple(grid)}: expected {expected}, as many fractions, and at least one epoch"
        )
    if len(grid) == 1:
        return _draw_token_row(replaced, epochs, fractions, names, title)
    return _draw_token_grids(replaced, epochs, fractions, grid, title)


def _evenly_chosen(count: int) -> Array:
    """At most `MOST_GRIDS` of ``count`` row numbers, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, MOST_GRIDS).round().astype(int))


def _draw_token_grids(
    replaced: Array, epochs: Sequence[int], fractions: Sequence[float], grid: tuple[int, ...], title: str
) -> Figure:
    replaced = replaced.reshape(-1, *grid)
    if len(grid) == 3:
        replaced, title = middle_slice(replaced), f"{title}; {SLICE}"
    shown = _evenly_chosen(len(epochs))
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = titled_figure(max(2.4 * columns + 1.2, 6.5), 2.6 * rows + 0.6, title)
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(shown) :]:
        ax.remove()
    drawn = axes.flat[: len(shown)]
    for ax, row in zip(drawn, shown, strict=True):
        image = ax.imshow(replaced[row], cmap="Greys", vmin=0, vmax=1)
        ax.set_title(f"epoch {epochs[row]}, k/N = {fractions[row]:.2f}", fontsize="medium")
        ax.set(xticks=[], yticks=[])
    figure.colorbar(image, ax=list(drawn), label="share of samples in which\nthe slot was replaced")
    figure.supxlabel(f"target tokens, {grid[-2]} rows of {grid[-1]}", fontsize="medium")
    return figure


def _draw_token_row(
    replaced: Array, epochs: Sequence[int], fractions: Sequence[float], names: Sequence[str], title: str
) -> Figure:
    named = 0 < len(names) <= MOST_NAMED
    figure = titled_figure(9, 5.6 if named else 4.2, title)
    ax = figure.subplots()
    image = ax.imshow(replaced, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    shown = _evenly_chosen(len(epochs))
    ax.set_yticks(shown, [f"epoch {epochs[row]}, k/N = {fractions[row]:.2f}" for row in shown])
    if named:
        ax.set_xticks(range(len(names)), [short(name) for name in names], rotation="vertical")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set_xlabel("target token")
    figure.colorbar(image, ax=ax, label="share of samples in which the slot was replaced")
    return figure
