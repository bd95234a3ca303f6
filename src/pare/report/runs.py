"""The runs of one task, the best first."""

import pandas as pd

from pare.evaluation.metrics import METRICS
from pare.report.page import NONE, Cell, Table, number_cell
from pare.report.texts import heading_text, ours_text

SEEDS = "Mean ± standard deviation over seeds, their number in brackets."
COLUMNS = (
    "method",
    "test",
    "constant baseline",
    "validation",
    "training rows",
    "test rows",
    "kept",
    "training time [s]",
)


def results_table(frame: pd.DataFrame, title: str, this: str = "", up: str = "..") -> Table:
    """A line for each method: mean ± standard deviation over its seeds, their number in brackets.

    Args:
        frame: the runs of one task, as `pare.report.results.Results` has them.
        title: of the table; may be empty.
        this: name of the method whose line is bold.
        up: from the page to the folder of all runs.
    """
    groups = [runs for _, runs in frame.groupby(["metric", "name"], sort=True)]
    groups.sort(key=lambda runs: (runs["metric"].iloc[0], METRICS[runs["metric"].iloc[0]].error(runs["test"].mean())))
    rows = [_row(runs, this, up) for runs in groups]
    return Table(title, [Cell(name) for name in COLUMNS], rows)


def run_cell(runs: pd.DataFrame, kind: str = "", up: str = "..") -> Cell:
    """The name of a method, which leads to the page of its first run where there is one."""
    first = runs.iloc[0]
    return Cell(first["name"], sort=first["name"], kind=kind, link=f"{up}/{first['page']}" if first["page"] else "")


def _row(runs: pd.DataFrame, this: str, up: str) -> list[Cell]:
    first = runs.iloc[0]
    best = " best" if first["name"] == this else ""
    mean, kept = runs["test"].mean(), ", ".join(sorted(set(runs["kept"].dropna()))) or NONE
    return [
        run_cell(runs, best.strip(), up),
        Cell(ours_text(mean, runs["test"].std(), len(runs)), heading_text(first), mean, f"number{best}"),
        number_cell(runs["constant_prediction"].mean(), ".4g"),
        number_cell(runs["validation"].mean(), ".4g"),
        number_cell(runs["n_train"].mean(), ".0f"),
        number_cell(runs["n_test"].mean(), ".0f"),
        Cell(kept, sort="" if kept == NONE else kept),
        number_cell(runs["train_seconds"].mean(), ".1f"),
    ]
