"""`kedro tasks new`: a task made of your own files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pare.cli.common import prediction_text, resolved_run, speed_of_cpu
from pare.config import PareError
from pare.config.errors import unknown_name
from pare.config.estimate import Estimate, estimate
from pare.config.words import counted
from pare.config_loader import RunConfigLoader, load_library
from pare.data.files import plain_stem
from pare.storage.atomic import atomic_path

if TYPE_CHECKING:
    from pare.data.own.findings import Inspection

LONG_SECONDS, LARGE_MB = 600, 4096  # from which on the cost of a run is announced at once


@click.command(context_settings={"max_content_width": 110})
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--target", multiple=True, metavar="NAME", help="Column, or key of an array, to predict; repeatable.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME",
    help="Key of the one array to predict from, where there are several.",
)
@click.option("--groups", metavar="NAME", help="Column, or key of an array, that says which rows belong together.")
@click.option("--ordered", is_flag=True, help="Rows are in the order of time: the last ones are the test part.")
@click.option("--series", metavar="NAME", help="Column that names the series of each row, where a row is one point.")
@click.option("--time", metavar="NAME", help="Column that sorts the points of a series; else they are in order.")
@click.option("--wide", is_flag=True, help="Each row of the table is a series: its columns, in order, are the points.")
@click.option("--ignore", multiple=True, metavar="NAME", help="Column to leave out, such as a row number; repeatable.")
@click.option(
    "--categorical",
    multiple=True,
    metavar="NAME",
    help="Column whose values, perhaps numbers, name categories; repeatable.",
)
@click.option(
    "--missing", multiple=True, metavar="WORD", help="Missing value in every column, such as NA or -999; repeatable."
)
@click.option(
    "--thousands",
    type=click.Choice([".", ",", "none"]),
    help="What separates thousands in numbers such as 1.234; none: that is a decimal. Found where it is certain.",
)
@click.option(
    "--channels",
    "channel_axis",
    type=click.Choice(["first", "last", "none"]),
    help="Axis of an array with the channels.",
)
@click.option(
    "--encoding", metavar="NAME", help="Of a table of text that is neither UTF-8 nor marked UTF-16, e.g. latin-1."
)
@click.option(
    "--dates",
    "date_order",
    type=click.Choice(["day_first", "month_first"]),
    help="Order in dates such as 03/12/2024 or 03-12-2024; found where a number is above 12.",
)
@click.option("--metric", metavar="NAME", help="What the task is measured by, e.g. auroc_ovo where a class is rare.")
@click.option("--name", metavar="NAME", help="Name of the task; by default that of the first file.")
@click.option("--force", is_flag=True, help="Replace the file of a task that was made by this command.")
@click.pass_obj
def new(
    loader: RunConfigLoader,
    *,
    paths: tuple[Path, ...],
    inputs: tuple[str, ...],
    metric: str | None,
    name: str | None,
    force: bool,
    **said: Any,
) -> None:
    """Make a task of your own files: look into them and write conf/local/tasks/NAME.yml, ready to run and to edit.

    PATH is a table whose rows are samples, series, or points of series, or two, of training and test rows, a file of
    arrays whose first axis is the samples, several such as x.npy and y.npy, or a folder of them, a folder of images,
    sounds or tables of series in folders named after their classes, and more: docs/task_file.md. The files stay where
    they are.

    \b
    Examples:
      kedro tasks new wine.csv --target cultivar
      kedro tasks new wine_train.csv wine_test.csv --target cultivar
      kedro tasks new visits.csv --target survived --groups patient --ignore row_number
      kedro tasks new walks.csv --series walk --target gait
      kedro tasks new spectra.csv --wide --target protein
      kedro tasks new GunPoint_TRAIN.ts GunPoint_TEST.ts
      kedro tasks new demand.csv --ordered --target megawatts
      kedro tasks new mnist.npz
      kedro tasks new beats.npz --target label --groups person
      kedro tasks new signals.npy labels.npy --target labels.npy --channels last
      kedro tasks new plates.h5 --input load --target stress
      kedro tasks new plates/ --target stress
      kedro tasks new photos/ --name birds
      kedro tasks new clips/ labels.csv --target kind
    """
    from pare.data.files import train_and_test  # noqa: PLC0415
    from pare.data.origins.own_files import find_path  # noqa: PLC0415
    from pare.data.own.findings import Question  # noqa: PLC0415 - slow to import
    from pare.data.own.look import format_of, inner_paths, inspect_files  # noqa: PLC0415 - slow to import
    from pare.data.own.task_file import all_remarks, task_name, task_yaml  # noqa: PLC0415

    project = Path(loader.conf_source).parent
    files = [find_path(str(path), Path.cwd()) for path in paths]
    files = list(train_and_test(files).values()) or files
    chosen = task_name(name, plain_stem(files[0]))
    files = inner_paths(files)
    question = Question(input=_only_input(inputs), **said)
    format_of(files, question)  # a file that holds no data is refused first
    file = project / "conf" / "local" / "tasks" / f"{chosen}.yml"
    replaced = _replaced(file, loader, force=force)
    found = inspect_files(files, question)
    if metric is not None:
        _check_metric(metric, found)
    text = task_yaml(chosen, [_shown(path, project) for path in files], found, metric)
    with atomic_path(file) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    try:
        resolved = resolved_run(loader, {"task": chosen})
    except Exception:  # no run could be made of it
        file.unlink() if replaced is None else file.write_bytes(replaced)
        raise
    task = resolved.task
    rows = ", ".join(f"{count} {part if part != 'all' else 'rows'}" for part, count in found.rows.items())
    click.echo(f"{chosen}: {rows}; input {'×'.join(map(str, task.input.shape))}, prediction {prediction_text(task)}.")
    if found.unlabelled:
        click.echo(f"  {counted(found.unlabelled, 'row')} without {found.output_name} left out.")
    for key, note in found.notes.items():
        value = found.options[key]
        click.echo(f"  {key}: {repr(value) if str(value).isspace() else value} ({note})")
    if found.symmetries:
        names = ", ".join(found.symmetries)
        click.echo(f"  training.symmetries: {names} (the grid looks periodic and alike everywhere; else none)")
    for remark in filter(None, (*all_remarks(found, task), _high_cost(estimate(resolved, speed_of_cpu(resolved))))):
        click.echo(f"  {remark}")
    click.echo(f"Written to {_shown(file, Path.cwd())}. Look at it, then run it:")
    click.echo(f"  kedro run --params task={chosen},method=choose    # the best of several methods")
    click.echo(f"  kedro run --params task={chosen}    # PaRe alone")


def _replaced(file: Path, loader: RunConfigLoader, *, force: bool) -> bytes | None:
    """The content of the task's file that may be replaced, None where there is none; PareError if the name is taken."""
    if file.exists() and not force:
        raise PareError(
            f"task {file.stem!r} is in {_shown(file, Path.cwd())}; replace it: --force, or choose another name: --name "
            "NAME"
        )
    if file.exists():
        return file.read_bytes()
    if file.stem in load_library(loader).tasks:
        raise PareError(f"task {file.stem!r} is one of those listed by `kedro tasks`; choose another name: --name NAME")
    return None


