"""Several seeds, or all folds of a cross-validation, in one command: one run after the other, and a summary."""

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import click
import pandas as pd
from kedro.utils import find_kedro_project
from rich.table import Table

from pare.cli.common import FOLDS, SEEDS, clear_errors, screen
from pare.config import PareError, TaskRun
from pare.config.candidates import resolve_any
from pare.config.run import FOLD, differing_text, run_folder
from pare.config_loader import RunConfigLoader
from pare.report.html_page import spread_text
from pare.settings import CONFIG_LOADER_ARGS
from pare.storage.atomic import atomic_path

logger = logging.getLogger(__name__)
SUMMARY = "summary"
SCORING = ("pare_train", "baseline", "choose", "evaluate")  # pipelines that end with a test metric
MOST = 1000  # runs of one command
RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")
SHOWN = ("test", "constant_prediction", "validation", "n_train", "n_test", "kept")  # what the summary has of each run


@dataclass(frozen=True)
class Several:
    """What the command line asked for.

    Attributes:
        key: the parameter in which the runs differ, ``seed`` or ``fold``.
        values: its value in each run.
        name: name of the folder with the summary, or its part.
    """

    key: str
    values: Sequence[Any]
    name: str


def several(params: Mapping[str, Any]) -> Several:
    """The runs that ``seeds=0-4`` or ``folds=5`` ask for.

    Raises:
        PareError: where they are written in another way, or together with each other, ``seed`` or ``fold``.
    """
    clashes = [
        (one, other) for one, other in ((SEEDS, FOLDS), (SEEDS, "seed"), (FOLDS, FOLD)) if {one, other} <= {*params}
    ]
    if clashes:
        raise PareError(f"{' and '.join(clashes[0])} are given, expected one of them; drop the other")
    if SEEDS in params:
        return Several("seed", seeds_of(params[SEEDS]), f"seeds_{params[SEEDS]}")
    value = params[FOLDS]
    if not isinstance(value, int) or not 2 <= value <= MOST:
        raise PareError(f"folds must be a whole number from 2 to {MOST}, found {value!r}; e.g. folds=5")
    return Several(FOLD, [f"{number}/{value}" for number in range(1, value + 1)], str(value))


def seeds_of(value: Any) -> list[int]:
    """The seeds of a list such as ``0-2+7``, which are 0, 1, 2 and 7.

    Raises:
        PareError: where it is written in another way, is falling or repeats itself, or has fewer than two seeds.
    """
    example = "e.g. seeds=0-4, which is five seeds, or seeds=0-2+7"
    ranges = [RANGE.fullmatch(part) for part in str(value).split("+")]
    if not all(ranges):
        raise PareError(f"seeds must be ranges of whole numbers with + between, found {value!r}; {example}")
    ends = [(int(found[1]), int(found[2] or found[1])) for found in ranges if found]
    if any(first > last for first, last in ends):
        raise PareError(f"a range of seeds rises, found {value!r}; {example}")
    if sum(last - first + 1 for first, last in ends) > MOST:
        raise PareError(f"seeds={value} are more than {MOST} runs; {example}")
    seeds = [seed for first, last in ends for seed in range(first, last + 1)]
    if len(seeds) < 2 or len({*seeds}) < len(seeds):
        raise PareError(f"seeds must be at least two different ones, found {value!r}; {example}, and seed=3 for one")
    return seeds


def run_several(ctx: click.Context, run_once: Callable[[], Any]) -> None:
    """Make the runs one after the other, each as a command of its own would, and write their mean and spread.

    Args:
        ctx: context of `kedro run`; its parameters are changed.
        run_once: runs Kedro with the parameters of the context.

    Raises:
        PareError: before the first run where any run has a mistake, or where no pipeline has a test metric; for a run
            that failed, which it names.
    """
    asked = several(ctx.params["params"])
    if not {*ctx.params["pipelines"]} & {*SCORING}:
        raise PareError(
            f"{', '.join(ctx.params['pipelines'])} has no test metric to take the mean of; seeds and folds are for "
            f"{', '.join(SCORING)}. Name one run: {'seed=0' if asked.key == 'seed' else f'fold={asked.values[0]}'}"
        )
    project = find_kedro_project(Path.cwd()) or Path.cwd()
    shared = {key: value for key, value in ctx.params["params"].items() if key not in (SEEDS, FOLDS)}
    runs = _resolved(ctx.params["conf_source"] or str(project / "conf"), ctx.params["env"], shared, asked)
    for value in asked.values:
        ctx.params["params"] = {**shared, asked.key: value}
        with _naming(asked, value):
            run_once()
    _summarise(project / "data" / "08_reporting", asked, runs)


def _resolved(conf_source: str, env: str | None, shared: dict[str, Any], asked: Several) -> list[TaskRun]:
    loader = RunConfigLoader(conf_source=conf_source, env=env, runtime_params=shared, **CONFIG_LOADER_ARGS)  # type: ignore[arg-type]
    library, parameters = loader.library, loader["parameters"]
    each = [{asked.key: value} for value in asked.values]
    return [resolve_any(library, parameters | one, shared | one) for one in each]


@contextmanager
def _naming(asked: Several, value: Any) -> Iterator[None]:
    """Say of a run that fails which one it is."""
    try:
        with clear_errors():
            yield
    except click.ClickException as error:
        raise PareError(
            f"{asked.key} {value}: {error.message}\nThe runs before it are done; the same command goes on here."
        ) from None
    except Exception:
        logger.error("%s %s failed; the runs before it are done, and the same command goes on here.", asked.key, value)
        raise


def _summarise(reporting: Path, asked: Several, runs: Sequence[TaskRun]) -> None:
    """Write mean and spread of the test metric next to the runs, as JSON and as a table, and say them."""
    records = [json.loads((reporting / run.folder / "metrics.json").read_text(encoding="utf-8")) for run in runs]
    lines = [
        {asked.key: value, **{name: record[name] for name in SHOWN}}
        for value, record in zip(asked.values, records, strict=True)
    ]
    summary = _summary(asked, runs[0], records[0]["metric"], lines)
    folder = _folder(reporting, asked, runs[0])
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


def _summary(asked: Several, run: TaskRun, metric: Mapping[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
    tests = [line["test"] for line in lines]
    return {
        "task": run.task_name,
        "method": run.method_folder,
        "differs": _shared_differs(run),
        "over": f"{asked.key}s",
        "runs": len(lines),
        "metric": metric,
        "mean": mean(tests),
        "standard_deviation": stdev(tests),
        "lines": lines,
    }


def _folder(reporting: Path, asked: Several, run: TaskRun) -> Path:
    """Next to the folders of the runs; of folds, which differ in more than the seed, in one of their own with it."""
    differs = _shared_differs(run)
    if asked.key == FOLD:
        return reporting / run_folder(run.task_name, run.method_folder, run.seed, differs | {FOLDS: asked.name})
    return reporting / Path(run.folder).parent / asked.name


def _shared_differs(run: TaskRun) -> dict[str, str]:
    return {key: value for key, value in run.differs.items() if key != FOLD}


def _sentence(summary: Mapping[str, Any]) -> str:
    metric, label = summary["metric"], ", ".join(filter(None, [summary["method"], differing_text(summary["differs"])]))
    value = spread_text(summary["mean"], summary["standard_deviation"])
    return (
        f"{summary['task']}, {label}: mean ± standard deviation over {summary['runs']} {summary['over']}: test "
        f"{metric['title']} {value}{' ' + metric['unit'] if metric['unit'] else ''} ({metric['direction']} is better)."
    )
