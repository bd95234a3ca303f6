"""Figures of predicted classes, labels and numbers; n samples."""

from collections.abc import Sequence

import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import TABLEAU_COLORS
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay

from pare.evaluation.binary import auroc, average_precision
from pare.evaluation.figures.canvas import MOST_ROWS, Array, plain, short, titled_figure, value_range

MOST_CURVES = 10
MOST_NAMED_CLASSES = 30
MOST_NAMED_LABELS = 40
# The styles keep neighbouring curves apart in black and white.
CURVES = cycler(color=TABLEAU_COLORS.values()) + cycler(linestyle=(["-", "--", "-.", ":"] * 3)[:10])
MOST_POINTS = 2000


def confusion_figure(probabilities: Array, labels: Array, *, class_names: Sequence[str], title: str) -> Figure:
    """Show which classes are taken for which (left) and the ROC curves (right).

    Up to ten classes: counts, and one curve a class against the rest (with two classes, the second only; a
    class without samples has none). More classes: the matrix alone, as fractions of each true class.

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
    figure = titled_figure(13 if few else 8, 5.2 if few else 7, title)
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
        ValueError: if the shapes do not fit, or no label has a defined AUROC.
    """
    if logits.shape != labels.shape or logits.shape[1:] != (len(label_names),):
        raise ValueError(
            f"logits have shape {logits.shape}, labels {labels.shape} and {len(label_names)} names: expected the same"
        )
    frequencies = labels.mean(axis=0)
    defined = np.flatnonzero((frequencies > 0) & (frequencies < 1))
    if not len(defined):
        raise ValueError(f"each of {len(frequencies)} labels is the same in all samples: expected one that differs")
    areas = np.array([auroc(labels[:, i] == 1, logits[:, i]) for i in defined])
    precisions = np.array([average_precision(labels[:, i] == 1, logits[:, i]) for i in defined])
    order = np.argsort(areas, kind="stable")
    named = len(defined) <= MOST_NAMED_LABELS
    figure = titled_figure(11, 0.22 * len(defined) + 1.8 if named else 7, title)
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_dots(left, areas[order], np.full(len(defined), 0.5), "chance")
    _draw_dots(right, precisions[order], frequencies[defined][order], "chance: fraction of samples with the label")
    left.set_xlabel("AUROC")
    right.set_xlabel("average precision")
    left.set_ylabel("labels, by AUROC" + _left_out(len(frequencies) - len(defined)))
    left.set_yticks(np.arange(len(defined)) if named else [], _short(label_names, defined[order]) if named else [])
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
    ax.figure.colorbar(display.im_, ax=ax, label="samples" if counts else "fraction of the true class")


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
    return [short(names[i], 20) for i in chosen]


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
