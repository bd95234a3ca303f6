"""`kedro matrix`: the runs behind all tables, how far they are, the plan of what is left, and running it."""

from math import ceil, log2
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import env_option

from pare.cli.common import Commands, screen
from pare.cli.matrix_bundle_command import bundle
from pare.cli.matrix_options import Matrix, choosing_options, load_matrix
from pare.cli.matrix_run_command import print_blocks, run_matrix, tell_of_left, write_results
from pare.config.estimate import DAY, DEVICES, duration
from pare.matrix.dvc import STAGES, read_stage_files, stage_files, write_stage_files
from pare.matrix.plan import Plan
from pare.matrix.stages import DIGESTS, stage_digests, write_stage_digests


@click.group(cls=Commands, invoke_without_command=True)
@env_option
@click.pass_context
def matrix(ctx: click.Context, env: str | None) -> None:
    """Show the runs of conf/base/matrix.yml: what is left, what that will cost, and the results so far.

    \b
    What is left, and its cost:     kedro matrix plan
    Run it on this machine:         kedro matrix run
    Run it through DVC, serially:   dvc repro --keep-going
    The paper's runs, on a cluster: kedro matrix run --env paper --engine slurm
    Your own, in one line:          kedro matrix run --tasks wine,plates --methods pare,choose --seeds 0-4
    """
    ctx.obj = (ctx.obj.project_path, env)
    if ctx.invoked_subcommand is None:
        _print_matrix(load_matrix(*ctx.obj))


@matrix.command()
@choosing_options
@click.option("--device", type=click.Choice([*DEVICES]), help="Times on this accelerator, by its data sheet.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole plan as JSON.")
@click.pass_obj
def plan(obj: tuple[Path, str | None], device: str | None, as_json: bool, **asked: Any) -> None:
    """Show what is left: runs, inputs to prepare, accelerators, memory and time of each task."""
    runs = load_matrix(obj[0], asked.pop("env") or obj[1], asked)
    runs.check()
    made = runs.plan(device or "")
    if as_json:
        click.echo(made.as_json(), nl=False)
        return
    click.echo(made)
    if made.runs:
        click.echo()
        screen().print(made.table(), highlight=False)
        click.echo(f"\n{_advice(runs, made, device or '')}")


@matrix.command()
@click.pass_obj
def write(obj: tuple[Path, str | None]) -> None:
    """Bring data/stages, which has a dvc.yaml for each task, up to matrix.yml."""
    runs = load_matrix(*obj)
    write_stage_files(stage_files(*runs.of_base()), runs.project / STAGES)
    click.echo(f"{len(runs.cells)} runs are in {STAGES}. Run those that are left: dvc repro --keep-going")


@matrix.command()
@click.pass_obj
def resolve(obj: tuple[Path, str | None]) -> None:
    """Digest what decides each stage of dvc.yaml; dvc calls this first."""
    runs = load_matrix(*obj)
    write_stage_digests(stage_digests(*runs.of_base()), runs.project / DIGESTS)


@matrix.command()
@click.pass_obj
def results(obj: tuple[Path, str | None]) -> None:
    """Write data/08_reporting/results.csv, which git keeps: one line for each finished run of the matrix.

    A run that is unfinished here, or changed since it was listed, keeps the line that it has. Lines of other
    environments stay as well. Those of runs that are in the matrix no more go. The command names what it kept and what
    it dropped.
    """
    write_results(load_matrix(*obj))


@matrix.command()
@choosing_options
@click.pass_obj
def check(obj: tuple[Path, str | None], **asked: Any) -> None:
    """Name the runs that are left; the exit code is 1 where there are any."""
    runs = load_matrix(obj[0], asked.pop("env") or obj[1], asked)
    tell_of_left(runs, {})


def _advice(runs: Matrix, made: Plan, device: str) -> str:
    """The command that runs the plan and, where that takes days, what would make it hours."""
    words = [f"Run it: {'the same with run in place of plan' if not runs.whole else f'kedro matrix run{runs.option}'}"]
    if device or made.seconds < DAY:
        return words[0]
    shown = next(iter(DEVICES))
    networks = [job.seconds for job in runs.plan(shown).runs if job.on_accelerator]
    several = max(8, 2 ** ceil(log2(max(sum(networks) / DAY, 1))))
    words.append(
        f"Its {len(networks)} networks need about {duration(sum(networks))} of one {DEVICES[shown].title} by its data "
        f"sheet, which is not measured and a lower bound with small batches: {duration(sum(networks) / 8)} on eight, "
        f"{duration(sum(networks) / several)} on {several}. Others: --device. How: docs/scale.md"
    )
    return "\n".join(words)


def _print_matrix(runs: Matrix) -> None:
    made = runs.plan()
    click.echo(made)
    if runs.left:
        click.echo(f"What each task takes: kedro matrix plan{runs.option}")
        click.echo(_advice(runs, made, ""))
    print_blocks(runs)
    if runs.has_stages and read_stage_files(runs.project / STAGES) != stage_files(*runs.of_base()):
        click.secho(f"\n{STAGES} is not that of matrix.yml: kedro matrix write", fg="yellow")


matrix.add_command(run_matrix)
matrix.add_command(bundle)
