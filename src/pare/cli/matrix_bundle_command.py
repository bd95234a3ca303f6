"""`kedro matrix bundle`: what an element of an array of SLURM does."""

from pathlib import Path

import click

from pare.cli.matrix_options import load_matrix
from pare.cli.matrix_run_command import followed
from pare.config import PareError
from pare.config.words import counted
from pare.matrix.engines.local import gpus, run_local
from pare.matrix.engines.slurm import CPU, GPU, INPUTS, part_of, read_submission
from pare.matrix.shared_folder import check_locks
from pare.matrix.states import MODELS


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("array", type=click.Choice([INPUTS, CPU, GPU]))
@click.argument("number", type=click.IntRange(0), envvar="SLURM_ARRAY_TASK_ID")
@click.pass_context
def bundle(ctx: click.Context, plan: Path, array: str, number: int) -> None:
    """Run a bundle of an array that `kedro matrix run --engine slurm` planned; each element of the array calls this.

    PLAN is data/matrix/TITLE/plan.json. NUMBER is that of the element, by default SLURM's own. Runs that are done are
    left out. The exit code is 1 where a job failed or a run's input is missing, and 143 after SIGTERM.
    """
    submission = read_submission(plan)
    wanted = submission.array(array)
    runs = load_matrix(ctx.obj[0], submission.env, submission.asked)
    names = wanted.bundle(number)
    part, refused = part_of(submission, names, runs.cells, runs.project / "data", runs.is_left)
    click.echo(f"Bundle {number} of array {array}: {len(part.jobs)} of {counted(len(names), 'job')} to run")
    if array == GPU and part.jobs and not gpus():
        raise PareError(
            "no GPU is seen here, and the array is that of the networks; ask SLURM for one (--gpus-per-task=1), or "
            "plan without GPUs: kedro matrix run --engine slurm --gpus-per-run 0"
        )
    check_locks(runs.project / "data" / MODELS)  # on this node, as other elements run at the same time
    for name, reason in refused.items():
        click.echo(f"skipped: {name}: {reason}")
    how = {"workers": wanted.together, "gpus_per_run": 1 / wanted.together}
    progress = followed(runs, part, run_local, how)
    if progress.failed or refused:
        ctx.exit(1)
