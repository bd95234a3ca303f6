"""The outcome of all candidates, as a table and as a figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pare.evaluation.figures.canvas import plain, titled_figure
from pare.evaluation.metrics import MetricSpec

Candidates = Sequence[Mapping[str, Any]]  # as `Tried.row`
COLUMNS = ("method", "share", "metric", "folds", "seconds", "left_out")


def leaderboard_table(candidates: Candidates) -> pd.DataFrame:
    """One row per candidate, in the order of the trials.

    ``folds``: number of folds; ``seconds``: mean fit time per fold; ``share``: ensemble weight.
    """
    table = pd.DataFrame([{**dict.fromkeys(COLUMNS), **row} for row in candidates], columns=list(COLUMNS))
    return table.assign(folds=[len(folds or ()) for folds in table["folds"]])


def leaderboard_figure(candidates: Candidates, selected: float | None, metric: MetricSpec, *, title: str) -> Figure:
    """One line per candidate that was tried: the held-out rows of each fold, and all of them.

    The best is on top. A metric that is undefined for a fold, or for all rows, is not drawn.

    Args:
        candidates: all of them.
        selected: metric of the selected ensemble on the same rows; None where it is undefined.
        metric: the task's metric.
        title: heading of the figure.
    """
    tried = [row for row in candidates if row.get("metric") is not None]
    rows = sorted(tried, key=lambda row: metric.error(row["metric"]))
    figure = titled_figure(8, 1.6 + 0.4 * len(rows), title)
    axes = figure.subplots()
    folds = [(value, place) for place, row in enumerate(rows) for value in row.get("folds", ()) if value is not None]
    _draw(axes, folds, ".", color="tab:gray", label="a fold")
    whole = [(row["metric"], place) for place, row in enumerate(rows)]
    _draw(axes, whole, "o", color="tab:blue", label="all held-out rows")
    if selected is not None:
        axes.axvline(selected, color="tab:green", linestyle="--", label="selected")
    axes.set_yticks(range(len(rows)), [plain(_name(row)) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(plain(f"{metric.label}, {metric.direction} is better"))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", fontsize="small")
    return figure


def _draw(axes: Axes, points: Sequence[tuple[float, int]], marker: str, *, color: str, label: str) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), marker, color=color, label=label)


def _name(row: Mapping[str, Any]) -> str:
    weight = f", weight {100 * row['share']:.0f} %" if row["share"] else ""
    return f"{row['method']}{weight}\n{row['seconds']:.1f} s a fit"
