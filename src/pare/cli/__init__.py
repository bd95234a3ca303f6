"""Commands of this project: `kedro run`, `kedro tasks`, `kedro methods` and `kedro matrix`."""

import click
from kedro.framework.cli.utils import CONTEXT_SETTINGS

from pare.cli.matrix_commands import matrix
from pare.cli.method_commands import methods
from pare.cli.run_command import run
from pare.cli.task_commands import tasks

__all__ = ["cli", "run"]  # the names that Kedro looks for


@click.group(context_settings=CONTEXT_SETTINGS, name="pare")
def cli() -> None:
    """Commands of the PaRe project."""


for command in (run, tasks, methods, matrix):
    cli.add_command(command)
