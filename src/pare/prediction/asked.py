"""The model and the new rows that a command asks for, looked at before the seconds that the import of torch takes."""

import json
from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pare.config import PareError, Run
from pare.config.run import MODEL, PREPARATION, WHOLE
from pare.config.schema import ReaderConfig

MAKING = {"train", WHOLE}  # pipelines that make a model
USING = {"predict", "explain", "export"}  # and those that need one
PREDICT = "predict"
QUICK = 2_000_000  # bytes of a table that is read at once; the columns of a larger one are checked when it is predicted


def check_asked(run: Run, pipelines: Collection[str], file: str, models: Path) -> None:
    """Refuse a command whose model or file is missing, or whose file lacks columns.

    Args:
        run: what the command asks for.
        pipelines: names of those that it runs.
        file: with new rows; empty: none is named.
        models: folder of all models.

    Raises:
        PareError: with the command or the columns that are missing.
    """
    if not USING & {*pipelines} or MAKING & {*pipelines}:
        return
    path = named_file(run, file) if file or PREDICT in pipelines else None
    folder = models / run.folder / MODEL
    if not folder.is_dir():
        made = sorted(
            {path.relative_to(models / run.task_name).parts[0] for path in models.glob(f"{run.task_name}/**/{MODEL}")}
        )
        others = f", or name another method; there are models of {', '.join(made)}" if made else ""
        raise PareError(f"{folder} is missing: there is no such model yet; make it: {run.command()}{others}")
    if path and path.is_file() and path.stat().st_size < QUICK:
        _check_table(path, run.task.reader, folder / PREPARATION)


def named_file(run: Run, file: str) -> Path:
    """The file of new rows, relative to the current folder; PareError where none is named, or it is missing."""
    if not file:
        raise PareError(f"name the file with new rows: {run.command(PREDICT, predict='PATH')}")
    from pare.data.origins.own_files import find_path  # noqa: PLC0415 - runs without new rows import nothing of raw files

    return find_path(file, Path.cwd())


def _check_table(path: Path, reader: ReaderConfig, preparation: Path) -> None:
    from pare.data.formats.table_files import check_columns, load_frame  # noqa: PLC0415 - pandas: not for other runs
    from pare.data.registries import open_format  # noqa: PLC0415

    try:
        known: dict[str, Any] = json.loads(preparation.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # the model is not whole, loading it says so
    form = open_format(reader)
    needed = form.needed(SimpleNamespace(**{"columns": None, "points": None} | known))
    if needed:
        check_columns(load_frame(path, form), needed, str(path))
