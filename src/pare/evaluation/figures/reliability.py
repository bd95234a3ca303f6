"""Figures of how sure predictions are, and whether they should be; n samples."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve

from pare.evaluation.figures.canvas import MOST_ROWS, SLICE, Array, middle_slice, plain, titled_figure, value_range

BINS = 10
MOST_INTERVALS = 150
STYLES = (("o-", "0.55"), ("s--", "black"))


def reliability_figure(curves: Mapping[str, Array], happened: Array, *, what: str, title: str) -> Figure:
    """Show how often what was predicted happened (left), and how many predictions were how sure (right).

    Args:
        curves: predicted probabilities ``(n,)`` by the name of their curve, at most two.
        happened: whether it did, ``(n,)``.
        what: the probability of what.
        title: the heading.
    """
    figure = titled_figure(11, 4.6, title)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="tab:red", linewidth=1, label="as sure as it should be")
    for (name, predicted), (style, colour) in zip(curves.items(), STYLES, strict=False):
        often, sure = calibration_curve(happened, predicted, n_bins=BINS)
        left.plot(sure, often, style, color=colour, label=name, markersize=5)
        fill = style == "o-"
        right.hist(
            predicted, bins=BINS, range=(0, 1), histtype="stepfilled" if fill else "step", color=colour, label=name
        )
    least = min(float(predicted.min()) for predicted in curves.values())
    left.set(xlim=(least - 0.02, 1.02), ylim=(-0.02, 1.02), xlabel=what, ylabel="fraction that is true")
    right.set(xlim=left.get_xlim(), xlabel=what, ylabel="predictions")
    for ax in (left, right):
        ax.grid(alpha=0.3)
    left.legend(fontsize="small")
    return figure


def interval_figure(
    prediction: Array, ends: tuple[Array, Array], truth: Array, *, names: Sequence[str], title: str
) -> Figure:
    """Show sorted true numbers and their intervals, a row for each of at most three numbers.

    Args:
        prediction: ``(n, numbers)``; of many samples some are shown, evenly chosen by their truth.
        ends: lower and upper, the same shape.
        truth: the same shape and units.
        names: what the numbers are, with units if they have any.
        title: the heading.
    """
    shown = min(len(names), MOST_ROWS)
    figure = titled_figure(11, 3.6 * shown + 0.6, title)
    for i, ax in enumerate(figure.subplots(shown, 1, squeeze=False)[:, 0]):
        lower, upper = (end[:, i] for end in ends)
        inside = (lower <= truth[:, i]) & (truth[:, i] <= upper)
        order = np.argsort(truth[:, i], kind="stable")
        some = order[np.unique(np.linspace(0, len(order) - 1, MOST_INTERVALS).round().astype(int))]
        _draw_intervals(ax, prediction[some, i], (lower[some], upper[some]), truth[some, i], inside[some])
        ax.set_ylabel(plain(names[i]))
        if shown > 1:
            ax.set_title(f"{100 * inside.mean():.3g} % are inside", fontsize="medium")
    ax.set_xlabel("samples, by their true number")
    return figure


def _draw_intervals(ax: Axes, prediction: Array, ends: tuple[Array, Array], truth: Array, inside: Array) -> None:
    places = np.arange(len(truth))
    ax.vlines(places, *ends, color="0.75", linewidth=2, label="interval")
    ax.plot(places, prediction, "_", color="0.35", markersize=4, label="prediction")
    ax.plot(places[inside], truth[inside], ".", color="black", markersize=4, label="truth, inside")
    ax.plot(places[~inside], truth[~inside], "x", color="tab:red", markersize=5, label="truth, outside")
    ax.grid(alpha=0.3)
    ax.margins(x=0.01)
    ax.legend(loc="lower right", ncols=4, fontsize="small")  # where the sorted truth is not


def band_figure(width: Array, covered: Array, *, names: Sequence[str], asked: float, title: str) -> Figure:
    """Show how wide the band is at each point (left), and in how many samples it holds the truth there (right).

    Of three axes the middle slice along the first is shown, and the heading says so.

    Args:
        width: from the lower to the upper end, ``(channels, L)``, ``(channels, H, W)`` or ``(channels, D, H, W)``;
            three channels are shown.
        covered: fraction of samples inside the band, the same shape; NaN where no sample has a truth.
        names: names of the channels, with units if they have any.
        asked: coverage that was asked for.
        title: the heading.
    """
    if width.ndim == 4:
        width, covered, title = middle_slice(width), middle_slice(covered), f"{title}; {SLICE}"
    shown, lines = min(len(names), MOST_ROWS), width.ndim == 2
    height = 2.8 if lines else 3.4 * min(max(width.shape[1] / width.shape[-1], 0.5), 1.5) + 0.5
    figure = titled_figure(9.5, height * shown + 0.6, title)
    for i, row in enumerate(figure.subplots(shown, 2, squeeze=False)):
        if lines:
            _draw_band_lines(row, width[i], covered[i], asked)
        else:
            _draw_band_maps(row, width[i], covered[i], asked)
        row[0].set_title(plain(f"{names[i]}: width of the band"), fontsize="medium")
        row[1].set_title(f"fraction of samples inside it; asked for {asked:g}", fontsize="medium")
    return figure


def _draw_band_lines(row: Sequence[Axes], width: Array, covered: Array, asked: float) -> None:
    row[0].plot(width, color="black", linewidth=1)
    row[0].set_ylim(0, 1.05 * width.max() or 1.0)
    row[1].plot(covered, color="black", linewidth=1)
    row[1].axhline(asked, color="tab:red", linewidth=1)
    row[1].set_ylim(-0.02, 1.02)
    for ax in row:
        ax.set_xlabel("grid point")
        ax.grid(alpha=0.3)
        ax.margins(x=0.01)


def _draw_band_maps(row: Sequence[Axes], width: Array, covered: Array, asked: float) -> None:
    low = min(2 * asked - 1, value_range(covered)[0])
    images = [
        row[0].imshow(width, cmap="cividis", vmin=0),
        row[1].imshow(covered, cmap="RdBu", norm=TwoSlopeNorm(asked, low, 1)),
    ]
    for ax, image in zip(row, images, strict=True):
        ax.patch.set(hatch="///", edgecolor="0.6", facecolor="white")
        ax.set(xlabel="column [grid points]", ylabel="row [grid points]")
        ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0, 0.06, 1)))
