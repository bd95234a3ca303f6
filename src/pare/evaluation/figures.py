"""Figures of what a model learnt: fields, training curves, replaced patches (paper, section 3.3), confusion.

Every function returns a `matplotlib.figure.Figure` of its own; pyplot's global state stays untouched, so
nothing has to be closed and no display is needed.

Notation for shapes: n samples, C channels, H rows and W columns of a field, N tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import TABLEAU_COLORS
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay

Array = NDArray[Any]

DPI = 150
ROLES = {0.0: "best", 0.5: "median", 0.9: "90th percentile", 1.0: "worst"}
LOSSES = {
    "loss": ("total", "-", "black"),
    "loss_target": ("target", "--", "tab:blue"),
    "loss_mixed_target": ("mixed, target label", "-.", "tab:orange"),
    "loss_source": ("mixed, source label", ":", "tab:green"),
}
MOST_GRIDS = 8
MOST_CURVES = 10
MOST_NAMED_CLASSES = 30
# The styles keep neighbouring curves apart in black and white.
CURVES = cycler(color=TABLEAU_COLORS.values()) + cycler(linestyle=(["-", "--", "-.", ":"] * 3)[:10])


def dense_figure(
    inputs: Array,
    truths: Array,
    predictions: Array,
    *,
    title: str,
    channel_names: Sequence[str],
    metric_title: str,
    scores: Sequence[float] | Array,
) -> Figure:
    """Show the best, the median, the 90th percentile and the worst sample: input, truth, prediction, error.

    Only the first channel of each field is drawn. Truth and prediction share a colour scale; the error is the
    prediction minus the truth, on a scale that is symmetric about zero.

    Args:
        inputs: ``(n, C, H, W)``.
        truths: true fields in physical units, ``(n, C', H', W')``.
        predictions: same shape and units as the truths.
        title: the heading.
        channel_names: names of the C input channels, with units if they have any.
        metric_title: what the scores are.
        scores: one error a sample, ``(n,)``; lower is better.

    Raises:
        ValueError: if the shapes do not fit.
    """
    scores = np.asarray(scores, dtype=float)
    _check_fields(inputs, truths, predictions, channel_names, scores)
    rows = _representative(scores)
    tallest = max(field.shape[2] / field.shape[3] for field in (inputs, truths))
    figure = _figure(13, (2.3 * min(max(tallest, 0.4), 2) + 0.4) * len(rows) + 0.6)
    figure.suptitle(title)
    axes = figure.subplots(len(rows), 4, squeeze=False)
    for row, (sample, role) in zip(axes, rows, strict=True):
        _draw_fields(row, inputs[sample, 0], truths[sample, 0], predictions[sample, 0])
        row[0].set_ylabel(f"{role}: sample {sample}\n{metric_title} {scores[sample]:.3g}\n\nrow [grid points]")
    columns = (f"input: {channel_names[0]}", "truth", "prediction", "error: prediction \N{MINUS SIGN} truth")
    for top, bottom, column in zip(axes[0], axes[-1], columns, strict=True):
        top.set_title(column, fontsize="medium")
        bottom.set_xlabel("column [grid points]")
    return figure


def training_figure(
    history: Sequence[Mapping[str, Any]],
    *,
    title: str,
    metric_title: str,
    metric_direction: Literal["lower", "higher"],
) -> Figure:
    """Show the losses (left) and the validation metric with its best epoch over the share replaced (right).

    Args:
        history: one entry an epoch with ``epoch`` and ``loss``, and where they apply ``loss_target``,
            ``loss_mixed_target``, ``loss_source``, ``lambda`` (k/N, 0 to 1) and ``validation``; None or an
            absent key leaves a gap.
        title: the heading.
        metric_title: the name of the validation metric, with its unit.
        metric_direction: which value of it is best.

    Raises:
        ValueError: if the history is empty.
    """
    if not history:
        raise ValueError("the history has no epoch: expected at least one entry")
    figure = _figure(11, 4.2)
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    epochs = np.array([entry["epoch"] for entry in history])
    for ax in (left, right):
        ax.set_xlabel("epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    _draw_losses(left, history, epochs)
    _draw_replaced_share(right, _column(history, "lambda"), epochs)
    _draw_validation(right, _column(history, "validation"), epochs, metric_title, metric_direction)
    return figure


def replaced_figure(
    replaced: Array,
    *,
    epochs: Sequence[int],
    fractions: Sequence[float],
    grid: tuple[int, ...],
    title: str,
) -> Figure:
    """Show which target slots hold source patches, epoch by epoch, averaged over the batches of the epoch.

    Tokens of a two-dimensional grid become one small map for each of at most eight epochs, evenly chosen from
    the first to the last; tokens in a row become one image of epochs by tokens.

    Args:
        replaced: share of samples in which the slot was replaced, 0 to 1, ``(epochs, N)``.
        epochs: the epoch of each row.
        fractions: k/N in each of these epochs.
        grid: the tokens' ``(rows, columns)``, or ``(N,)``.
        title: the heading.

    Raises:
        ValueError: if the shapes do not fit.
    """
    expected = (len(epochs), int(np.prod(grid)))
    if not len(epochs) or replaced.shape != expected or len(fractions) != len(epochs):
        raise ValueError(
            f"replaced has shape {replaced.shape} for {len(epochs)} epochs, {len(fractions)} fractions and "
            f"the grid {tuple(grid)}: expected {expected}, as many fractions, and at least one epoch"
        )
    draw = _draw_token_row if len(grid) == 1 else _draw_token_grids
    figure = draw(replaced, epochs, fractions, grid)
    figure.suptitle(title)
    return figure


def confusion_figure(probabilities: Array, labels: Array, *, class_names: Sequence[str], title: str) -> Figure:
    """Show which classes are taken for which (left) and the ROC curves (right).

    Up to ten classes: counts, and one curve a class against the rest (with two classes, the second only; a
    class without samples has none). More classes: the matrix alone, as shares of each true class.

    Args:
        probabilities: ``(n, classes)``.
        labels: true class numbers, ``(n,)``.
        class_names: the names in the order of the classes.
        title: the heading.

    Raises:
        ValueError: if the shapes do not fit.
    """
    classes = len(class_names)
    if probabilities.shape != (len(labels), classes) or not len(labels):
        raise ValueError(
            f"probabilities have shape {probabilities.shape} for {len(labels)} labels and {classes} class "
            f"names: expected ({len(labels)}, {classes}) and at least one label"
        )
    few = classes <= MOST_CURVES
    names = [name if len(name) <= 20 else f"{name[:19]}…" for name in class_names]
    figure = _figure(13 if few else 8, 5.2 if few else 7)
    figure.suptitle(title)
    axes = figure.subplots(1, 2 if few else 1, squeeze=False)[0]
    _draw_confusion(axes[0], probabilities.argmax(axis=1), labels, names, counts=few)
    if few:
        _draw_roc(axes[1], probabilities, labels, names)
    return figure


def _figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that keeps labels from overlapping and a little apart."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06)
    return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def _check_fields(
    inputs: Array, truths: Array, predictions: Array, channel_names: Sequence[str], scores: Array
) -> None:
    if inputs.ndim != 4 or truths.ndim != 4 or predictions.shape != truths.shape:
        raise ValueError(
            f"inputs, truths and predictions have shapes {inputs.shape}, {truths.shape} and "
            f"{predictions.shape}: expected (n, C, H, W), and the same for truths and predictions"
        )
    if not len(inputs) == len(truths) == len(scores) or not len(scores):
        raise ValueError(
            f"found {len(inputs)} inputs, {len(truths)} truths and {len(scores)} scores: "
            f"expected the same number of each, at least one"
        )
    if len(channel_names) != inputs.shape[1]:
        raise ValueError(f"{inputs.shape[1]} input channels have {len(channel_names)} names: expected as many")


def _representative(scores: Array) -> list[tuple[int, str]]:
    """The samples at the ranks in `ROLES`, best first, each once, with its role."""
    order = np.argsort(scores, kind="stable")
    roles: dict[int, str] = {}
    # The ends first: of a handful of samples the last is the worst, whatever else it is.
    for quantile in sorted(ROLES, key=lambda q: -abs(q - 0.5)):
        roles.setdefault(round(quantile * (len(order) - 1)), ROLES[quantile])
    return [(int(order[rank]), roles[rank]) for rank in sorted(roles)]


def _draw_fields(row: Sequence[Axes], given: Array, truth: Array, prediction: Array) -> None:
    """Draw one sample's fields, each ``(H, W)``, with their colour bars."""
    low, high = min(truth.min(), prediction.min()), max(truth.max(), prediction.max())
    error = prediction - truth
    # An exact prediction still needs a scale of some width.
    most = float(np.abs(error).max()) or 1.0
    row[0].imshow(given, cmap="cividis")
    row[1].imshow(truth, cmap="viridis", vmin=low, vmax=high)
    row[2].imshow(prediction, cmap="viridis", vmin=low, vmax=high)
    row[3].imshow(error, cmap="RdBu_r", vmin=-most, vmax=most)
    for ax in row[2:]:
        ax.tick_params(labelleft=False)
    for ax in (row[0], row[2], row[3]):
        # An inset, because it is as high as the image whatever the shape of the field.
        ax.figure.colorbar(ax.images[0], cax=ax.inset_axes((1.04, 0, 0.06, 1)))


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


def _draw_replaced_share(ax: Axes, shares: Array, epochs: Array) -> None:
    """Shade k/N behind the curve of ``ax``, on an axis of its own at the right."""
    if not np.isfinite(shares).any():
        return
    twin = ax.twinx()
    twin.stairs(shares, np.append(epochs - 0.5, epochs[-1] + 0.5), fill=True, color="0.85")
    twin.set(ylim=(0, 1), ylabel="share of patches replaced, k/N")
    ax.set_zorder(twin.get_zorder() + 1)
    ax.patch.set_visible(False)


def _draw_validation(ax: Axes, values: Array, epochs: Array, metric_title: str, direction: str) -> None:
    ax.set_title(f"validation ({direction} is better)")
    ax.set_ylabel(metric_title)
    if not np.isfinite(values).any():
        ax.set_yticks([])
        ax.text(0.5, 0.5, "no validation part", transform=ax.transAxes, ha="center", bbox={"facecolor": "white"})
        return
    best = int(np.nanargmin(values) if direction == "lower" else np.nanargmax(values))
    ax.plot(epochs, values, "-", color="black", marker=".", markersize=4)
    ax.plot(
        epochs[best],
        values[best],
        "*",
        color="tab:red",
        markersize=14,
        clip_on=False,
        label=f"best: {values[best]:.4g} in epoch {epochs[best]}",
    )
    ax.grid(alpha=0.3)
    ax.legend()


def _evenly_chosen(count: int) -> Array:
    """At most `MOST_GRIDS` of ``count`` row numbers, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, MOST_GRIDS).round().astype(int))


def _draw_token_grids(
    replaced: Array, epochs: Sequence[int], fractions: Sequence[float], grid: tuple[int, ...]
) -> Figure:
    shown = _evenly_chosen(len(epochs))
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure = _figure(max(2.4 * columns + 1.2, 6.5), 2.6 * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(shown) :]:
        ax.remove()
    drawn = axes.flat[: len(shown)]
    for ax, row in zip(drawn, shown, strict=True):
        image = ax.imshow(replaced[row].reshape(grid), cmap="Greys", vmin=0, vmax=1)
        ax.set_title(f"epoch {epochs[row]}, k/N = {fractions[row]:.2f}", fontsize="medium")
        ax.set(xticks=[], yticks=[])
    figure.colorbar(image, ax=list(drawn), label="share of samples in which the slot was replaced")
    figure.supxlabel(f"target tokens, {grid[0]} rows of {grid[1]}", fontsize="medium")
    return figure


def _draw_token_row(
    replaced: Array, epochs: Sequence[int], fractions: Sequence[float], grid: tuple[int, ...]
) -> Figure:
    figure = _figure(9, 4.2)
    ax = figure.subplots()
    image = ax.imshow(replaced, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    shown = _evenly_chosen(len(epochs))
    ax.set_yticks(shown, [f"epoch {epochs[row]}, k/N = {fractions[row]:.2f}" for row in shown])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("target token")
    figure.colorbar(image, ax=ax, label="share of samples in which the slot was replaced")
    return figure


def _draw_confusion(ax: Axes, predicted: Array, labels: Array, class_names: Sequence[str], *, counts: bool) -> None:
    classes = len(class_names)
    display = ConfusionMatrixDisplay.from_predictions(
        labels,
        predicted,
        labels=np.arange(classes),
        normalize=None if counts else "true",
        include_values=counts,
        cmap="Greys",
        im_kw={"vmin": 0},
        colorbar=False,
        ax=ax,
    )
    step = -(-classes // MOST_NAMED_CLASSES)
    ticks, names = range(0, classes, step), class_names[::step]
    crowded = len(names) * max(map(len, names)) > 40
    ax.set_xticks(ticks, names, rotation="vertical" if crowded else "horizontal")
    ax.set_yticks(ticks, names)
    ax.set(title=f"{len(labels)} samples", xlabel="predicted class", ylabel="true class")
    ax.figure.colorbar(display.im_, ax=ax, label="samples" if counts else "share of the true class")


def _draw_roc(ax: Axes, probabilities: Array, labels: Array, class_names: Sequence[str]) -> None:
    two = len(class_names) == 2
    ax.set_prop_cycle(CURVES)
    for number in [1] if two else range(len(class_names)):
        positive = labels == number
        if positive.any() and not positive.all():
            RocCurveDisplay.from_predictions(positive, probabilities[:, number], name=class_names[number], ax=ax)
    ax.plot([0, 1], [0, 1], color="0.6", linestyle="-", linewidth=0.8, label="chance")
    ax.set_title(f"{class_names[1]} against {class_names[0]}" if two else "each class against the rest")
    ax.set(xlabel="false positive rate", ylabel="true positive rate")
    # Outside, because the curves of a poor model fill the whole square.
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize="small")
