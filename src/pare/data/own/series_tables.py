"""Series in tables: a series in each row, or a point of a series in each row."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.data.files import FileName
from pare.data.formats.dates import days_since, first_date
from pare.data.formats.delimited_text import UTF_8, Dialect, Words, means_no_value
from pare.data.formats.table_files import find_table, load_frame
from pare.data.own.columns import group_numbers, targets_of
from pare.data.own.lengths import Length, Lengths, channel_values, point_numbers
from pare.data.own.table import load_parts, part_rows
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
        encoding: encoding of text.
        decimal: decimal sign of numbers.
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
        columns: columns of the points.
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


def series_table(
    folder: Path,
    series: str,
    target: str | list[str],
    points: PositiveInt,
    *,
    lengths: Lengths = "padded",
    fill: tuple[float, ...] | None = None,
    time: str | None = None,
    ignore: tuple[str, ...] = (),
    categorical: tuple[str, ...] = (),
    group: str | None = None,
    file: FileName | None = None,
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    encoding: str = UTF_8,
    decimal: Literal[".", ","] = ".",
    missing: Words = (),
) -> dict[str, Samples]:
    """Series of any lengths in a table whose rows are their points; the other columns are the channels.

    Args:
        folder: holds the table.
        series: column that says of which series a row is a point.
        target: the column to predict, or several; it has one value in all rows of a series.
        points: to which series are brought.
        lengths: how, see `Length`.
        fill: what follows shorter series, a value for each channel.
        time: column by which the points of a series are sorted, numbers or dates; by default they are in order.
        ignore: columns to leave out.
        categorical: targets whose numbers are names of classes.
        group: column that says which series belong together, such as those of a patient.
        file: name of the table; by default the only one of the folder, see `load_frame` for its formats.
        delimiter: see the reader `table`, as for the following.
        encoding: encoding of text.
        decimal: decimal sign of numbers.
        missing: words for a missing value.

    Returns:
        ``all``: series ``(rows, channels, points)`` float32 in the order of their first points, and targets as those of
        the reader `table`. Series without a label are dropped.

    Raises:
        PareError: if the file is missing or damaged, a column is unknown, a target or a group changes within a series,
            or a channel has anything but numbers.
    """
    path = find_table(folder, file)
    frame = load_frame(path, Dialect(delimiter, encoding, decimal, missing=missing))
    targets = [target] if isinstance(target, str) else target
    uses = [series, *targets, *ignore, *(name for name in (time, group) if name is not None)]
    for name in [*uses, *categorical]:
        if name not in frame:
            raise unknown_name("column", name, frame.columns, str(path))
    channels = [str(name) for name in frame if name not in uses]
    if not channels:
        raise PareError(f"{path} has no channel: all its columns have another use; leave one of them free")
    found = list(split_series(frame, channels, series, time, str(path)).values())
    firsts = _of_each(frame, series, [*targets, *([group] if group else [])], path)
    labels = targets_of(firsts, targets, path, categorical)
    kept = np.flatnonzero(labels.known)
    x = np.stack([Length(points, lengths, fill)(found[row]) for row in kept])
    groups = None if group is None else group_numbers(firsts[group], path)[kept]
    return {"all": Samples.of_arrays(x, labels.values[kept], columns=channels, classes=labels.classes, groups=groups)}


def split_series(
    frame: pd.DataFrame, channels: Sequence[str], series: str, time: str | None, where: str
) -> dict[str, np.ndarray]:
    """The series of a table by their names, in the order of their first rows.

    Args:
        frame: a table with a point in each row, rows numbered from 0.
        channels: columns of the values.
        series: column that names the series.
        time: column by which points are sorted; None: they are in order.
        where: what messages call the table.

    Returns:
        ``(channels, points)`` float32 each.

    Raises:
        PareError: if a column is missing, a row names no series or has no time, or a value is no number.
    """
    for name in (series, *([time] if time else [])):
        if name not in frame:
            raise unknown_name("column", name, map(str, frame.columns), where)
    codes, names = series_codes(frame[series], where)
    values = channel_values(frame, channels, where)
    order = np.lexsort((np.arange(len(frame)) if time is None else _times(frame[time], where), codes))
    ends = np.cumsum(np.bincount(codes))[:-1]
    return dict(zip(names, np.split(values[:, order], ends, axis=1), strict=True))


def series_codes(column: pd.Series, where: str) -> tuple[np.ndarray, list[str]]:
    """The number of each row's series, ``(rows,)`` from 0, and the names of the series.

    Args:
        column: names the series.
        where: what messages call the table.

    Raises:
        PareError: if a row names no series, or names are numbers and texts.
    """
    codes, found = pd.factorize(column)
    names = [str(name) for name in found]
    if (codes < 0).any():
        row = (codes < 0).argmax() + 1
        raise PareError(f"{where}: column {column.name!r} is empty in row {row}; say there of which series it is")
    if len({*names}) < len(names):
        raise PareError(f"{where}: column {column.name!r} holds a name both as number and as text; write all alike")
    return codes, names


def _times(column: pd.Series, where: str) -> np.ndarray:
    """Numbers by which points are sorted, ``(rows,)``."""
    times = point_numbers(column).to_numpy(np.float64)
    first = first_date(column) if np.isnan(times).any() else None
    times = times if first is None else days_since(column, first, where)
    if np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        raise PareError(
            f"{where}: time {column.name!r} holds {str(column.iloc[row])!r} in row {row + 1}; expected a number or a "
            "date such as 2024-05-31 in each row"
        )
    return times


def _of_each(frame: pd.DataFrame, series: str, columns: Sequence[str], path: Path) -> pd.DataFrame:
    """The one value that each series has in each of the columns, one row for each series."""
    grouped = frame.groupby(series, sort=False)
    for name in columns:
        several = grouped[name].nunique() > 1
        if several.any():
            which = several.idxmax()
            held = ", ".join(map(str, frame.loc[frame[series] == which, name].unique()[:3]))
            raise PareError(
                f"{path}: column {name!r} holds {held} in the rows of series {which}; it must be the same in all rows "
                "of a series"
            )
    return grouped[list(columns)].first().reset_index(drop=True)
