"""A training epoch by epoch: losses, validation metric, and which of N target tokens held source patches."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pare.evaluation.figures.canvas import SLICE, Array, middle_slice, short, titled_figure

LOSSES = {
    "loss": ("total", "-", "black"),
    "loss_target": ("target", "--", "tab:blue"),
    "loss_mixed_target": ("mixed, target label", "-.", "tab:orange"),
    "loss_source": ("mixed, source label", ":", "tab:green"),
}

MOST_GRIDS = 8
MOST_NAMED = 40


def training_figure(
    history: Sequence[Mapping[str, Any]],
    *,
    title: str,
    metric_title: str,
    metric_direction: Literal["lower", "higher"],
    kept_epoch: int,
) -> Figure:
    """Show the losses (left) and the validation metric with the selected epoch over the fraction replaced (right).

    Args:
        history: one entry an epoch with ``epoch`` and ``loss``, and where they apply ``loss_target``,
            ``loss_mixed_target``, ``loss_source``, ``lambda`` (k/N, 0 to 1) and ``validation``; None or an
            absent key leaves a gap.
        title: the heading.
        metric_title: the name of the validation metric, with its unit.
        metric_direction: which value of it is best.
        kept_epoch: the epoch whose model was selected, from 1; 0 is the solved start.

    Raises:
        ValueError: if the history is empty.
    """
    if not history:
        raise ValueError("the history has no epoch: expected at least one entry")
    figure = titled_figure(11, 4.2, title)
    left, right = figure.subplots(1, 2)
    epochs = np.array([entry["epoch"] for entry in history])
    for ax in (left, right):
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    _draw_losses(left, history, epochs)
    _draw_replaced_fraction(right, _column(history, "lambda"), epochs)
    _draw_validation(right, _column(history, "validation"), epochs, metric_title, metric_direction, kept_epoch)
    return figure


def _column(history: Sequence[Mapping[str, Any]], key: str) -> Array:
    """One value an epoch, NaN where the epoch has none."""
    values = [entry.get(key) for entry in history]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _draw_losses(ax: Axes, history: Sequence[Mapping[str, Any]], epochs: Array) -> None:
    drawn = []
    for key, (label, style, colour) in LOSSES.items():
        values = _column(history, key)
        if np.isfinite(values).any():
            ax.plot(epochs, values, style, color=colour, marker=".", markersize=4, label=label)
            drawn.append(values[np.isfinite(values)])
    if drawn and np.concatenate(drawn).min() > 0:
        ax.set_yscale("log")
    ax.set(title="training loss", ylabel="loss, mean over the epoch")
    ax.grid(alpha=0.3)
    if drawn:
        ax.legend()


def _draw_replaced_fraction(ax: Axes, fractions: Array, epochs: Array) -> None:
    """Shade k/N behind the curve of ``ax``, on an axis of its own at the right."""
    if not np.isfinite(fractions).any():
        return
    twin = ax.twinx()
    twin.stairs(fractions, np.append(epochs - 0.5, epochs[-1] + 0.5), fill=True, color="0.85")
    twin.set(ylim=(0, 1), ylabel="fraction of patches replaced, k/N")
    ax.set_zorder(twin.get_zorder() + 1)
    ax.patch.set_visible(False)


def _draw_validation(
    ax: Axes, values: Array, epochs: Array, metric_title: str, direction: str, kept_epoch: int
) -> None:
    ax.set_title(f"validation ({direction} is better)")
    ax.set_ylabel(metric_title)
    if not np.isfinite(values).any():
        ax.set_yticks([])
        ax.text(0.5, 0.5, "no validation part", transform=ax.transAxes, ha="center", bbox={"facecolor": "white"})
        return
    kept = values[epochs == kept_epoch]
    ax.plot(epochs, values, "-", color="black", marker=".", markersize=4)
    if kept_epoch and epochs[0] == 0:
        ax.plot(0, values[0], "o", color="black", fillstyle="none", label=f"solved start: {values[0]:.4g}")
    ax.plot(
        kept_epoch,
        kept,
        "*",
        color="tab:red",
        markersize=14,
        clip_on=False,
        label=f"selected: {kept.item():.4g} {f'in epoch {kept_epoch}' if kept_epoch else '(solved start)'}",
    )
    ax.grid(alpha=0.3)
    ax.legend()


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
        replaced: fraction of samples in which the slot was replaced, 0 to 1, ``(epochs, N)``.
        epochs: the epoch of each row.
        fractions: k/N in each of these epochs.
        grid: the tokens' ``(slices, rows, columns)``, ``(rows, columns)``, or ``(N,)``.
        title: the heading.
        names: names of the tokens in a row, such as a table's columns; empty: they are counted.

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
    figure.colorbar(image, ax=list(drawn), label="fraction of samples in which\nthe slot was replaced")
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
    figure.colorbar(image, ax=ax, label="fraction of samples in which the slot was replaced")
    return figure
