"""Series in one table with a row a point: long format."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.raw.file_names import FileName
from pare.raw.formats.dates import days_since, first_date
from pare.raw.formats.delimited_text import UTF_8, Dialect, Words
from pare.raw.formats.table_files import find_table, load_frame
from pare.raw.readers.columns import group_numbers, targets_of
from pare.raw.readers.lengths import Length, Lengths, channel_values, point_numbers
from pare.storage.samples import Samples


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
        encoding: of text.
        decimal: of numbers.
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
        frame: with a row a point, rows numbered from 0.
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
    """Of which series each row is, ``(rows,)`` counted from 0, and the names of the series.

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
    """The one value that each series has in each of the columns, a row a series."""
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
