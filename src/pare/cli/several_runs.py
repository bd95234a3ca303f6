"""Several seeds, or all folds of a cross-validation, in one command: a plan of single runs, and then a summary."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from kedro.utils import find_kedro_project

from pare.cli.common import FOLDS, NO_PROJECT, SEEDS, config_loader, screen, speed_of_cpu
from pare.cli.runs_summary import summarise, summary_folder
from pare.config import PareError, Run, resolve
from pare.config.run import FOLD, WHOLE
from pare.config.suitability import check_suited
from pare.config.words import listed
from pare.config_loader import load_library
from pare.matrix.blocks import MOST, Cell
from pare.matrix.cost import costs
from pare.matrix.engines import Settings
from pare.matrix.engines.local import run_local
from pare.matrix.follow import follow
from pare.matrix.launch import LOGS
from pare.matrix.plan import Job, Plan, make_plan
from pare.matrix.selection import seeds_of
from pare.matrix.states import State, matrix_states
from pare.tracking import NONE, Tracking

SCORING = (WHOLE, "evaluate")  # pipelines that end with a test metric
# Options that say which run is meant; any other changes what is done, so that finished runs are done again with it.
NAMING = {"params", "pipelines", "pipeline", "env", "conf_source", "config"}


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
        PareError: where they are written in another way, are fewer than two, or come together with each other, ``seed``
            or ``fold``.
    """
    clashes = [
        (one, other) for one, other in ((SEEDS, FOLDS), (SEEDS, "seed"), (FOLDS, FOLD)) if {one, other} <= {*params}
    ]
    if clashes:
        raise PareError(f"{' and '.join(clashes[0])} are given, expected one of them; drop the other")
    value = params.get(SEEDS, params.get(FOLDS))
    if SEEDS in params:
        seeds = seeds_of(value)
        if len(seeds) < 2:
            raise PareError(f"seeds must be at least two, found {value!r}; e.g. seeds=0-4, and seed=3 for one")
        return Several("seed", seeds, f"{SEEDS}_{value}")
    if not isinstance(value, int) or not 2 <= value <= MOST:
        raise PareError(f"folds must be a whole number from 2 to {MOST}, found {value!r}; e.g. folds=5")
    return Several(FOLD, [f"{number}/{value}" for number in range(1, value + 1)], str(value))


def run_several(ctx: click.Context, args: Sequence[str], workers: int | None) -> None:
    """Make the runs as a plan of single commands, and write their mean and spread.

    Args:
        ctx: context of `kedro run`.
        args: its words, as they were typed.
        workers: runs at a time; None: as many as the machine has room for.

    Raises:
        PareError: before the first run where any run has a mistake, or where no pipeline has a test metric; at the end
            where runs failed, which it names.
    """
    asked, typed = several(ctx.params["params"]), _typed(ctx, args)
    _check(ctx, asked, typed)
    project = find_kedro_project(Path.cwd())
    if project is None:
        raise PareError(NO_PROJECT)
    cells, parameters = _resolved(ctx, project, asked)
    values, run = dict(zip(cells, asked.values, strict=True)), next(iter(cells.values())).run
    folder = summary_folder(run, asked.key, asked.name)
    reporting = project / "data" / "08_reporting"
    metrics = {name: reporting / cell.run.folder / "metrics.json" for name, cell in cells.items()}
    again, states = _again(ctx, run, parameters), matrix_states(cells, project / "data")
    for name, path in metrics.items():
        if again or not path.is_file():  # a line of results.csv is not what the summary reads
            states[name] = State("nothing")
    plan = make_plan(folder, cells, costs(cells, states, speed_of_cpu), project / "data")
    settings = Settings(project, project / "data" / "matrix" / folder, workers)
    failed = _run(_as_typed(plan, ctx, typed, asked.key, values), settings)
    missing = [f"{asked.key} {values[name]}" for name in cells if name in failed or not metrics[name].is_file()]
    if missing:
        raise PareError(
            f"{len(missing)} of {len(cells)} runs are not done, so that there is no summary: {listed(missing)}. "
            f"See their logs in {_logs(settings)}; the same command goes on"
        )
    summarise(reporting / folder, asked.key, run, {values[name]: path for name, path in metrics.items()})