def _only_input(names: Sequence[str]) -> str | None:
    """The array that was named, if any; PareError where there are several, of which click would keep the last."""
    if len(names) > 1:
        raise PareError(
            f"expected one --input, found {len(names)}: {', '.join(names)}. Put these fields into one array with an "
            "axis for the channels, such as np.stack([a, b], axis=1), save it with the target, and name that one"
        )
    return names[0] if names else None


def _check_metric(name: str, found: "Inspection") -> None:
    """Refuse a metric that does not suit what is predicted; PareError with those that do."""
    from pare.evaluation.metrics import METRICS  # noqa: PLC0415 - imports torch

    suited = [other for other, spec in METRICS.items() if found.kind in spec.kinds]
    if name not in suited:
        raise unknown_name(f"metric for {found.kind}", name, suited, "docs/task_file.md")
    if found.zero_fields and METRICS[name].relative:
        raise PareError(
            f"metric {name} is a share of the field to predict, which is zero everywhere in {found.zero_fields} of "
            f"{sum(found.rows.values())} rows; say --metric rmse, or leave such rows out of the file"
        )


def _high_cost(cost: Estimate) -> str | None:
    """What to say of a run that takes long or much memory."""
    if cost.seconds <= LONG_SECONDS and cost.memory_mb <= LARGE_MB:
        return None
    return (
        f"The run below is large for this machine's CPU: {cost}.{cost.shorter} Less is minutes=10 or method=probe "
        "in --params, or in the file fewer columns (ignore), fewer samples or larger patches."
    )


def _shown(path: Path, folder: Path) -> str:
    """A path as a user reads it: relative to a folder that it lies in."""
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
