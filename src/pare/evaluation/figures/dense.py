"""Figures of predicted fields.

Notation for shapes: n samples, C channels, L points or H rows and W columns of a field, or of each of its D slices.
"""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pare.evaluation.figures.canvas import MOST_ROWS, SLICE, Array, middle_slice, plain, titled_figure, value_range

ROLES = {0.0: "best", 0.5: "median", 0.9: "90th percentile", 1.0: "worst"}


def representative_samples(scores: Array, channels: int = 1) -> list[tuple[int, str]]:
    """The samples that a `dense_figure` shows, best first, each once, with its role.

    Args:
        scores: one error a sample, lower is better, ``(n,)``; a sample whose error is NaN is never chosen.
        channels: channels of the field; with more than one, only a median and a worst sample are shown.

    Raises:
        ValueError: if no score is finite.
    """
    order = np.argsort(scores, kind="stable")[: np.isfinite(scores).sum()]
    if not len(order):
        raise ValueError(f"none of {len(scores)} scores is finite: expected at least one")
    roles: dict[int, str] = {}
    # The ends first: the last of a handful of samples is the worst, whatever else it is.
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

    Images for fields of two axes, lines for fields of one; of three axes the middle slice along the first. Truth and
    prediction share a scale; the error is the prediction minus the truth, on a scale that is symmetric about zero.
    Masked points, NaN in the truth, are shown in the input only: elsewhere hatched in images, gaps in lines.

    Args:
        inputs: ``(n, C, L)``, ``(n, C, H, W)`` or ``(n, C, D, H, W)``; the grid may differ from the output's.
        truths: true fields in physical units, ``(n, C', L')``, ``(n, C', H', W')`` or ``(n, C', D', H', W')``.
        predictions: same shape and units as the truths.
        captions: what each sample is, n of them.
        title: the heading, to which the slice is added.
        input_names: names of the C input channels, with units if they have any.
        output_names: names of the C' output channels.

    Raises:
        ValueError: if the shapes do not fit.
    """
    _check_fields(inputs, truths, predictions, captions, input_names, output_names)
    if truths.ndim == 5:
        inputs, truths, predictions = (middle_slice(fields) for fields in (inputs, truths, predictions))
        title = f"{title}; {SLICE}"
    lines = truths.ndim == 3
    shown = min(truths.shape[1], MOST_ROWS)
    rows = [(sample, channel) for sample in range(len(truths)) for channel in range(shown)]
    tallest = max(field.shape[2] / field.shape[-1] for field in (inputs, truths))
    height = 2.1 if lines else 2.3 * min(max(tallest, 0.4), 2) + 0.4
    figure = titled_figure(13, height * len(rows) + 0.6, title)
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


def _check_fields(
    inputs: Array,
    truths: Array,
    predictions: Array,
    captions: Sequence[str],
    input_names: Sequence[str],
    output_names: Sequence[str],
) -> None:
    if inputs.ndim not in (3, 4, 5) or truths.ndim != inputs.ndim or predictions.shape != truths.shape:
        raise ValueError(
            f"inputs, truths and predictions have shapes {inputs.shape}, {truths.shape} and {predictions.shape}: "
            f"expected (n, C, L) or (n, C, H, W) or (n, C, D, H, W), and the same for truths and predictions"
        )
    if not len(inputs) == len(truths) == len(captions) or not len(captions):
        raise ValueError(
            f"found {len(inputs)} inputs, {len(truths)} truths and {len(captions)} captions: "
            f"expected the same number of each, at least one"
        )
    for what, field, names in (("input", inputs, input_names), ("output", truths, output_names)):
        if len(names) != field.shape[1]:
            raise ValueError(f"{field.shape[1]} {what} channels have {len(names)} names: expected as many")


def _draw_images(row: Sequence[Axes], given: Array, truth: Array, prediction: Array) -> None:
    """Draw one channel's fields, each ``(H, W)``, with their colour bars."""
    low, high = value_range(truth, prediction)
    error = prediction - truth
    # An exact prediction still needs a scale of some width.
    most = max(map(abs, value_range(error))) or 1.0
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
    most = max(map(abs, value_range(prediction - truth))) or 1.0
    row[2].set_ylim(-1.05 * most, 1.05 * most)
    for ax in row:
        ax.grid(alpha=0.3)
        ax.margins(x=0.01)


def _name_panels(row: Sequence[Axes], given: str, predicted: str, *, lines: bool) -> None:
    """Write above the panels of a sample what they show."""
    both = [f"{predicted}: truth (solid), prediction (dashed)"] if lines else [f"truth: {predicted}", "prediction"]
    names = [f"input: {given}", *both, "error: prediction \N{MINUS SIGN} truth"]
    for ax, name in zip(row, names, strict=True):
        ax.set_title(plain(textwrap.fill(name, 50 if lines else 28)), fontsize="medium")
