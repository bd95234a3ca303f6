"""Commands of this project: `kedro run` with both spellings of parameters, and `kedro tasks`."""

import errno
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

import click
import numpy as np
from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import CONTEXT_SETTINGS, env_option
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console
from rich.table import Table
from yaml import YAMLError

from pare.arrays.atomic import atomic_path
from pare.config import Library, PareError, Run, Task, resolve
from pare.config.estimate import estimate
from pare.config.page import tasks_page
from pare.config.resolve import default_proxy
from pare.config.schema import OWN_FILES
from pare.hooks import load_library
from pare.settings import CONFIG_LOADER_ARGS

# What a user can mend: our own errors, those about configuration files, and those about names given to Kedro.
MISTAKES = (PareError, MissingConfigException, OmegaConfBaseException, YAMLError)
# What keeps a file from being written, whatever library meets it.
NOT_WRITABLE = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EEXIST", "EISDIR", "ENOTDIR")
    if hasattr(errno, name)
}
KEDRO_CHECKS = ("kedro.config", "kedro.framework.session.session", "kedro.pipeline.pipeline")


class RunCommand(click.Command):
    """`kedro run` that also takes ``--params task:darcy_flow`` and ends in one clear message."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Turn the first colon of each parameter without an equals sign into one (Kedro 1.x dropped it)."""
        with _clear_errors():
            return super().parse_args(ctx, _equals_for_colons(args))

    def invoke(self, ctx: click.Context) -> Any:
        """Run; a mistake of the user's ends without a traceback, and so does Ctrl-C."""
        try:
            with _clear_errors():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            click.secho("\nInterrupted. The same command goes on after the last finished epoch.", err=True)
            ctx.exit(130)


def _equals_for_colons(args: list[str]) -> list[str]:
    result: list[str] = []
    for arg in args:
        flag, sign, value = arg.partition("=")
        if result and result[-1] == "--params":
            result.append(_equals_for_colon_items(arg))
        elif flag == "--params" and sign:
            result.append(f"--params={_equals_for_colon_items(value)}")
        else:
            result.append(arg)
    return result


def _equals_for_colon_items(text: str) -> str:
    return ",".join(item if "=" in item else item.replace(":", "=", 1) for item in text.split(","))


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Show a mistake of the user's as a message of the command line, without a traceback."""
    try:
        yield
    except Exception as error:
        mistake = _user_mistake(error)
        if mistake is None:
            raise
        raise click.ClickException(str(mistake)) from None


