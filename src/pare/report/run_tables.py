"""Tables of runs: all runs of a task, the best first, and what is known of one run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from pare.config import Run
from pare.config.resolve import hyperparameters
from pare.evaluation.metrics import METRICS
from pare.report.html_page import ARROWS, NONE, Cell, Table, heading_text, number_cell, ours_text
from pare.storage.samples import Repeats

USUAL = {
    "accuracy": "accuracy",
    "auroc": "AUROC",
    "f1_macro": "macro F1",
    "map": "mean average precision",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "relative_l2": "relative L2 error",
    "max_error": "largest error",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}
FACTS = {
    "kept": "selected",
    "n_train": "training rows",
    "epochs": "epochs",
    "source": "source",
    "proxy": "proxy",
    "seconds_asked": "time asked for [s]",
    "train_seconds": "training time [s]",
    "peak_memory_mb": "peak memory [MiB]",
    "device": "device",
    "precision": "precision",
    "threads": "threads",
    "protocol": "protocol",
    "versions": "versions",
}
SEEDS = "Mean ± standard deviation over seeds, their number in brackets."
COLUMNS = (
    "method",
    "test",
    "constant baseline",
    "validation",
    "training rows",
    "test rows",
    "selected",
    "training time [s]",
)
Rows = Iterator[list[Cell]]


def results_table(frame: pd.DataFrame, title: str, this: str = "", up: str = "..") -> Table:
    """A line for each method: mean ± standard deviation over its seeds, their number in brackets.

    Args:
        frame: the runs of one task, as `pare.report.results.Results` has them.
        title: the heading; may be empty.
        this: name of the method whose line is bold.
        up: from the page to the folder of all runs.
    """
    groups = [runs for _, runs in frame.groupby(["metric", "name"], sort=True)]
    groups.sort(key=lambda runs: (runs["metric"].iloc[0], METRICS[runs["metric"].iloc[0]].error(runs["test"].mean())))
    rows = [_row(runs, this, up) for runs in groups]
    return Table(title, [Cell(name) for name in COLUMNS], rows)


def run_cell(runs: pd.DataFrame, kind: str = "", up: str = "..") -> Cell:
    """The name of a method, with a link to the page of its first run, if that exists."""
    first = runs.iloc[0]
    return Cell(first["name"], sort=first["name"], kind=kind, link=f"{up}/{first['page']}" if first["page"] else "")


def _row(runs: pd.DataFrame, this: str, up: str) -> list[Cell]:
    first = runs.iloc[0]
    best = " best" if first["name"] == this else ""
    mean, selected = runs["test"].mean(), ", ".join(sorted(set(runs["kept"].dropna()))) or NONE
    return [
        run_cell(runs, best.strip(), up),
        Cell(ours_text(mean, runs["test"].std(), len(runs)), heading_text(first), mean, f"number{best}"),
        number_cell(runs["constant_prediction"].mean(), ".4g"),
        number_cell(runs["validation"].mean(), ".4g"),
        number_cell(runs["n_train"].mean(), ".0f"),
        number_cell(runs["n_test"].mean(), ".0f"),
        Cell(selected, sort="" if selected == NONE else selected),
        number_cell(runs["train_seconds"].mean(), ".1f"),
    ]


def metrics_table(metrics: Mapping[str, Any], classes: Sequence[str] | None) -> Table:
    """Everything that was measured on the test rows, the task's own metric first.

    Args:
        metrics: content of metrics.json; of older versions some keys are missing.
        classes: names of the classes, where they are known.
    """
    head = [Cell("metric"), Cell("value"), Cell("95 % interval"), Cell("constant baseline"), Cell("validation rows")]
    title = metrics["metric"]["title"]
    usual = {
        key: value for key, value in (metrics.get("usual") or {}).items() if not title.startswith(USUAL.get(key, key))
    }
    rows = [
        _own_metric(metrics),
        *_usual(usual, classes),
        *_sure(metrics.get("uncertainty") or {}),
    ]
    notes = [f"{metrics['n_test']:,} test rows", "The interval is over draws of the test rows, with replacement"]
    notes += Repeats(**metrics["repeats"]).sentences() if metrics.get("repeats") else []
    return Table("", head, [[*row, *[Cell("")] * (len(head) - len(row))] for row in rows], [f"{'. '.join(notes)}."])


def _own_metric(metrics: Mapping[str, Any]) -> list[Cell]:
    metric, interval = metrics["metric"], metrics.get("test_interval")
    unit = f" [{metric['unit']}]" if metric["unit"] else ""
    ends = f"{interval['lower']:.4g} to {interval['upper']:.4g}" if interval else NONE
    return [
        Cell(f"{metric['title']}{unit} {ARROWS[metric['direction']]}", kind="best"),
        number_cell(metrics["test"], kind="number best"),
        Cell(ends, kind="number" if interval else "number missing"),
        number_cell(metrics["constant_prediction"]),
        number_cell(metrics["validation"]),
    ]


def _usual(usual: Mapping[str, Any], classes: Sequence[str] | None) -> Rows:
    for key, value in usual.items():
        match value:
            case list():
                names = classes or [f"class {i + 1}" for i in range(len(value))]
                yield from (
                    [Cell(f"{key} of {name}"), number_cell(one)] for name, one in zip(names, value, strict=True)
                )
            case dict():
                for channel, values in value.items():
                    yield from ([Cell(f"{channel}: {USUAL[name]}"), number_cell(one)] for name, one in values.items())
            case _:
                yield [Cell(USUAL[key]), number_cell(value)]


def _sure(uncertainty: Mapping[str, Any]) -> Rows:
    """Coverage and size of sets, intervals or bands, and the temperature with what it does."""
    if "coverage" in uncertainty:
        what = "sets" if "set_size" in uncertainty else "intervals"
        yield [Cell(f"coverage of {what}, {uncertainty['asked']:g} asked for"), number_cell(uncertainty["coverage"])]
    if "set_size" in uncertainty:
        yield [Cell("classes in a set, mean"), number_cell(uncertainty["set_size"])]
    for width in uncertainty.get("width") or []:
        yield [Cell("width of an interval, mean"), number_cell(width)]
    if uncertainty.get("temperature", 1) != 1:
        yield [Cell("temperature"), number_cell(uncertainty["temperature"])]
        yield from (
            [Cell(f"{USUAL[name]} at the temperature"), number_cell(uncertainty[name]["after"])]
            for name in ("log_loss", "calibration_error")
        )


def facts_table(metrics: Mapping[str, Any]) -> Table:
    """The selected epoch or start, the rows it learnt from, and the cost."""
    facts = {name: metrics[key] for key, name in FACTS.items() if metrics.get(key) is not None}
    return Table(
        "", [Cell("training"), Cell("value")], [[Cell(name), Cell(_text(value))] for name, value in facts.items()]
    )


def candidates_table(candidates: Sequence[Mapping[str, Any]]) -> Table:
    """Candidates of a choice, in the order in which they were tried."""
    head = [Cell(name) for name in ("candidate", "weight", "metric", "folds", "seconds a fit", "left out")]
    rows = [
        [
            Cell(row["method"], sort=row["method"], kind="best" if row["share"] else ""),
            number_cell(row["share"]),
            number_cell(row.get("metric")),
            number_cell(len(row.get("folds") or ())),
            number_cell(row.get("seconds")),
            Cell(row["left_out"]),
        ]
        for row in candidates
    ]
    return Table("Candidates", head, rows)


def hyperparameters_table(run: Run) -> Table:
    """Each hyperparameter, and where its value comes from."""
    head = [Cell("hyperparameter"), Cell("value"), Cell("from")]
    rows = [
        [Cell(key, sort=key), Cell(_text(value)), Cell(run.provenance.get(key, "schema"))]
        for key, value in hyperparameters(run).items()
    ]
    return Table("Hyperparameters, and where each comes from", head, rows, folded=True)


def _text(value: Any) -> str:
    match value:
        case float():
            return f"{value:g}"
        case dict():
            return ", ".join(f"{key} {_text(one)}" for key, one in value.items())
        case list() | tuple():
            return ", ".join(map(_text, value)) or NONE
    return str(value)
