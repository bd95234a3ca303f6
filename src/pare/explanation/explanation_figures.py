"""Figures of what predictions rest on: bars with the names of columns, spans of series, maps over images and fields."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from scipy.stats import rankdata

from pare.evaluation.figures.canvas import MOST_ROWS, SLICE, Array, middle_slice, plain, short, titled_figure
from pare.explanation.explanation_tables import column_values
from pare.explanation.occlusion import Explanation, loss_name
from pare.explanation.questions import Question
from pare.explanation.regions import Region
from pare.prediction.predict import Predictor

MOST_BARS, MOST_MAPS = 25, 2
STYLES = ("-", "--", ":")[:MOST_ROWS]
MOST_EXAMPLES = 3


def table_figure(explanation: Explanation, values: Array, *, numeric: Sequence[bool], label: str, title: str) -> Figure:
    """Show the columns of a table as sorted bars (left), and how far each row changes without each (right).

    Args:
        explanation: explanation of a table's rows.
        values: raw numbers and codes of the rows, ``(rows, columns)``.
        numeric: which columns hold numbers, whose place among the rows becomes a colour.
        label: what the bars are.
        title: the heading.
    """
    shown = explanation.order[:MOST_BARS]
    figure = titled_figure(12, 0.32 * len(shown) + 1.9, title)
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(shown))
    left.barh(places, explanation.weights[shown], color="0.6")
    if explanation.deviation is not None:
        left.errorbar(explanation.weights[shown], places, xerr=explanation.deviation[shown], fmt="none", color="black")
    left.set_yticks(places, [short(explanation.regions[i].name) for i in shown])
    left.set_ylim(len(shown) - 0.4, -0.6)
    count = len(explanation.order)
    left.set_xlabel(label if len(shown) == count else f"{label}; {len(shown)} of {count} columns")
    several = explanation.changes.shape[2] > 1
    changes = explanation.sizes if several else explanation.changes[:, :, 0]
    for place, number in enumerate(shown):
        _draw_rows(right, place, changes[:, number], values[:, number], numeric=numeric[number])
    right.set_xlabel(f"{_lost(explanation)}, one point a row{', mean of all outcomes' if several else ''}")
    colours = figure.colorbar(ScalarMappable(Normalize(0, 1), "cividis"), ax=right, ticks=[0, 1])
    colours.set_ticklabels(["lowest", "highest"])
    colours.set_label("value of the column; grey: category or missing")
    for ax in (left, right):
        ax.axvline(0, color="black", linewidth=0.8)
        ax.grid(alpha=0.3, axis="x")
    return figure


def _draw_rows(ax: Axes, place: int, changes: Array, values: Array, *, numeric: bool) -> None:
    """Draw a point a row, spread over the height of the bar in the order of the rows."""
    known = np.isfinite(values) if numeric else np.zeros(len(values), bool)
    heights = place + 0.3 * np.sin(np.arange(len(values)) * 2.4)  # neighbours lie apart
    ax.plot(changes[~known], heights[~known], "o", color="0.6", markersize=3, markeredgewidth=0)
    if known.any():
        ranks = (rankdata(values[known]) - 1) / max(known.sum() - 1, 1)
        ax.scatter(changes[known], heights[known], c=ranks, cmap="cividis", vmin=0, vmax=1, s=9, linewidths=0)


def line_figure(
    explanation: Explanation, examples: Array, *, chosen: Sequence[int], captions: Sequence[str], label: str, title: str
) -> Figure:
    """Show the importance of each span (top) above examples, whose spans have the colour of their change.

    One channel: the examples below each other. Several: the first example, its three most important channels.

    Args:
        explanation: explanation of series or lines.
        examples: raw rows, ``(examples, channels, points)``.
        chosen: their numbers among the explained rows.
        captions: captions of the examples.
        label: what the importance is.
        title: the heading.
    """
    groups = _groups(explanation)
    one = len(groups) == 1
    panels = [(example, name) for example in range(len(examples) if one else 1) for name in [*groups][:MOST_ROWS]]
    figure = titled_figure(11, 2.2 * (1 + len(panels)) + 0.5, title)
    top, *axes = figure.subplots(1 + len(panels), 1, sharex=True)
    _draw_spans_of_all(top, explanation, groups)
    top.set(ylabel=label, title="over all rows")
    scale = _scale(explanation, chosen)
    for ax, (example, name) in zip(axes, panels, strict=True):
        _draw_spans(ax, explanation, groups[name], chosen[example], scale)
        ax.plot(examples[example, explanation.regions[groups[name][0]].channels.start], color="black", linewidth=1)
        ax.set_title(plain(captions[example] + (f": {name}" if name else "")), fontsize="medium")
    axes[-1].set_xlabel("point")
    figure.colorbar(scale, ax=axes, label=_lost(explanation))
    return figure


def _draw_spans_of_all(ax: Axes, explanation: Explanation, groups: Mapping[str, Sequence[int]]) -> None:
    for (name, numbers), style in zip(groups.items(), STYLES, strict=False):
        spans = [explanation.regions[i].grid[0] for i in numbers]
        edges = [spans[0].start, *(span.stop for span in spans)]
        ax.stairs(explanation.weights[numbers], edges, baseline=None, color="black", linestyle=style, label=plain(name))
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.margins(x=0)
    if len(groups) > 1:
        ax.legend(fontsize="small")


def _draw_spans(ax: Axes, explanation: Explanation, numbers: Sequence[int], row: int, scale: ScalarMappable) -> None:
    for number in numbers:
        span = explanation.regions[number].grid[0]
        ax.axvspan(span.start, span.stop, color=scale.to_rgba(_shown(explanation)[row, number]), linewidth=0)


def map_figure(
    explanation: Explanation, examples: Array, *, chosen: Sequence[int], captions: Sequence[str], label: str, title: str
) -> Figure:
    """Show the importance of each patch as a map (left), and examples above the change of each of their patches.

    Of several channels the two most important are shown, of three axes the middle slice along the first.

    Args:
        explanation: explanation of images, or of fields with two or three axes.
        examples: raw rows, ``(examples, channels, H, W)`` or ``(examples, channels, D, H, W)``; three channels of
            images are taken for colours.
        chosen: their numbers among the explained rows.
        captions: captions of the examples.
        label: what the importance is.
        title: the heading.
    """
    groups, grid = _groups(explanation), examples.shape[2:]
    shown = list(groups.items())[:MOST_MAPS]
    if len(grid) == 3:
        examples, title = middle_slice(examples), f"{title}; {SLICE}"
    height = 2.4 * min(max(grid[-2] / grid[-1], 0.4), 2) + 0.4
    figure = titled_figure(12.5, 2 * height * len(shown) + 0.6, title)
    axes = figure.subplots(2 * len(shown), 1 + len(examples), squeeze=False)
    scale = _scale(explanation, chosen)
    for above, below, (name, numbers) in zip(axes[::2], axes[1::2], shown, strict=True):
        regions = [explanation.regions[i] for i in numbers]
        _draw_importance(above[0], _painted(regions, explanation.weights[numbers], grid))
        above[0].set_title(plain(", ".join(filter(None, [name, label]))), fontsize="medium")
        below[0].remove()
        for i, caption in enumerate(captions):
            above[1 + i].imshow(_picture(examples[i][regions[0].channels]), cmap="Greys_r")
            above[1 + i].set_title(plain(caption), fontsize="medium")
            below[1 + i].imshow(scale.to_rgba(_painted(regions, _shown(explanation)[chosen[i], numbers], grid)))
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    figure.colorbar(scale, ax=axes[:, 1:], label=_lost(explanation))
    return figure


def _draw_importance(ax: Axes, painted: Array) -> None:
    image = ax.imshow(painted, cmap="Greys")
    ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0, 0.06, 1)))


def _picture(channels: Array) -> Array:
    """Channels as an image: three as colours from their least to their greatest value, else the first one."""
    if len(channels) != 3:
        return channels[0]
    low, high = np.nanmin(channels), np.nanmax(channels)
    return np.moveaxis((channels - low) / ((high - low) or 1), 0, -1)


def _groups(explanation: Explanation) -> dict[str, list[int]]:
    """Numbers of the regions of each channel by its name, the most important channel first."""
    groups: dict[str, list[int]] = {}
    for number, region in enumerate(explanation.regions):
        groups.setdefault(region.channel, []).append(number)
    return dict(sorted(groups.items(), key=lambda group: -explanation.weights[group[1]].sum()))


def _shown(explanation: Explanation) -> Array:
    """One change a row and region, with its direction where there is one outcome, ``(rows, regions)``."""
    return explanation.changes[:, :, 0] if explanation.changes.shape[2] == 1 else explanation.sizes


def _lost(explanation: Explanation) -> str:
    """What `_shown` is; that of fields and of several outcomes has no direction."""
    return f"{'fall' if np.nanmin(_shown(explanation)) < 0 else 'change'} of the prediction without it"


def _scale(explanation: Explanation, chosen: Sequence[int]) -> ScalarMappable:
    """Colours for the changes of the examples: two hues where changes have a direction."""
    shown = _shown(explanation)[list(chosen)]
    most = float(np.nanmax(np.abs(shown))) or 1.0
    signed = np.nanmin(shown) < 0
    return ScalarMappable(Normalize(-most if signed else 0, most), "RdBu_r" if signed else "Oranges")


def _painted(regions: Sequence[Region], values: Array, grid: tuple[int, ...]) -> Array:
    """The value of each region at its points; of three axes, in the middle slice."""
    painted = np.zeros(grid)
    for region, value in zip(regions, values, strict=True):
        painted[region.grid] = value
    return middle_slice(painted) if len(grid) == 3 else painted


def draw_explanation(model: Predictor, question: Question, explanation: Explanation) -> Figure:
    """Tables: bars with the names of columns. Series and lines: spans above examples. Images, fields: maps over them.

    Args:
        model: model that predicted.
        question: the rows.
        explanation: explanation of the rows.
    """
    known = explanation.importance is not None
    label = f"rise of the {loss_name(model)}" if known else "mean change of the prediction"
    title = f"{model.trained.run.title}: what the predictions of {question.what} rest on"
    if model.task.kind == "table":
        x, categories = column_values(model, question)
        numeric = [names is None for names in categories]
        return table_figure(explanation, x, numeric=numeric, label=label, title=title)
    chosen = _examples(model, explanation)
    rows = [question.read(row, row + 1)[0] for row in chosen]
    captions = [_caption(model, question.names[row], row, explanation.outputs) for row in chosen]
    draw = line_figure if len(model.task.input.shape) == 2 else map_figure
    raw = model.trained.preparation.raw(np.concatenate(rows))
    return draw(explanation, raw, chosen=chosen, captions=captions, label=label, title=title)


def _examples(model: Predictor, explanation: Explanation) -> list[int]:
    """Of at most three predicted classes the row that changes most; of numbers and fields rows evenly chosen."""
    if model.classes is not None and explanation.outputs is not None:
        order = np.argsort(-explanation.sizes.max(axis=1), kind="stable")
        _, first = np.unique(explanation.outputs[order].argmax(axis=1), return_index=True)
        return order[np.sort(first)][:MOST_EXAMPLES].tolist()
    return np.unique(np.linspace(0, len(explanation.changes) - 1, MOST_EXAMPLES).round().astype(int)).tolist()


def _caption(model: Predictor, name: str, row: int, outputs: Sequence[np.ndarray] | np.ndarray | None) -> str:
    if outputs is None or model.is_binary:
        return f"row {name}"
    if model.classes is not None:
        return f"row {name}: {model.classes[outputs[row].argmax()]}"
    return f"row {name}: {', '.join(f'{number:.4g}' for number in outputs[row][:MOST_EXAMPLES])}"
