"""Commands of this project: `kedro run`, `kedro tasks`, `kedro methods`, `kedro matrix` and `kedro paper`."""

from importlib import import_module
from typing import cast

import click
from kedro.framework.cli.utils import CONTEXT_SETTINGS

from pare.cli.common import together_error
from pare.cli.run_command import run
from pare.config.ranks import ranks

__all__ = ["cli", "run"]  # the names that Kedro looks for
OTHERS = {
    "matrix": "pare.cli.matrix_commands",
    "methods": "pare.cli.task_commands",
    "paper": "pare.paper.commands",
    "tasks": "pare.cli.task_commands",
}


class LazyGroup(click.Group):
    """Commands that are imported when they are called: most of the time of a start goes into imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted([*super().list_commands(ctx), *OTHERS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported if it is not `run`."""
        if cmd_name in OTHERS:
            if ranks() > 1:
                raise click.ClickException(str(together_error()))
            module = import_module(OTHERS[cmd_name])
            return cast(click.Command, getattr(module, cmd_name))
        return super().get_command(ctx, cmd_name)


@click.group(cls=LazyGroup, context_settings=CONTEXT_SETTINGS, name="pare")
def cli() -> None:
    """Commands of the PaRe project."""


cli.add_command(run)
