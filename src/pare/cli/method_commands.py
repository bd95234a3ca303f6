"""`kedro methods`: the methods and the external baselines."""

from typing import Any

import click
from kedro.framework.cli.utils import env_option
from rich.table import Table

from pare.cli.common import clear_errors, config_loader, screen
from pare.config_loader import load_library


@click.command()
@env_option
@click.pass_context
def methods(ctx: click.Context, env: str | None) -> None:
    """List the methods and the baselines, where the paper has them, and what each of them chooses."""
    with clear_errors():
        library = load_library(config_loader(ctx.obj.project_path, env))
        table = Table("method", "title", "in the paper", "choices", box=None, header_style="bold")
        for name in library.methods:
            method = library.method(name)
            chosen = method.model_dump(exclude_unset=True, exclude={"title", "paper", "description"})
            table.add_row(name, method.title, method.paper, _choices(chosen))
        screen().print(table, highlight=False)
        click.echo("\nRun one: kedro run --pipelines=pare_train --params task=TASK,method=METHOD\n")
        table = Table("baseline", "title", "in the paper", "choices", box=None, header_style="bold")
        for name in library.baselines:
            baseline = library.baseline(name)
            table.add_row(name, baseline.title, baseline.paper, _choices({"options": baseline.options}))
        screen().print(table, highlight=False)
    click.echo("\nRun one: kedro run --pipelines=baseline --params task=TASK,method=BASELINE")


def _choices(chosen: dict[str, Any]) -> str:
    """Settings as one would write them on the command line."""
    flat = {
        f"{section}.{key}" if key else section: value
        for section, values in chosen.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    }
    return ", ".join(f"{key}={value}" for key, value in flat.items())