def _user_mistake(error: BaseException) -> BaseException | None:
    """The mistake that an error was caused by; Kedro wraps those that its datasets raise."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MISTAKES):
            return cause
        if isinstance(cause, OSError) and cause.errno in NOT_WRITABLE:
            return PareError(
                f"cannot write {cause.filename or 'a file'} ({cause.strerror}); "
                "give this user write permission or free space there"
            )
        cause = cause.__cause__ or cause.__context__
    return error if isinstance(error, ValueError) and _module_that_raised(error).startswith(KEDRO_CHECKS) else None


def _module_that_raised(error: BaseException) -> str:
    *_, (frame, _) = walk_tb(error.__traceback__)
    return str(frame.f_globals["__name__"])


run = RunCommand(
    name="run",
    params=kedro_run.params,
    callback=kedro_run.callback,
    help=f"""{kedro_run.help}

    \b
    Examples:
      kedro run --pipeline=pare_train --params task:darcy_flow
      kedro run --params task=openml_wdbc,method=finetune,seed=1,training.epochs=10
    `kedro tasks` lists the tasks, `kedro tasks show TASK` what a run of it would do.""",
)


@click.group(context_settings=CONTEXT_SETTINGS, name="pare")
def cli() -> None:
    """Commands of the PaRe project."""


cli.add_command(run)


@cli.group(invoke_without_command=True)
@env_option
@click.pass_context
def tasks(ctx: click.Context, env: str | None) -> None:
    """List the tasks; `kedro tasks show NAME` shows one in full."""
    project: Path = ctx.obj.project_path  # Kedro hands its commands the project's metadata
    ctx.obj = _config_loader(project, env)
    if ctx.invoked_subcommand is None:
        with _clear_errors():
            _print_tasks(load_library(ctx.obj), project / "data" / "01_raw")


@cli.command()
@env_option
@click.pass_context
def methods(ctx: click.Context, env: str | None) -> None:
    """List the methods, where the paper has them, and what each of them changes."""
    with _clear_errors():
        library = load_library(_config_loader(ctx.obj.project_path, env))
        table = Table("method", "title", "in the paper", "choices", box=None, header_style="bold")
        for name in library.methods:
            method = library.method(name)
            chosen = method.model_dump(exclude_unset=True, exclude={"title", "paper", "description"})
            table.add_row(name, method.title, method.paper, _choices(chosen))
        _console().print(table, highlight=False)
    click.echo("\nRun one: kedro run --pipeline=pare_train --params task=TASK,method=METHOD")


def _choices(chosen: dict[str, Any]) -> str:
    """Settings as one would write them on the command line."""
    flat = {
        f"{section}.{key}" if key else section: value
        for section, values in chosen.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    }
    return ", ".join(f"{key}={value}" for key, value in flat.items())


def _parse_params(ctx: click.Context, option: click.Parameter, text: str) -> dict[str, Any]:
    """Read ``--params`` as `kedro run` does."""
    parse = next(p.callback for p in kedro_run.params if p.name == "params")
    return dict(parse(ctx, option, _equals_for_colon_items(text))) if parse and text else {}


@tasks.command(context_settings={"max_content_width": 110})
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--target", multiple=True, metavar="NAME", help="Column, or key of an array, to predict; repeatable.")
@click.option(
    "--input", "input_name", metavar="NAME", help="Key of the array to predict from, where there are several."
)
@click.option("--groups", metavar="NAME", help="Column, or key of an array, that says which rows belong together.")
@click.option("--ignore", multiple=True, metavar="NAME", help="Column to leave out, such as a row number; repeatable.")
@click.option("--channels", type=click.Choice(["first", "last", "none"]), help="Where the channels of an array stand.")
@click.option("--name", metavar="NAME", help="Name of the task; by default that of the first file.")
@click.pass_obj
def new(
    loader: OmegaConfigLoader,
    *,
    paths: tuple[Path, ...],
    target: tuple[str, ...],
    input_name: str | None,
    groups: str | None,
    ignore: tuple[str, ...],
    channels: str | None,
    name: str | None,
) -> None:
    """Make a task of your own files: look into them and write conf/local/tasks/NAME.yml, ready to run and to edit.

    PATH is a table with a row a sample (.csv, .parquet, .arff), a file of arrays whose first axis is the samples
    (.npz, .h5, or several .npy), or a folder of images that stand in folders named after their classes. The files stay
    where they are.

    \b
    Examples:
      kedro tasks new wine.csv --target cultivar
      kedro tasks new visits.csv --target survived --groups patient --ignore row_number
      kedro tasks new beats.npz --target label --groups person
      kedro tasks new signals.npy labels.npy --target labels.npy --channels last
      kedro tasks new plates.h5 --input load --target stress
      kedro tasks new photos/ --name birds
    """
    from pare.raw.inspection import Question, inspect_files  # noqa: PLC0415 - slow to import
    from pare.raw.own_files import find_path  # noqa: PLC0415
    from pare.raw.task_file import task_name, task_yaml  # noqa: PLC0415

    with _clear_errors():
        project = Path(loader.conf_source).parent
        files = [find_path(str(path), Path.cwd()) for path in paths]
        chosen = task_name(name, files[0].stem)
        file = project / "conf" / "local" / "tasks" / f"{chosen}.yml"
        if file.exists() or chosen in load_library(loader).tasks:
            where = (
                f"stands in {_shown(file, Path.cwd())}" if file.exists() else "is one of those listed by `kedro tasks`"
            )
            raise PareError(f"task {chosen!r} {where}; choose another name: --name NAME, or remove it there")
        found = inspect_files(files, Question(target, input_name, groups, ignore, channels))
        text = task_yaml(chosen, [_shown(path, project) for path in files], found)
        with atomic_path(file) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
        task = load_library(loader).task(chosen)
    rows = ", ".join(f"{count} {part if part != 'all' else 'rows'}" for part, count in found.rows.items())
    click.echo(f"{chosen}: {rows}; input {'×'.join(map(str, task.input.shape))}, prediction {_prediction(task)}.")
    for key, note in found.notes.items():
        click.echo(f"  {key}: {found.options[key]} ({note})")
    click.echo(f"Written to {_shown(file, Path.cwd())}. Look at it, then run it:")
    click.echo(f"  kedro run --pipeline=pare_train --params task:{chosen}")


def _shown(path: Path, folder: Path) -> str:
    """A path as a user reads it: relative to a folder that it lies in."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


@tasks.command()
@click.pass_obj
def page(loader: OmegaConfigLoader) -> None:
    """Print the page of all tasks of the paper as Markdown: kedro tasks page > docs/tasks.md."""
    with _clear_errors():
        click.echo(tasks_page(load_library(loader)), nl=False)


