"""`kedro tasks` and `kedro methods`: what can be learnt, and how."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import env_option
from rich.table import Table

from pare.cli.common import Commands, clear_errors, config_loader, prediction_text, resolved_run, screen
from pare.cli.new_task_command import new
from pare.cli.run_command import parse_params
from pare.cli.task_card import print_card
from pare.cli.verify_command import verify
from pare.config import Library, Task
from pare.config.errors import unknown_name
from pare.config.estimate import DEVICES
from pare.config.raw import OWN_FILES
from pare.config.resolve import default_proxy, own_source
from pare.config.schema import LearnerConfig
from pare.config_loader import RunConfigLoader, load_library
from pare.data.origins.manifest import read_manifest, same_request
from pare.data.registries import find_origin

NETWORK = "network"
NOT_CHOSEN = {"title", "paper", "description", "library", "network", "candidates", "rows"}  # keys that no command sets


@click.group(cls=Commands, invoke_without_command=True)
@env_option
@click.option("--own", is_flag=True, help="Only those of your own files.")
@click.option("--offline", is_flag=True, help="Only those that need no network.")
@click.option("--suite", metavar="NAME", help="Only those of a suite, e.g. PDEBench.")
@click.pass_context
def tasks(ctx: click.Context, env: str | None, *, own: bool, offline: bool, suite: str | None) -> None:
    """List the tasks, show one in full, or make one of your own files: `kedro tasks new`."""
    project: Path = ctx.obj.project_path  # Kedro hands its commands the project's metadata
    ctx.obj = config_loader(project, env)
    if ctx.invoked_subcommand is None:
        library, raw = load_library(ctx.obj), project / "data" / "01_raw"
        names = [name for name in sorted(library.tasks) if not own or library.task(name).raw.origin == OWN_FILES]
        listed = [_listed(name, library, raw) for name in names]
        suites = {library.task(name).suite for name in library.tasks}
        if suite and suite not in suites:
            raise unknown_name("suite", suite, suites, "`kedro tasks`")
        _print_tasks([t for t in listed if suite in (None, t["suite"]) and not (offline and NETWORK in t["files"])])


tasks.add_command(new)
tasks.add_command(verify)


@tasks.command()
@click.argument("name")
@click.option(
    "--params", multiple=True, callback=parse_params, help="as for `kedro run`, e.g. method=finetune,training.epochs=3"
)
@click.option("--device", type=click.Choice([*DEVICES]), help="Time on this accelerator, by its data sheet.")
@click.pass_obj
def show(loader: RunConfigLoader, name: str, params: dict[str, Any], device: str | None) -> None:
    """Show task NAME: its data card, the run it resolves to, and what that will cost."""
    run = resolved_run(loader, params | {"task": name})
    path = Path(loader.conf_source).parent / "data" / "05_model_input" / f"{run.places['model_input']}.h5"
    print_card(run, _equal_rows(path) if path.is_file() else [], device)


def _equal_rows(path: Path) -> Sequence[str]:
    """Sentences on equal rows of a model input."""
    from pare.storage.samples import Repeats  # noqa: PLC0415
    from pare.storage.store import ArrayStore  # noqa: PLC0415

    repeats = ArrayStore(path).repeats
    return Repeats(**repeats).sentences() if repeats else []


def _listed(name: str, library: Library, raw: Path) -> dict[str, str]:
    """A task as the list shows it, by column."""
    task = library.task(name)
    return {
        "task": name,
        "suite": task.suite,
        "input": "×".join(map(str, task.input.shape)),
        "prediction": prediction_text(task),
        "metric": task.metric,
        "source": own_source(task, library.start_of(task.kind)),
        "files": _readiness(task, library, raw / library.raw_place("tasks", name)),
    }


def _print_tasks(listed: Sequence[dict[str, str]]) -> None:
    if listed:
        table = Table(*listed[0], box=None, header_style="bold")
        for task in listed:
            table.add_row(*task.values())
        screen().print(table)
    else:
        click.echo("There is no such task; `kedro tasks new FILE --target NAME` makes one of your own files.")
    click.echo("\n`kedro tasks show TASK` shows one in full; run it: kedro run --params task=TASK")


def _readiness(task: Task, library: Library, folder: Path) -> str:
    """Where the files that the task needs come from."""
    if _is_here(task, folder):
        files = "here"
    elif find_origin(task.raw.origin).needs_network:
        files = f"need {NETWORK}"
    else:
        files = "simulated offline" if task.raw.active.simulated else "offline"
        files = "your own" if task.raw.origin == OWN_FILES else files
    name = own_source(task, library.start_of(task.kind))
    source = library.source(name)
    proxy = library.proxy(default_proxy(name, source, task, name))
    if any(find_origin(raw.origin).needs_network for raw in (source.encoder, proxy.raw)):
        files += f", source needs {NETWORK}"
    return files


def _is_here(task: Task, folder: Path) -> bool:
    """Whether the task's own files were brought already, and in the way that the configuration says now."""
    manifest = read_manifest(folder)
    return manifest is not None and same_request(manifest, task.raw.active)


@click.command()
@env_option
@click.pass_context
def methods(ctx: click.Context, env: str | None) -> None:
    """List what learns a task, where the paper has it, and what each of them chooses."""
    with clear_errors():
        library = load_library(config_loader(ctx.obj.project_path, env))
        table = Table("method", "title", "in the paper", "choices", box=None, header_style="bold")
        for name in library.learners:
            learner = library.learner(name)
            table.add_row(name, learner.title, learner.paper, _choices(learner))
        screen().print(table, highlight=False)
    click.echo("\nRun one: kedro run --params task=TASK,method=METHOD")


def _choices(learner: LearnerConfig) -> str:
    """Settings as one would write them on the command line."""
    chosen = learner.model_dump(exclude_unset=True, exclude=NOT_CHOSEN)
    flat = {
        f"{section}.{key}" if key else section: value
        for section, values in chosen.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    }
    return ", ".join(f"{key}={value}" for key, value in flat.items())
