"""`kedro matrix run --engine slurm`: writes the plan and the script of its arrays, and submits them where asked."""

import shlex
from collections.abc import Mapping
from typing import Any

import click

from pare.cli.common import with_options
from pare.cli.matrix_options import OWN, Matrix
from pare.config import PareError
from pare.config.estimate import DEVICES
from pare.matrix.engines.array_script import queue_of, submit, submit_lines, write_script
from pare.matrix.engines.slurm import INPUTS, Limits, Submission, arrays_of
from pare.matrix.launch import LOGS
from pare.matrix.plan import FILE
from pare.matrix.shared_folder import check_locks
from pare.matrix.states import MODELS

ARRAY_OPTIONS = ("device", "hours", "bundle_hours", "array_limit", "sbatch", "submit")


HOURS = click.FloatRange(min=0.5)  # that an array is given
# Options of the engine slurm alone.
slurm_options = with_options(
    click.option("--device", type=click.Choice([*DEVICES]), help="slurm: times on this GPU, by its data sheet."),
    click.option("--hours", type=HOURS, default=24.0, show_default=True, help="slurm: longest time limit, in hours."),
    click.option(
        "--bundle-hours", type=HOURS, default=4.0, show_default=True, help="slurm: work of an element, in hours."
    ),
    click.option(
        "--array-limit",
        type=click.IntRange(1),
        default=1000,
        show_default=True,
        help="slurm: most elements of an array.",
    ),
    click.option("--sbatch", default="", metavar="OPTIONS", help="slurm: others, such as '--partition=gpu --mem=64G'."),
    click.option("--submit", is_flag=True, help="slurm: submit the arrays; else their lines are shown."),
)


def make_arrays(runs: Matrix, asked: Mapping[str, Any], how: Mapping[str, Any]) -> None:
    """Write the plan and its script, and submit the arrays or show how.

    Args:
        runs: the matrix.
        asked: options that chose its runs, without the environment.
        how: options of the engine.
    """
    limits = Limits(
        hours=how["hours"],
        bundle_hours=how["bundle_hours"],
        elements=how["array_limit"],
        at_a_time=how["workers"],
        gpus_per_run=how["gpus_per_run"],
        options=_words(how["sbatch"]),
    )
    if how["device"] and not limits.gpus_per_run:
        raise PareError(f"--device {how['device']} is a GPU, and --gpus-per-run 0 says that there is none; drop one")
    plan = runs.plan(how["device"] or "")
    click.echo(plan)
    if not plan.runs:
        return
    check_locks(runs.project / "data" / MODELS)
    submission = Submission(plan, arrays_of(plan, limits), runs.env, dict(asked))
    script = write_script(submission, limits, runs.project, runs.folder)
    place = script.relative_to(runs.project)
    for array in submission.arrays.values():
        click.echo(f"{array}.")
    click.echo(f"\n{place.with_name(FILE)} has the plan, {place} submits and runs it.")
    if how["submit"]:
        click.echo(submit(script).rstrip())
    else:
        click.echo(
            f"Submit it by `bash {place}`, or by these lines of it; edit there what your cluster wants otherwise:\n"
        )
        click.echo(f"cd {shlex.quote(str(runs.project))}")
        click.echo(submit_lines(submission, limits, str(place)))
    _advise(runs, submission)


def _advise(runs: Matrix, submission: Submission) -> None:
    """How to watch the arrays, and what comes after them."""
    folder = runs.folder.relative_to(runs.project)
    progress = "kedro matrix plan with these --tasks" if runs.title == OWN else f"kedro matrix{runs.option}"
    click.echo(f"Watch them: squeue {queue_of(runs.title)}; {progress}; logs in {folder / LOGS}")
    if INPUTS in submission.arrays:
        click.echo("Where nodes have no network, first do here the same with --inputs-only in place of --engine slurm.")
    click.echo("After their end the same command plans only what is not done then.")


def _words(options: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(options))
    except ValueError as error:
        raise PareError(f"--sbatch takes options as in a shell, found {options!r} ({error})") from None