@tasks.command()
@click.argument("name")
@click.option(
    "--params", default="", callback=_parse_params, help="as for `kedro run`, e.g. method=finetune,training.epochs=3"
)
@click.pass_obj
def show(loader: OmegaConfigLoader, name: str, params: dict[str, Any]) -> None:
    """Show task NAME: its data card, the run it resolves to, and what that will cost."""
    with _clear_errors():
        overrides = params | {"task": name}
        loader.runtime_params = overrides
        resolved = resolve(load_library(loader), loader["parameters"], overrides)
        _print_card(resolved)


def _config_loader(project: Path, env: str | None) -> OmegaConfigLoader:
    return OmegaConfigLoader(conf_source=str(project / "conf"), env=env, **CONFIG_LOADER_ARGS)  # type: ignore[arg-type]


def _print_tasks(library: Library, raw: Path) -> None:
    table = Table("task", "suite", "input", "prediction", "metric", "source", "files", box=None, header_style="bold")
    for name in sorted(library.tasks):
        task = library.task(name)
        shape = "×".join(map(str, task.input.shape))
        table.add_row(
            name,
            task.suite,
            shape,
            _prediction(task),
            task.metric,
            task.source,
            _readiness(task, library, raw / name),
        )
    _console().print(table)
    click.echo(
        "\n`kedro tasks show TASK` shows one in full; run it: kedro run --pipeline=pare_train --params task:TASK"
    )


def _prediction(task: Task) -> str:
    shape = "×".join(map(str, task.output.shape))
    kinds = {"classification": "classes", "multilabel": "labels", "regression": "number" if shape == "1" else "numbers"}
    return f"field {shape}" if task.output.kind == "dense" else f"{shape} {kinds[task.output.kind]}"


def _readiness(task: Task, library: Library, folder: Path) -> str:
    """Where the files that the task needs come from."""
    if _is_here(task, folder):
        files = "here"
    elif task.raw.chosen.needs_network:
        files = "need network"
    else:
        files = "simulated offline" if task.raw.chosen.simulated else "offline"
        files = "your own" if task.raw.origin == OWN_FILES else files
    source = library.source(task.source)
    proxy = library.proxy(default_proxy(task.source, source, task))
    if source.encoder.needs_network or proxy.raw.needs_network:
        files += ", source needs network"
    return files


def _is_here(task: Task, folder: Path) -> bool:
    """Whether the task's own files were brought already, and in the way that the configuration says now."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text()) if path.is_file() else {}
    return (manifest.get("origin"), manifest.get("options")) == (task.raw.origin, task.raw.chosen.options)


def _console() -> Console:
    """As wide as the terminal; wide enough for the tables where the output goes elsewhere."""
    return Console(width=None if sys.stdout.isatty() else 140)


def _print_card(run: Run) -> None:
    task, raw, console = run.task, run.task.raw.chosen, _console()
    console.print(f"[bold]{run.task_name}[/]: {task.title} ({task.suite})", highlight=False)
    if task.description:
        console.print(task.description, highlight=False)
    grid = "×".join(map(str, task.grid))
    facts = {
        "input": f"{'×'.join(map(str, task.input.shape))} {' '.join(task.input.channels)}",
        "prediction": f"{_prediction(task)} {task.output.name}",
        "rows": ", ".join(f"{n} {part}" for part, n in task.samples.items()),
        "raw files": f"{raw.origin}{' (simulated)' if raw.simulated else ''}, {raw.url or 'no page'}",
        "licence": raw.licence,
        "tokens": f"{grid}, one per {task.tokens.kind}",
        "loss, metric": f"{task.loss}, {task.metric}",
        "source": f"{run.source_name}: {run.source.title}",
        "proxy": f"{run.proxy_name}: {run.proxy.title}",
        "method": f"{run.method_name}: {run.method.title}",
        "protocol, seed": f"{run.protocol}, {run.seed}",
        "paper": ", ".join(f"{method} {value:g}" for method, value in task.paper.items()) or "no figure",
    }
    card = Table(box=None, show_header=False)
    for name, value in facts.items():
        card.add_row(name, value.strip())
    console.print(card, highlight=False)
    settings = Table("hyperparameter", "value", "from", box=None, header_style="bold")
    for section, values in (("training", run.training), ("mixing", run.mixing)):
        for key, value in (values.model_dump() if values else {}).items():
            settings.add_row(f"{section}.{key}", f"{value}", run.provenance.get(f"{section}.{key}", "schema"))
    console.print(settings, highlight=False)
    console.print(f"\nOn this machine's CPU: {estimate(run, _matrix_speed())}.", highlight=False)


def _matrix_speed() -> float:
    """Floating-point operations per second of a matrix product in float32."""
    a = np.ones((1536, 1536), dtype=np.float32)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return 2 * len(a) ** 3 / min(seconds)
