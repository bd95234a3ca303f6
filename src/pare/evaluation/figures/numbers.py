"""Figures of predicted numbers; n samples."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pare.evaluation.figures.canvas import MOST_ROWS, Array, plain, titled_figure, value_range

MOST_POINTS = 2000


def regression_figure(predictions: Array, truths: Array, *, names: Sequence[str], title: str) -> Figure:
    """Show predictions against the truth (left) and their errors (right), a row for each of at most three numbers.

    Args:
        predictions: ``(n, numbers)``.
        truths: the same shape and units.
        names: what the numbers are, with units if they have any.
        title: the heading.

    Raises:
        ValueError: if the shapes do not fit.
    """
    if predictions.shape != truths.shape or truths.shape[1:] != (len(names),) or not len(truths):
        raise ValueError(
            f"predictions have shape {predictions.shape}, truths {truths.shape} and {len(names)} names: "
            f"expected the same, and at least one sample"
        )
    shown = min(len(names), MOST_ROWS)
    figure = titled_figure(10.5, 4.3 * shown + 0.5, title)
    for row, name, prediction, truth in zip(
        figure.subplots(shown, 2, squeeze=False), names, predictions.T, truths.T, strict=False
    ):
        _draw_agreement(row[0], truth, prediction)
        _draw_errors(row[1], truth, prediction)
        row[0].set(title=plain(name), xlabel="truth", ylabel="prediction")
        row[1].set(title="error: prediction \N{MINUS SIGN} truth", xlabel="truth", ylabel="error")
    return figure


def _draw_points(ax: Axes, x: Array, y: Array) -> None:
    """Draw a cloud: points, or where they would cover each other how many there are."""
    if len(x) <= MOST_POINTS:
        ax.plot(x, y, "o", color="black", markersize=3, alpha=0.4, markeredgewidth=0)
    else:
        image = ax.hexbin(x, y, gridsize=60, cmap="Greys", bins="log", mincnt=1, linewidths=0)
        ax.figure.colorbar(image, ax=ax, label="samples")
    ax.grid(alpha=0.3)


def _draw_agreement(ax: Axes, truth: Array, prediction: Array) -> None:
    _draw_points(ax, truth, prediction)
    low, high = value_range(truth, prediction)
    margin = 0.03 * (high - low) or 1.0
    ends = (low - margin, high + margin)
    ax.plot(ends, ends, color="tab:red", linewidth=1, label="prediction = truth")
    ax.set(xlim=ends, ylim=ends)
    ax.legend(loc="upper left", fontsize="small")


def _draw_errors(ax: Axes, truth: Array, prediction: Array) -> None:
    error = prediction - truth
    _draw_points(ax, truth, error)
    bias = float(error.mean())
    ax.axhline(0, color="tab:red", linewidth=1)
    ax.axhline(bias, color="tab:blue", linestyle="--", linewidth=1, label=f"mean error {bias:.3g}")
    ax.legend(loc="upper left", fontsize="small")
