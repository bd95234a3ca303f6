"""The outcome of candidates: each on its own, and all of them as a table and as a figure."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pare.config.run import Run
from pare.evaluation.figures.canvas import plain, titled_figure
from pare.evaluation.metrics import METRICS, MetricSpec, build_metric
from pare.evaluation.scoring import defined_score
from pare.learners.choice.folds import Held

logger = logging.getLogger(__name__)
ROUNDING = 1e-6  # error, in spreads of the answers
Candidates = Sequence[dict[str, Any]]  # as `Tried.row`
COLUMNS = ["method", "share", "metric", "folds", "seconds", "left_out"]


@dataclass(eq=False)
class Tried:
    """A candidate and its outcome.

    Attributes:
        run: the candidate.
        left_out: why it did not predict all folds; empty for one that did.
        folds: what it predicted of each fold, by number; empty for one that is left out.
        held: what it predicted of the folds that are compared, one after the other.
        scores: what the leaderboard says of its predictions.
        seconds: mean fit time.
    """

    run: Run
    left_out: str = ""
    folds: dict[int, Held] = field(default_factory=dict)
    held: Held = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Name of the learner."""
        return self.run.method_name

    @property
    def is_open(self) -> bool:
        """Whether it has no outcome yet."""
        return not self.left_out and not self.held

    def leave_out(self, why: str) -> None:
        """Say why it did not predict all folds."""
        self.left_out = why
        logger.warning("%s is left out: %s", self.name, why)

    def finish(self, folds: dict[int, Held]) -> None:
        """Take its predictions of each fold, by number."""
        self.folds = folds
        self.keep(folds)
        value, spec = self.scores["metric"], METRICS[self.run.metric]
        text = f"{spec.title} undefined" if value is None else spec.text(value)
        logger.info("%s: %s, %.1f s a fit", self.name, text, self.seconds)

    def keep(self, numbers: Collection[int]) -> None:
        """Be compared on the folds of these numbers."""
        metric, folds = build_metric(self.run.metric, self.run.task.output), [self.folds[n] for n in sorted(numbers)]
        self.held = {name: np.concatenate([np.atleast_1d(fold[name]) for fold in folds]) for name in folds[0]}
        self.seconds = float(self.held["seconds"].mean())
        whole, *of_folds = [defined_score(metric, held["prediction"], held["truth"]) for held in (self.held, *folds)]
        self.scores = {"metric": whole, "folds": of_folds, "seconds": round(self.seconds, 1)}

    @property
    def is_exact(self) -> bool:
        """Whether it predicts numbers or fields but for rounding, so that no other candidate could be better."""
        if not self.held or not self.run.task.compares_values:
            return False
        truth, axis = self.held["truth"], 0 if self.run.task.output.kind == "regression" else None
        error = np.sqrt(np.nanmean(np.square(self.held["prediction"] - truth, dtype=float), axis))
        return bool(np.all(error <= ROUNDING * np.nanstd(truth, axis, dtype=float)))

    def row(self, share: float) -> dict[str, Any]:
        """A row of the leaderboard.

        Args:
            share: weight in the selected ensemble.
        """
        return {"method": self.name, "share": share, "left_out": self.left_out, **self.scores}


def leaderboard_table(candidates: Candidates) -> pd.DataFrame:
    """One row per candidate, in the order of the trials.

    ``folds``: number of folds; ``seconds``: mean fit time per fold; ``share``: ensemble weight.
    """
    return pd.DataFrame([row | {"folds": len(row.get("folds", ()))} for row in candidates], columns=COLUMNS)


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
    whole = [(row["metric"], place) for place, row in enumerate(rows)]
    axes.plot(*np.reshape(folds, (-1, 2)).T, ".", color="tab:gray", label="a fold")
    axes.plot(*np.reshape(whole, (-1, 2)).T, "o", color="tab:blue", label="all held-out rows")
    if selected is not None:
        axes.axvline(selected, color="tab:green", linestyle="--", label="selected")
    axes.set_yticks(range(len(rows)), [plain(_name(row)) for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(plain(f"{metric.label}, {metric.direction} is better"))
    axes.legend(loc="best", fontsize="small")
    return figure


def _name(row: dict[str, Any]) -> str:
    weight = f", weight {100 * row['share']:.0f} %" if row["share"] else ""
    return f"{row['method']}{weight}\n{row['seconds']:.1f} s a fit"
