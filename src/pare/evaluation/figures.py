"""Figures of what a model learnt: predictions of every kind, training curves, replaced patches (paper, section 3.3).

Every function returns a `matplotlib.figure.Figure` of its own; pyplot's global state stays untouched, so
nothing has to be closed and no display is needed.

Notation for shapes: n samples, C channels, L points or H rows and W columns of a field, N tokens.
"""

import textwrap
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

from pare.evaluation.ranking import auroc, average_precision

Array = NDArray[Any]

DPI = 150
ROLES = {0.0: "best", 0.5: "median", 0.9: "90th percentile", 1.0: "worst"}
LOSSES = {
    "loss": ("total", "-", "black"),
    "loss_target": ("target", "--", "tab:blue"),
    "loss_mixed_target": ("mixed, target label", "-.", "tab:orange"),
    "loss_source": ("mixed, source label", ":", "tab:green"),
}
MOST_CHANNELS = 3
MOST_GRIDS = 8
MOST_CURVES = 10
MOST_POINTS = 2000
MOST_NAMED_CLASSES = 30
MOST_NAMED_LABELS = 40
# The styles keep neighbouring curves apart in black and white.
CURVES = cycler(color=TABLEAU_COLORS.values()) + cycler(linestyle=(["-", "--", "-.", ":"] * 3)[:10])


def representative_samples(scores: Array, channels: int = 1) -> list[tuple[int, str]]:
    """The samples that a `dense_figure` shows, best first, each once, with its role.

    Args:
        scores: one error a sample, lower is better, ``(n,)``; a sample whose error is NaN is never chosen.
        channels: channels of the field; with more than one, only a median and a worst sample have room.

    Raises:
        ValueError: if no score is finite.
    """
    order = np.argsort(scores, kind="stable")[: np.isfinite(scores).sum()]
    if not len(order):
        raise ValueError(f"none of {len(scores)} scores is finite: expected at least one")
    roles: dict[int, str] = {}
    # The ends first: of a handful of samples the last is the worst, whatever else it is.
    for quantile in sorted(ROLES if channels == 1 else (1.0, 0.5), key=lambda q: -abs(q - 0.5)):
        roles.setdefault(round(quantile * (len(order) - 1)), ROLES[quantile])
    return [(int(order[rank]), roles[rank]) for rank in sorted(roles)]


def dense_figure(
    inputs: Array,
    truths: Array,
    predictions: Array,
    *,
    captions: Sequence[str],
    title: str,
    input_names: Sequence[str],
    output_names: Sequence[str],
) -> Figure:
    """Show a few samples, one row each and for each of at most three channels: input, truth, prediction, error.

    Images for fields of two axes, lines for fields of one. Truth and prediction share a scale; the error is the
    prediction minus the truth, on a scale that is symmetric about zero. Points that are not judged, NaN in the
    truth, are left out of all but the input: hatched in images, gaps in lines.

    Args:
        inputs: ``(n, C, L)`` or ``(n, C, H, W)``; the grid may differ from the output's.
        truths: true fields in physical units, ``(n, C', L')`` or ``(n, C', H', W')``.
        predictions: same shape and units as the truths.
        captions: what each sample is, n of them.
        title: the heading.
        input_names: names of the C input channels, with units if they have any.
        output_names: names of the C' output channels.

    Raises:
        ValueError: if the shapes do not fit.
    """
    _check_fields(inputs, truths, predictions, captions, input_names, output_names)
    lines = truths.ndim == 3
    shown = min(truths.shape[1], MOST_CHANNELS)
    rows = [(sample, channel) for sample in range(len(truths)) for channel in range(shown)]
    tallest = max(field.shape[2] / field.shape[-1] for field in (inputs, truths))
    height = 2.1 if lines else 2.3 * min(max(tallest, 0.4), 2) + 0.4
    figure = _figure(13, height * len(rows) + 0.6)
    _head(figure, title)
    axes = figure.subplots(len(rows), 3 if lines else 4, squeeze=False, sharex="col" if lines else False)
    for row, (sample, channel) in zip(axes, rows, strict=True):
        truth = truths[sample, channel]
        prediction = np.where(np.isnan(truth), np.nan, predictions[sample, channel])
        given = channel if channel < inputs.shape[1] else 0
        (_draw_lines if lines else _draw_images)(row, inputs[sample, given], truth, prediction)
        row[0].set_ylabel(captions[sample] if lines else f"{captions[sample]}\n\nrow [grid points]")
        if shown > 1 or sample == 0:
            _name_panels(row, input_names[given], output_names[channel], lines=lines)
    for ax in axes[-1]:
        ax.set_xlabel("grid point" if lines else "column [grid points]")
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
    _head(figure, title)
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
    _head(figure, title)
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
    names = _short(class_names, range(classes))
    figure = _figure(13 if few else 8, 5.2 if few else 7)
    _head(figure, title)
    axes = figure.subplots(1, 2 if few else 1, squeeze=False)[0]
    _draw_confusion(axes[0], probabilities.argmax(axis=1), labels, names, counts=few)
    if few:
        _draw_roc(axes[1], probabilities, labels, names)
    return figure


