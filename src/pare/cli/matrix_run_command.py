"""`kedro matrix run`: the plan of what is left, on an engine, and what became of it by the files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
from click.core import ParameterSource

from pare.cli.common import ended_by_signals, screen
from pare.cli.matrix_options import Matrix, choosing_options, load_matrix
from pare.cli.slurm_arrays import ARRAY_OPTIONS, make_arrays, slurm_options
from pare.config import PareError
from pare.config.words import all_done, counted, listed
from pare.matrix.engines import Engine, Settings, made_by
from pare.matrix.engines.local import run_local
from pare.matrix.engines.ray import run_ray
from pare.matrix.follow import Progress, follow
from pare.matrix.launch import Share, failure, last_line, log_of, start
from pare.matrix.plan import Job, Plan
from pare.matrix.shared_folder import check_locks
from pare.matrix.stages import DIGESTS, stage_digests, write_stage_digests
from pare.matrix.states import LEGEND, MODELS, REPORTING, block_table
from pare.storage.result_lines import FILE, write_lines

ENGINES: dict[str, Engine] = {"local": run_local, "ray": run_ray}
SLURM = "slurm"
SHARED = ("workers", "gpus_per_run")
# Options that an engine takes, besides those that choose the runs.
OPTIONS = {
    "local": (*SHARED, "stop_after", "inputs_only"),
    "ray": (*SHARED, "stop_after", "inputs_only", "address"),
    SLURM: (*SHARED, *ARRAY_OPTIONS),
}


@click.command(name="run")
@choosing_options
@click.option("--engine", type=click.Choice([*OPTIONS]), default="local", show_default=True, help="What runs them.")
@click.option(
    "--workers", type=click.IntRange(1), help="Runs at a time, of slurm elements. Default: all that there is."
)
@click.option(
    "--gpus-per-run",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="A run uses one device; 0.5: two on each GPU; slurm: 0 for no GPUs.",
)
@click.option("--stop-after", type=click.IntRange(0), default=0, metavar="N", help="local, ray: stop after N failures.")
@click.option("--inputs-only", is_flag=True, help="local, ray: bring and prepare the inputs, such as before SLURM.")
@click.option("--address", default="", help="ray: address of a running cluster, such as auto.")
@slurm_options
@click.pass_context
def run_matrix(ctx: click.Context, engine: str, stop_after: int, inputs_only: bool, **asked: Any) -> None:
    """Run what is left: inputs first, then the longest run; the same command goes on after a stop or a failure.

    \b
    Everything on this machine:  kedro matrix run
    Some of it:                  kedro matrix run --only 'openml_*'
    Your own:                    kedro matrix run --tasks wine --methods pare,catboost --seeds 0-4
    Two on each of eight GPUs:   kedro matrix run --workers 16 --gpus-per-run 0.5
    On a Ray cluster:            kedro matrix run --engine ray --address auto
    As arrays of SLURM:          kedro matrix run --engine slurm --device a100 --sbatch '--partition=gpu' --submit
    """
    project, env = ctx.obj
    _check_options(ctx, engine)
    how = {name: asked.pop(name) for name in ("workers", "gpus_per_run", "address")}
    arrays = {name: asked.pop(name) for name in ARRAY_OPTIONS}
    runs = load_matrix(project, asked.pop("env") or env, asked)
    runs.check()
    if engine == SLURM:
        make_arrays(runs, asked, arrays | how)
        return
    plan = runs.plan().inputs if inputs_only else runs.plan()
    reasons = execute(runs, plan, ENGINES[engine], how, stop_after)
    if inputs_only:
        _tell_of_inputs(runs, reasons)
    else:
        conclude(runs, reasons)


def _check_options(ctx: click.Context, engine: str) -> None:
    """Refuse an option that is given and that the engine does not take."""
    others = {name for names in OPTIONS.values() for name in names} - {*OPTIONS[engine]}
    for option in ctx.command.params:
        if option.name in others and ctx.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            takers = " and ".join(f"--engine {one}" for one, names in OPTIONS.items() if option.name in names)
            raise PareError(f"{option.opts[0]} belongs to {takers}, and --engine is {engine}; drop one of them")


def execute(runs: Matrix, plan: Plan, engine: Engine, how: dict[str, Any], stop_after: int) -> dict[str, str]:
    """Run a plan, if anything is in it.

    Returns:
        Why a job was not done by this command, by its name.
    """
    if not plan.jobs:
        return {}
    click.echo(plan)
    if how["workers"] != 1:
        check_locks(runs.project / "data" / MODELS, "; or run one at a time: --workers 1")
    progress = followed(runs, plan, engine, how, stop_after)
    return dict.fromkeys(progress.failed, "failed") | progress.skipped


def followed(runs: Matrix, plan: Plan, engine: Engine, how: dict[str, Any], stop_after: int = 0) -> Progress:
    """Run a plan; a signal such as Ctrl-C ends what runs, says how to go on, and ends the command."""
    settings = Settings(runs.project, runs.folder, is_left=runs.is_left, maker=lambda job: runs.maker(job.name), **how)
    with ended_by_signals(" The same command goes on: each run after the last step or fit that was saved."):
        progress = follow(plan, engine, settings, screen(), stop_after)
    _tell_of_ended(progress)
    return progress


def _tell_of_ended(progress: Progress) -> None:
    parts = [f"{counted(len(progress.done), 'job')} done"]
    parts += [f"{len(progress.failed)} failed"] * bool(progress.failed)
    parts += [f"{len(progress.skipped)} skipped"] * bool(progress.skipped)
    click.echo(f"{', '.join(parts)}.")


def _tell_of_inputs(runs: Matrix, reasons: Mapping[str, str]) -> None:
    missing = list(runs.plan().inputs.jobs)
    if missing:
        raise click.ClickException(
            f"{counted(len(missing), 'input')} missing: {listed(_with_reasons(missing, reasons))}"
        )
    click.echo("All inputs of the runs that are left are there.")


def _with_reasons(names: Sequence[str], reasons: Mapping[str, str]) -> list[str]:
    return [f"{name} ({reasons[name]})" if name in reasons else name for name in names]


def conclude(runs: Matrix, reasons: Mapping[str, str]) -> None:
    """Verify by the files what is done, show the results, and make what a whole matrix has after its runs.

    Args:
        runs: the matrix.
        reasons: why a run was not done, by its name.

    Raises:
        ClickException: naming the runs that are not done.
    """
    runs = replace(runs)  # how far its runs are is asked anew
    print_blocks(runs)
    if results := runs.results():
        write_lines(results, runs.folder)
        click.echo(f"\nThese results as a table: {(runs.folder / FILE).relative_to(runs.project)}")
    tell_of_left(runs, reasons)
    if runs.whole:
        _report(runs)


def _report(runs: Matrix) -> None:
    """Make the report of all results; of the matrix that DVC knows also results.csv and the digests of its stages."""
    if runs.has_stages:
        write_results(runs)
        write_stage_digests(stage_digests(*runs.of_base()), runs.project / DIGESTS)
    job = Job("report", "", f"kedro run --pipelines=report{runs.option}")
    code = start(job, runs.project, runs.folder, Share(1)).wait()
    if code:
        raise click.ClickException(f"the report failed: {failure(job, runs.folder, code)}; {job.command}")
    click.echo(last_line(log_of(job, runs.folder)))
    if runs.has_stages:
        click.echo("For DVC, which has nothing to do then: dvc commit -f dvc.yaml data/stages/*/dvc.yaml")


def write_results(runs: Matrix) -> None:
    """Write the results that git keeps, and say which lines stay as they were and which go."""
    listing = runs.listing()
    path = write_lines(listing.lines, runs.project / "data" / REPORTING).relative_to(runs.project)
    click.echo(f"{listing.done} of {len(runs.cells)} runs are in {path}")
    if kept := listing.kept:
        lines = counted(len(kept), "line")
        click.echo(f"{lines} kept as before, of runs that are unfinished or changed here: {listed(kept)}")
    if dropped := listing.dropped:
        click.echo(
            f"{counted(len(dropped), 'line')} dropped, of runs that are in the matrix no more: {listed(dropped)}"
        )


def print_blocks(runs: Matrix) -> None:
    """Show the results of each block as a table."""
    for title, block in runs.blocks.items():
        click.echo()
        screen().print(block_table(title, block, runs.states), highlight=False)
    if any(state.kind == "results" for state in runs.states.values()):
        click.echo(f"\n{LEGEND}")


def tell_of_left(runs: Matrix, reasons: Mapping[str, str]) -> None:
    """Say that all runs are done, or raise a message that names those that are left.

    Args:
        runs: the matrix.
        reasons: why a run is left, by its name; where another process makes it, that is the reason.

    Raises:
        ClickException: where any are left.
    """
    if not runs.left:
        click.echo(all_done(len(runs.cells)))
        return
    why = {**reasons, **{name: made_by(maker) for name in runs.left if (maker := runs.maker(name))}}
    names = _with_reasons(runs.left, why)
    raise click.ClickException(f"{len(names)} of {len(runs.cells)} runs are not done: {listed(names)}")
