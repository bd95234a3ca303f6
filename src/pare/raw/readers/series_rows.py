"""Series in one table with a row a series: wide format, as tables of spectra have it."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.raw.file_names import FileName
from pare.raw.formats.delimited_text import UTF_8, Dialect, Words, means_no_value
from pare.raw.readers.columns import group_numbers, targets_of
from pare.raw.readers.lengths import Length, Lengths, point_numbers
from pare.raw.readers.table_parts import load_parts, part_rows
from pare.storage.samples import Samples


def series_rows(
    folder: Path,
    target: str | list[str],
    first: str,
    last: str,
    points: PositiveInt,
    *,
    lengths: Lengths = "padded",
    fill: tuple[float, ...] | None = None,
    ignore: tuple[str, ...] = (),
    categorical: tuple[str, ...] = (),
    group: str | None = None,
    file: FileName | None = None,
    test_file: FileName | None = None,
    header: bool = True,
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    encoding: str = UTF_8,
    decimal: Literal[".", ","] = ".",
    missing: Words = (),
) -> dict[str, Samples]:
    """Series of one channel, each a row of a table: its columns from one to another are the points.

    Args:
        folder: holds the table.
        target: the column to predict, or several.
        first: column of the first point.
        last: column of the last point; between the two, other columns of these options are passed over.
        points: to which series are brought; a row may end in empty columns.
        lengths: how, see `Length`.
        fill: the value that follows shorter series.
        ignore: columns to leave out.
        categorical: targets whose numbers are names of classes.
        group: column that says which series belong together, such as those of a patient.
        file: name of the table; by default the only one of the folder, see `load_frame` for its formats.
        test_file: name of a table of the same columns with the test rows.
        header: whether the first line has the names of the columns; else they are 1, 2, …
        delimiter: see the reader `table`, as for the following.
        encoding: of text.
        decimal: of numbers.
        missing: words for a missing value.

    Returns:
        ``all``, or ``train`` and ``test``: series ``(rows, 1, points)`` float32, and targets as those of the reader
        `table`. Rows without a label are dropped.

    Raises:
        PareError: if the file is missing or damaged, a column is unknown, or a point is no number.
    """
    dialect = Dialect(delimiter, encoding, decimal, header, missing)
    path, frame, said = load_parts(folder, file, test_file, dialect, ignore)
    targets = [target] if isinstance(target, str) else target
    used = [*targets, *ignore, *([group] if group else [])]
    for name in [*used, *categorical]:
        if name not in frame:
            raise unknown_name("column", name, frame.columns, str(path))
    labels = targets_of(frame, targets, path, categorical)
    names = point_columns(frame, first, last, used, str(path))
    found = series_of_rows(frame, names, str(path))
    parts = {"all": labels.known} if said is None else part_rows(said, labels, str(path))
    length, groups = Length(points, lengths, fill), None if group is None else group_numbers(frame[group], path)
    return {
        part: Samples.of_arrays(
            np.stack([length(found[row]) for row in np.flatnonzero(rows)]),
            labels.values[rows],
            classes=labels.classes,
            points=names,
            groups=None if groups is None else groups[rows],
        )
        for part, rows in parts.items()
    }


def point_columns(frame: pd.DataFrame, first: str, last: str, used: Collection[str], where: str) -> list[str]:
    """Names of the columns from the first point to the last one, without those that have another use.

    Args:
        frame: the table, whose columns have texts as names.
        first: column of the first point.
        last: column of the last point.
        used: columns that are no points.
        where: what messages call the table.

    Raises:
        PareError: if one of the two is unknown, or no point is between them.
    """
    names = [str(name) for name in frame]
    for name in (first, last):
        if name not in names:
            raise unknown_name("column", name, names, where)
    columns = [name for name in names[names.index(first) : names.index(last) + 1] if name not in used]
    if not columns:
        raise PareError(
            f"{where}: no point of a series is from column {first!r} to column {last!r}; the reader's options 'first' "
            "and 'last' name those of the first and the last point, in the order of the table"
        )
    return columns


def series_of_rows(frame: pd.DataFrame, columns: list[str], where: str) -> list[np.ndarray]:
    """The series of each row, ``(1, points)`` float32; those of a row end before its last empty columns.

    Args:
        frame: rows numbered from 0.
        columns: of the points.
        where: what messages call the table.

    Raises:
        PareError: if a point is no number, or a row has none.
    """
    held = frame[columns].apply(lambda column: column.notna() & ~means_no_value(column)).to_numpy()
    with np.errstate(over="ignore"):
        values = frame[columns].apply(point_numbers).to_numpy(np.float32)
    ends = np.where(held.any(axis=1), held.shape[1] - held[:, ::-1].argmax(axis=1), 1)
    bad = np.argwhere(~np.isfinite(values) & (np.arange(len(columns)) < ends[:, None]))
    if len(bad):
        row, point = bad[0]
        value = frame[columns[point]].iloc[row]
        found = "no value" if pd.isna(value) else repr(str(value))
        raise PareError(
            f"{where}: column {columns[point]!r} holds {found} in row {row + 1}; each point of a series is a number, "
            "and only the last columns of a row may be empty: fill it in, e.g. by interpolation, or leave the column "
            "out by the reader's option 'ignore'"
        )
    return [series[None, :end] for series, end in zip(values, ends, strict=True)]
