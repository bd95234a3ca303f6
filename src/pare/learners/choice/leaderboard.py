"""The outcome of all candidates, as a table and as a figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pare.evaluation.figures.canvas import plain, titled_figure
from pare.evaluation.metrics import MetricSpec

Candidates = Sequence[Mapping[str, Any]]  # rows of `Tried.row`
COLUMNS = ("method", "share", "metric", "final", "folds", "seconds", "left_out")


def leaderboard_table(candidates: Candidates) -> pd.DataFrame:
    """One row per candidate, in the order of the trials.

    ``folds``: number of folds; ``seconds``: mean fit time per fold (final fit if none); ``share``: ensemble weight;
    ``final``: metric of a network after its final fit, on the rows that chose its epoch.
    """
    table = pd.DataFrame([{**dict.fromkeys(COLUMNS), **row} for row in candidates], columns=list(COLUMNS))
    return table.assign(folds=[len(folds or ()) for folds in table["folds"]])


def leaderboard_figure(candidates: Candidates, selected: float | None, metric: MetricSpec, *, title: str) -> Figure:
    """One line per candidate that was tried: the held-out rows of each fold, and all of them.

    The best is on top; below are those that were left out before the last fold, which do not compare. A metric that is
    undefined for a fold, or for all rows, is not drawn. Networks have a point after all their minutes, next to that of
    the comparison where they took part in it.

    Args:
        candidates: all of them.
        selected: metric of the selected model, on rows that did not choose it; None where it is undefined.
        metric: the task's metric.
        title: heading of the figure.
    """
    tried = [(value, row) for row in candidates if (value := _metric(row)) is not None]
    rows = [row for _, row in sorted(tried, key=lambda pair: (bool(pair[1]["left_out"]), metric.error(pair[0])))]
    figure = titled_figure(8, 1.6 + 0.4 * len(rows), title)
    axes = figure.subplots()
    folds = [(value, place) for place, row in enumerate(rows) for value in row.get("folds", ()) if value is not None]
    _draw(axes, folds, ".", color="tab:gray", label="a fold")
    label: str | None = "all held-out rows (hollow: fewer folds)"
    for place, row in enumerate(rows):
        if row.get("metric") is not None:
            filled = "none" if row["left_out"] else "tab:blue"
            axes.plot(row["metric"], place, "o", color="tab:blue", markerfacecolor=filled, label=label)
            label = None
    finals = [(row["final"], place) for place, row in enumerate(rows) if row.get("final") is not None]
    _draw(axes, finals, "D", color="tab:orange", label="with the minutes that were left")
    if selected is not None:
        axes.axvline(selected, color="tab:green", linestyle="--", label="selected, on rows that did not choose it")
    axes.set_yticks(range(len(rows)), [plain(_name(row)) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(plain(f"{metric.label}, {metric.direction} is better"))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", fontsize="small")
    return figure


def _draw(axes: Axes, points: Sequence[tuple[float, int]], marker: str, *, color: str, label: str) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), marker, color=color, label=label)


def _metric(row: Mapping[str, Any]) -> float | None:
    """The metric in the comparison, or after the final fit of a network that took no part in it."""
    metric: float | None = row.get("metric", row.get("final"))
    return metric


def _name(row: Mapping[str, Any]) -> str:
    weight = f", weight {100 * row['share']:.0f} %" if row["share"] else ""
    return f"{row['method']}{weight}\n{row['seconds']:.1f} s a fit"