def multilabel_figure(logits: Array, labels: Array, *, label_names: Sequence[str], title: str) -> Figure:
    """Show how well each label is ranked: AUROC (left) and average precision (right), best AUROC at the top.

    Labels that all or no samples have are left out, as their AUROC is undefined.

    Args:
        logits: ``(n, labels)``.
        labels: 0 or 1, ``(n, labels)``.
        label_names: the names in the order of the labels.
        title: the heading.

    Raises:
        ValueError: if the shapes do not fit, or no label can be judged.
    """
    if logits.shape != labels.shape or logits.shape[1:] != (len(label_names),):
        raise ValueError(
            f"logits have shape {logits.shape}, labels {labels.shape} and {len(label_names)} names: expected the same"
        )
    shares = labels.mean(axis=0)
    judged = np.flatnonzero((shares > 0) & (shares < 1))
    if not len(judged):
        raise ValueError(f"each of {len(shares)} labels is the same in all samples: expected one that differs")
    areas = np.array([auroc(labels[:, i] == 1, logits[:, i]) for i in judged])
    precisions = np.array([average_precision(labels[:, i] == 1, logits[:, i]) for i in judged])
    order = np.argsort(areas, kind="stable")
    named = len(judged) <= MOST_NAMED_LABELS
    figure = _figure(11, 0.22 * len(judged) + 1.8 if named else 7)
    _head(figure, title)
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_dots(left, areas[order], np.full(len(judged), 0.5), "chance")
    _draw_dots(right, precisions[order], shares[judged][order], "chance: share of samples with the label")
    left.set_xlabel("AUROC")
    right.set_xlabel("average precision")
    left.set_ylabel("labels, by AUROC" + _left_out(len(shares) - len(judged)))
    left.set_yticks(np.arange(len(judged)) if named else [], _short(label_names, judged[order]) if named else [])
    return figure


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
    shown = min(len(names), MOST_CHANNELS)
    figure = _figure(10.5, 4.3 * shown + 0.5)
    _head(figure, title)
    for row, name, prediction, truth in zip(
        figure.subplots(shown, 2, squeeze=False), names, predictions.T, truths.T, strict=False
    ):
        _draw_agreement(row[0], truth, prediction)
        _draw_errors(row[1], truth, prediction)
        row[0].set(title=name, xlabel="truth", ylabel="prediction")
        row[1].set(title="error: prediction \N{MINUS SIGN} truth", xlabel="truth", ylabel="error")
    return figure


