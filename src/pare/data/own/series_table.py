"""Series in a table with a point of a series in each row."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.data.formats.dates import DAY, all_times
from pare.data.formats.delimited_text import Dialect
from pare.data.formats.table_files import find_table, load_frame
from pare.data.own.arrays import prepared
from pare.data.own.column_remarks import nameless_columns
from pare.data.own.columns import named_codes
from pare.data.own.findings import Inspection, Question, need_target
from pare.data.own.format import Format, Known, NewRows
from pare.data.own.lengths import LEFT_OUT, Lengths, channel_columns, channel_values, point_numbers, proposed_lengths
from pare.data.own.table_findings import column_options, detected, inspection_of_table, written
from pare.data.own.table_options import Columns, given_frame
from pare.storage.samples import Samples

UNEVEN = 1.5  # the longest step of time in the shortest, from which on it is told


class SeriesTable(Columns, Dialect, Lengths, Format):
    """Series of any lengths in a table whose rows are their points; the other columns are the channels.

    Inputs are ``(rows, channels, points)`` float32 in the order of their first points, targets as those of `Table`. A
    target and a group have one value in all rows of a series. Series without a label are dropped.

    Attributes:
        series: column that says of which series a row is a point.
        time: column by which the points of a series are sorted, numbers or dates; None: they are in order.
    """

    name: ClassVar = "series_table"
    files: ClassVar = "one table with a point of a series in each row (--series)"
    series: str
    time: str | None = None

    @classmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:  # noqa: D102 - see Format
        return bool(question.series) and not question.wide and len(paths) == 1 and paths[0].is_file()

    @classmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:  # noqa: D102
        (path,), (dialect, of_file) = paths, written(paths, question)
        frame = load_frame(path, Dialect(**dialect))
        need_target(question, frame, path.name)
        if question.series not in frame:
            raise unknown_name("column", str(question.series), frame.columns, path.name)
        codes, names = named_codes(frame[question.series], path.name)
        said = {question.series, question.time, question.groups, *question.target, *question.ignore}
        free = frame.drop(columns=[name for name in said if name in frame])
        nameless, of_nameless = nameless_columns(free, frame)
        remarks = [*of_file, *of_nameless]
        _, left_out, means = channel_columns(free.drop(columns=nameless), codes)
        lengths, notes = proposed_lengths(np.bincount(codes), means)
        options = {"series": question.series, **lengths, **({"time": question.time} if question.time else {})}
        options |= column_options(question, [*nameless, *left_out]) | dialect
        notes |= detected(options) | {"series": "a row is a point of the series that this column names"}
        if question.time in frame and (uneven := _uneven(frame[question.time], codes, path.name)):
            remarks = [*remarks, uneven]
        if left_out:
            notes["ignore"] = f"{', '.join(left_out)}: {LEFT_OUT}; --time NAME sorts by such a column"
        return inspection_of_table(cls, options, question, paths, rows=len(names), notes=notes, remarks=remarks)

    def read(self, folder: Path) -> dict[str, Samples]:  # noqa: D102
        path = find_table(folder, self.file)
        frame = load_frame(path, self)
        uses = self.uses(self.series, self.time)
        self.check_uses(frame, path, uses)
        channels = [str(name) for name in frame if name not in uses]
        if not channels:
            raise PareError(f"{path} has no channel: all its columns have another use; leave one of them free")
        codes, names = named_codes(frame[self.series], str(path))
        found = self._split(frame, codes, channels, str(path))
        firsts = self._of_each(frame, codes, names, path)
        labels = self.labels(firsts, path)
        kept = np.flatnonzero(labels.known)
        x, groups = self.stacked(found[row] for row in kept), self.groups(firsts, path, kept)
        known = {"columns": channels, "classes": labels.classes, "groups": groups}
        return {"all": Samples.of_arrays(x, labels.values[kept], **known)}

    def needed(self, known: Known) -> list[str]:  # noqa: D102
        return [self.series, *([self.time] if self.time else []), *(known.columns or [])]

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:  # noqa: D102
        if isinstance(rows, np.ndarray):
            return prepared(self).new_rows(rows, known)
        frame, where = given_frame(rows, self, self.needed(known))
        codes, names = named_codes(frame[self.series], where)
        x = self.stacked(self._split(frame, codes, known.columns or [], where))
        return NewRows(names, lambda start, stop: x[start:stop])

    def _split(self, frame: pd.DataFrame, codes: np.ndarray, channels: Sequence[str], where: str) -> list[np.ndarray]:
        """The series of a table, ``(channels, points)`` float32 each, in the order of their numbers.

        Args:
            frame: a table with a point in each row, rows numbered from 0.
            codes: number of each row's series.
            channels: columns of the values.
            where: what messages call the table.

        Raises:
            PareError: if a channel is missing, a row has no time, or a value is no number.
        """
        values = channel_values(frame, channels, where)
        times = np.arange(len(frame)) if self.time is None else _times(frame[self.time], where)
        order = np.lexsort((times, codes))
        ends = np.cumsum(np.bincount(codes))[:-1]
        return np.split(values[:, order], ends, axis=1)

    def _of_each(self, frame: pd.DataFrame, codes: np.ndarray, names: Sequence[str], path: Path) -> pd.DataFrame:
        """Targets and group of each series, which are the same in all its rows; one row for each series."""
        columns = [*self.targets, *([self.group] if self.group else [])]
        grouped = frame.groupby(codes)
        for name in columns:
            several = grouped[name].nunique() > 1
            if several.any():
                which = int(several.to_numpy().argmax())
                held = ", ".join(map(str, frame.loc[codes == which, name].unique()[:3]))
                raise PareError(
                    f"{path}: column {name!r} holds {held} in the rows of series {names[which]}; it must be the same "
                    "in all rows of a series"
                )
        return grouped[columns].first().reset_index(drop=True)


def _uneven(column: pd.Series, codes: np.ndarray, where: str) -> str | None:
    """What to say of times whose steps differ, as a model sees the points one after the other; None where they do not.

    Args:
        column: the times.
        codes: number of each row's series.
        where: what messages call the table.
    """
    times = pd.Series(_times(column, where)).sort_values(kind="stable")
    steps = times.groupby(codes[times.index]).diff().dropna()
    if not len(steps) or steps.max() < UNEVEN * steps.min():
        return None
    return (
        f"steps of {column.name} are {steps.min():.4g} to {steps.max():.4g} long, and points count as evenly spaced: "
        f"interpolate them, or sort the rows by numbers of {column.name} and leave --time out, so that it is a channel"
    )


def _times(column: pd.Series, where: str) -> np.ndarray:
    """Numbers by which points are sorted, ``(rows,)``."""
    times = point_numbers(column).to_numpy(np.float64)
    dates = all_times(column) if np.isnan(times).any() else None
    if dates is not None:
        times = ((dates - dates.min()) / DAY).reindex(column.index).to_numpy(np.float64)
    if np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        raise PareError(
            f"{where}: time {column.name!r} holds {str(column.iloc[row])!r} in row {row + 1}; expected a number or a "
            "date such as 2024-05-31 in each row"
        )
    return times
