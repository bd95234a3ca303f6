"""New samples without an answer, read as the reader of a user's files reads those with one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.config.schema import ReaderConfig
from pare.raw.formats.array_files import open_arrays
from pare.raw.formats.table_files import load_frame, present_text
from pare.raw.readers.arrays import check_input, input_rows
from pare.raw.readers.image_folder import image_paths, image_reader
from pare.storage.samples import Samples


@dataclass(frozen=True)
class NewRows:
    """Inputs to predict from.

    Attributes:
        names: of the rows: file names of images, else numbers from 0.
        read: ``read(start, stop)`` returns rows start to stop - 1, ``(rows, …)`` float32, as the reader would.
    """

    names: list[str]
    read: Callable[[int, int], np.ndarray]


def open_new_rows(path: Path, reader: ReaderConfig, known: Samples) -> NewRows:
    """Open a file of new rows.

    Args:
        path: a table with the features of the task's own, a file with the array ``x``, an image, or a folder of images.
        reader: of the task.
        known: samples with an answer, as that reader gives them; a category of a table gets the code it has there.

    Raises:
        PareError: if the file is damaged, or lacks a column or the array; if the reader is one of published files.
    """
    if reader.name not in OPENERS:
        raise PareError(
            f"reader {reader.name!r} is for published files; new rows are read for tasks with the readers "
            f"{', '.join(OPENERS)}"
        )
    return OPENERS[reader.name](path, reader.options, known)


def _open_table(path: Path, options: dict[str, Any], known: Samples) -> NewRows:
    frame = load_frame(path, options.get("delimiter", ","))
    columns = known.columns or []
    for name in columns:
        if name not in frame:
            raise unknown_name("column", name, frame.columns, f"{path}, which must have the task's columns")
    categories = known.categories or [None] * len(columns)
    x = np.stack([_column(frame[name], levels, path) for name, levels in zip(columns, categories, strict=True)], axis=1)
    return NewRows([str(i) for i in range(len(x))], lambda start, stop: x[start:stop])


def _column(column: pd.Series, levels: list[str] | None, path: Path) -> np.ndarray:
    """Numbers, or codes of categories; an unknown category counts as missing, ``(rows,)`` float32."""
    text = present_text(column)
    if levels is None:
        values = pd.to_numeric(text, errors="coerce")
        if values.isna().any():
            wrong = text[values.isna()]
            where = f"{path}: column {column.name!r}"
            raise PareError(f"{where} holds {wrong.iloc[0]!r} in row {wrong.index[0]}; expected a number")
    else:
        codes = {_plain(level): code for code, level in enumerate(levels)}
        values = text.map(lambda level: codes.get(_plain(level), np.nan))
    return values.reindex(column.index).to_numpy(np.float32)


def _plain(level: str) -> str | float:
    """The number that a category is written as, so that 1 and 1.0 are one, or its text."""
    try:
        return float(level)
    except ValueError:
        return level


def _open_arrays(path: Path, options: dict[str, Any], known: Samples) -> NewRows:
    stored = open_arrays(path)
    names = [part["x"] for part in options["parts"].values()]
    found = [stored[name] for name in names if name in stored] or list(stored.values())
    if len(found) != 1 and names[0] not in stored:
        raise unknown_name("array", names[0], stored, str(path))
    axis = options.get("channel_axis", "first")
    check_input(found[0], axis)
    return NewRows([str(i) for i in range(found[0].shape[0])], input_rows(found[0], axis))


def _open_images(path: Path, options: dict[str, Any], known: Samples) -> NewRows:
    paths = image_paths(path) if path.is_dir() else [path]
    size = options.get("size")
    read = image_reader((size, size) if isinstance(size, int) else size, colour=options.get("colour", True))
    return NewRows([p.name for p in paths], lambda start, stop: read(paths[start:stop]))


OPENERS: dict[str, Callable[[Path, dict[str, Any], Samples], NewRows]] = {
    "arrays": _open_arrays,
    "image_folder": _open_images,
    "table": _open_table,
}