def _check(ctx: click.Context, asked: Several, typed: Mapping[str, Any]) -> None:
    """Refuse pipelines without a test metric, and parameters that are in a file and not in the command."""
    if not {*ctx.params["pipelines"]} & {*SCORING}:
        raise PareError(
            f"{', '.join(ctx.params['pipelines'])} has no test metric to take the mean of; seeds and folds are for "
            f"{', '.join(SCORING)}. Name one run: {'seed=0' if asked.key == 'seed' else f'fold={asked.values[0]}'}"
        )
    if "params" not in typed:
        raise PareError("seeds and folds belong in --params of the command, found them in the file of --config")


def _resolved(ctx: click.Context, project: Path, asked: Several) -> tuple[dict[str, Cell], dict[str, Any]]:
    """All runs by their name, in the order of their seeds or folds, and the parameters that they share."""
    shared = {key: value for key, value in ctx.params["params"].items() if key not in (SEEDS, FOLDS)}
    loader = config_loader(project, ctx.params["env"], ctx.params["conf_source"])
    loader.runtime_params = shared
    library, parameters = load_library(loader), loader["parameters"]
    each = [{asked.key: value} for value in asked.values]
    cells = [Cell(resolve(library, parameters | one, shared | one), {}) for one in each]
    check_suited(cells[0].run)
    return {cell.name: cell for cell in cells}, parameters


def _again(ctx: click.Context, run: Run, parameters: Mapping[str, Any]) -> bool:
    """Whether runs that are done are run once more: for another pipeline, a tracker, or an option of Kedro.

    Raises:
        PareError: where the tracker is unknown or not installed.
    """
    given = {name for name in ctx.params if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT}
    tracking = Tracking(name=parameters.get("tracking") or NONE)
    return ctx.params["pipelines"] != [WHOLE] or tracking.name != NONE or not given <= NAMING


def _typed(ctx: click.Context, args: Sequence[str]) -> dict[str, Any]:
    """The options of each run that were typed, by name; paths are whole, as a run starts in the project's folder."""
    typed, _, _ = ctx.command.make_parser(ctx).parse_args([*args])
    typed.pop("workers", None)
    if "config" in typed:
        typed["config"] = os.path.abspath(typed["config"])  # ctx.params has another value, by a mistake of Kedro's
    if "conf_source" in typed:
        typed["conf_source"] = ctx.params["conf_source"]
    return typed


def _as_typed(plan: Plan, ctx: click.Context, typed: Mapping[str, Any], key: str, values: Mapping[str, Any]) -> Plan:
    """The plan with the command that was typed for each run; inputs are prepared by the same configuration.

    Args:
        plan: the plan.
        ctx: context of `kedro run`.
        typed: its options, see `_typed`.
        key: the parameter in which the runs differ.
        values: its value by the name of the run.
    """
    shared = [item for item in typed["params"].split(",") if item.partition("=")[0].strip() not in (SEEDS, FOLDS)]
    names = {option.name: option.opts[0] for option in ctx.command.params}
    source = f" --conf-source={shlex.quote(path)}" if (path := ctx.params["conf_source"]) else ""

    def command(job: Job) -> str:
        if job.prepares:
            return job.command + source
        given = {**typed, "params": ",".join([*shared, f"{key}={values[job.name]}"])}
        options = [names[name] if value is True else f"{names[name]}={value}" for name, value in given.items()]
        return shlex.join(["kedro", "run", *options])

    return replace(plan, jobs={name: replace(job, command=command(job)) for name, job in plan.jobs.items()})


def _run(plan: Plan, settings: Settings) -> set[str]:
    """Run what is left; the names of the jobs that failed or could not be run."""
    if done := plan.cells - len(plan.runs):
        click.echo(f"{done} of {plan.cells} runs are done already.")
    if not plan.runs:
        return set()
    inputs = len(plan.jobs) - len(plan.runs)
    click.echo(f"Runs to make: {len(plan.runs)}; inputs to prepare: {inputs}. Their logs: {_logs(settings)}")
    progress = follow(plan, run_local, settings, screen(), stop_after=0)
    return {*progress.failed, *progress.skipped}


def _logs(settings: Settings) -> Path:
    return (settings.folder / LOGS).relative_to(settings.project)