def _figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that keeps labels from overlapping and a little apart."""
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06)
    return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def _head(figure: Figure, title: str) -> None:
    """Write the heading, on as many lines as it needs."""
    figure.suptitle(textwrap.fill(title, int(9 * figure.get_figwidth())))


def _check_fields(
    inputs: Array,
    truths: Array,
    predictions: Array,
    captions: Sequence[str],
    input_names: Sequence[str],
    output_names: Sequence[str],
) -> None:
    if inputs.ndim not in (3, 4) or truths.ndim != inputs.ndim or predictions.shape != truths.shape:
        raise ValueError(
            f"inputs, truths and predictions have shapes {inputs.shape}, {truths.shape} and {predictions.shape}: "
            f"expected (n, C, L) or (n, C, H, W), and the same for truths and predictions"
        )
    if not len(inputs) == len(truths) == len(captions) or not len(captions):
        raise ValueError(
            f"found {len(inputs)} inputs, {len(truths)} truths and {len(captions)} captions: "
            f"expected the same number of each, at least one"
        )
    for what, field, names in (("input", inputs, input_names), ("output", truths, output_names)):
        if len(names) != field.shape[1]:
            raise ValueError(f"{field.shape[1]} {what} channels have {len(names)} names: expected as many")


def _limits(*fields: Array) -> tuple[float, float]:
    """Least and greatest value that is not NaN; 0 and 1 where there is none."""
    values = np.concatenate([field[np.isfinite(field)] for field in fields])
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)


def _draw_images(row: Sequence[Axes], given: Array, truth: Array, prediction: Array) -> None:
    """Draw one channel's fields, each ``(H, W)``, with their colour bars."""
    low, high = _limits(truth, prediction)
    error = prediction - truth
    # An exact prediction still needs a scale of some width.
    most = max(map(abs, _limits(error))) or 1.0
    row[0].imshow(given, cmap="cividis")
    row[1].imshow(truth, cmap="viridis", vmin=low, vmax=high)
    row[2].imshow(prediction, cmap="viridis", vmin=low, vmax=high)
    row[3].imshow(error, cmap="RdBu_r", vmin=-most, vmax=most)
    for ax in row:
        ax.patch.set(hatch="///", edgecolor="0.6", facecolor="white")
    for ax in row[2:]:
        ax.tick_params(labelleft=False)
    for ax in (row[0], row[2], row[3]):
        # An inset, because it is as high as the image whatever the shape of the field.
        ax.figure.colorbar(ax.images[0], cax=ax.inset_axes((1.04, 0, 0.06, 1)))


def _draw_lines(row: Sequence[Axes], given: Array, truth: Array, prediction: Array) -> None:
    """Draw one channel's fields, ``(L,)`` the input and ``(L',)`` the others."""
    row[0].plot(given, color="black", linewidth=1)
    row[1].plot(truth, color="black", linewidth=1)
    row[1].plot(prediction, color="tab:orange", linestyle="--", linewidth=1.5)
    row[2].axhline(0, color="0.6", linewidth=0.8)
    row[2].plot(prediction - truth, color="black", linewidth=1)
    most = max(map(abs, _limits(prediction - truth))) or 1.0
    row[2].set_ylim(-1.05 * most, 1.05 * most)
    for ax in row:
        ax.grid(alpha=0.3)
        ax.margins(x=0.01)


def _name_panels(row: Sequence[Axes], given: str, predicted: str, *, lines: bool) -> None:
    """Write above the panels of a sample what they show."""
    both = [f"{predicted}: truth (solid), prediction (dashed)"] if lines else [f"truth: {predicted}", "prediction"]
    names = [f"input: {given}", *both, "error: prediction \N{MINUS SIGN} truth"]
    for ax, name in zip(row, names, strict=True):
        ax.set_title(textwrap.fill(name, 50 if lines else 28), fontsize="medium")


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


def _draw_dots(ax: Axes, values: Array, chances: Array, chance: str) -> None:
    """Draw one value a row, first at the foot, and what chance would reach."""
    rows, size = np.arange(len(values)), 5 if len(values) <= MOST_NAMED_LABELS else 2.5
    ax.plot(chances, rows, "|", color="0.4", markersize=2 * size, label=chance)
    ax.plot(values, rows, "o", color="black", markersize=size)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.7, len(values) - 0.3))
    ax.grid(alpha=0.3)
    # Outside, because dots may lie anywhere inside.
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize="small", frameon=False)


def _left_out(count: int) -> str:
    return f"\n(left out: {count} that all or no samples have)" if count else ""


def _short(names: Sequence[str], chosen: Sequence[int] | Array) -> list[str]:
    """The chosen names, cut where they are long."""
    return [names[i] if len(names[i]) <= 20 else f"{names[i][:19]}…" for i in chosen]


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
    low, high = _limits(truth, prediction)
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
