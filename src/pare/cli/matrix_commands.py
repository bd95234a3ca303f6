"""`kedro matrix`: the runs behind all tables, how far they are, and what the rest of them will cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import env_option

from pare.cli.common import clear_errors, config_loader, screen
from pare.config import Library, PareError
from pare.config.estimate import cpu_speed
from pare.config_loader import load_library
from pare.matrix import (
    DIGESTS,
    LEGEND,
    STAGES,
    State,
    block_table,
    check_base,
    cost,
    matrix_states,
    read_stage_files,
    stage_digests,
    stage_files,
    write_stage_digests,
    write_stage_files,
)
from pare.matrix.blocks import Cell, expand, unique
from pare.storage.result_lines import FILE, write_lines

DVC_ENVIRONMENTS = (None, "base", "local")  # those whose runs are stages of dvc.yaml


@dataclass(frozen=True)
class Matrix:
    """The run matrix of a project's environment, and how far it is."""

    project: Path
    env: str | None
    library: Library
    values: Mapping[str, Any]
    blocks: dict[str, list[Cell]]

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Every run once, by its name."""
        return unique(self.blocks)

    @cached_property
    def states(self) -> dict[str, State]:
        """How far each run has come."""
        return matrix_states(self.cells, self.project / "data")

    @property
    def left(self) -> list[Cell]:
        """The runs that are not done."""
        return [cell for name, cell in self.cells.items() if self.states[name].kind != "done"]

    def of_base(self) -> tuple[dict[str, Cell], Library]:
        """The runs as dvc makes them, from conf/base alone, and all that is defined there."""
        loader = config_loader(self.project, "base")
        base = load_library(loader)
        check_base(self.cells, base)
        return unique(expand(self.values, base, loader["parameters"])), base


@click.group(invoke_without_command=True)
@env_option
@click.pass_context
def matrix(ctx: click.Context, env: str | None) -> None:
    """Show the runs of conf/base/matrix.yml: what is left, what that will cost, and the results so far.

    \b
    Run what is left:               dvc repro --keep-going
    Look at it from elsewhere:      kedro matrix
    After a change of matrix.yml:   kedro matrix write
    The paper's runs, on a cluster: kedro matrix --env paper commands
    """
    project: Path = ctx.obj.project_path
    with clear_errors():
        loader = config_loader(project, env)
        library = load_library(loader)
        values = loader["matrix"]
        blocks = expand(values, library, loader["parameters"])
        ctx.obj = Matrix(project, env, library, values, blocks)
        if ctx.invoked_subcommand is None:
            _print_matrix(ctx.obj)


@matrix.command()
@click.pass_obj
def write(runs: Matrix) -> None:
    """Bring data/stages, which has a dvc.yaml for each task, up to matrix.yml."""
    with clear_errors():
        if runs.env not in DVC_ENVIRONMENTS:
            raise PareError(
                f"dvc runs the base environment; for that of {runs.env}: kedro matrix --env {runs.env} commands"
            )
        write_stage_files(stage_files(*runs.of_base()), runs.project / STAGES)
    click.echo(f"{len(runs.cells)} cells are in {STAGES}. Run those that are left: dvc repro --keep-going")


@matrix.command()
@click.pass_obj
def resolve(runs: Matrix) -> None:
    """Digest what decides each stage of dvc.yaml; dvc calls this first."""
    with clear_errors():
        write_stage_digests(stage_digests(*runs.of_base()), runs.project / DIGESTS)


@matrix.command()
@click.pass_obj
def results(runs: Matrix) -> None:
    """Write data/08_reporting/results.csv, which git keeps: one line for each finished run of the matrix."""
    metrics = {runs.cells[name].run.folder: state.metrics for name, state in runs.states.items() if state.metrics}
    with clear_errors():
        write_lines(metrics, runs.project / "data" / "08_reporting")
    click.echo(f"{len(metrics)} of {len(runs.cells)} runs are in data/08_reporting/{FILE}")


@matrix.command()
@click.pass_obj
def commands(runs: Matrix) -> None:
    """Print a command for each run that is left, such as for a cluster's scheduler."""
    for cell in runs.left:
        click.echo(cell.run.command(cell.pipeline))


@matrix.command()
@click.pass_obj
def check(runs: Matrix) -> None:
    """Name the runs that are left; the exit code is 1 where there are any."""
    if runs.left:
        names = ", ".join(cell.name for cell in runs.left)
        raise click.ClickException(f"{len(runs.left)} of {len(runs.cells)} cells are not done: {names}")


def _print_matrix(runs: Matrix) -> None:
    click.echo(cost(runs.cells, runs.states, cpu_speed))
    by_dvc = runs.env in DVC_ENVIRONMENTS
    if runs.left:
        command = "dvc repro --keep-going" if by_dvc else f"kedro matrix --env {runs.env} commands"
        click.echo(f"Run them: {command}")
    for title, block in runs.blocks.items():
        click.echo()
        screen().print(block_table(title, block, runs.states), highlight=False)
    if any(state.kind == "results" for state in runs.states.values()):
        click.echo(f"\n{LEGEND}")
    if by_dvc and read_stage_files(runs.project / STAGES) != stage_files(*runs.of_base()):
        click.secho(f"\n{STAGES} is not that of matrix.yml: kedro matrix write", fg="yellow")
