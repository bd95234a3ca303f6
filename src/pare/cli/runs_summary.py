"""The summary of several runs of one task and method: mean and spread of the test metric, as files and as a table."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
from rich.table import Table

from pare.cli.common import FOLDS, screen
from pare.config import Run
from pare.config.run import FOLD, differing_text, run_folder
from pare.config.words import spread_text
from pare.storage.atomic import atomic_path

logger = logging.getLogger(__name__)
SUMMARY = "summary"
SHOWN = ("test", "constant_prediction", "validation", "n_train", "n_test", "kept")  # what the summary has of each run


def summary_folder(run: Run, key: str, name: str) -> str:
    """Folder of the summary below ``data/08_reporting``.

    It is next to the folders of the runs; folds, which differ in more than the seed, have one of their own with it.

    Args:
        run: one of the runs.
        key: the parameter in which they differ, ``seed`` or ``fold``.
        name: name of the folder, such as ``seeds_0-4``, or number of the folds.
    """
    if key == FOLD:
        return run_folder(run.task_name, run.method_folder, run.seed, _shared_differs(run) | {FOLDS: name})
    return (Path(run.folder).parent / name).as_posix()


def summarise(folder: Path, key: str, run: Run, metrics: Mapping[Any, Path]) -> None:
    """Write mean and spread of the test metric as JSON and as a table, and say them.

    Args:
        folder: see `summary_folder`.
        key: the parameter in which the runs differ, ``seed`` or ``fold``.
        run: one of the runs.
        metrics: the file of each run's metrics, by the value of that parameter.
    """
    records = {value: json.loads(path.read_text(encoding="utf-8")) for value, path in metrics.items()}
    lines = [{key: value, **{name: record[name] for name in SHOWN}} for value, record in records.items()]
    summary = _summary(key, run, next(iter(records.values()))["metric"], lines)
    with atomic_path(folder / f"{SUMMARY}.json") as unfinished:
        unfinished.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    frame = pd.DataFrame(lines)
    with atomic_path(folder / f"{SUMMARY}.csv") as unfinished:
        frame.to_csv(unfinished, index=False, float_format="%.6g")
    table = Table(*frame.columns, box=None, header_style="bold")
    for line in lines:
        table.add_row(*map(_cell, line.values()))
    screen().print(table, highlight=False)
    logger.info("%s", _sentence(summary))


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _summary(key: str, run: Run, metric: Mapping[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
    tests = [line["test"] for line in lines]
    return {
        "task": run.task_name,
        "method": run.method_folder,
        "differs": _shared_differs(run),
        "over": f"{key}s",
        "runs": len(lines),
        "metric": metric,
        "mean": mean(tests),
        "standard_deviation": stdev(tests),
        "lines": lines,
    }


def _shared_differs(run: Run) -> dict[str, str]:
    return {key: value for key, value in run.differs.items() if key != FOLD}


def _sentence(summary: Mapping[str, Any]) -> str:
    metric, label = summary["metric"], ", ".join(filter(None, [summary["method"], differing_text(summary["differs"])]))
    value = spread_text(summary["mean"], summary["standard_deviation"])
    return (
        f"{summary['task']}, {label}: mean ± standard deviation over {summary['runs']} {summary['over']}: test "
        f"{metric['title']} {value}{' ' + metric['unit'] if metric['unit'] else ''} ({metric['direction']} is better)."
    )
