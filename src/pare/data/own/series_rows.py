"""Series in a table with a series in each row, such as spectra."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.data.formats.written_numbers import means_no_value
from pare.data.own.arrays import prepared
from pare.data.own.column_remarks import nameless_columns, numbered_run
from pare.data.own.findings import Inspection, Question, need_target
from pare.data.own.format import Format, Known, NewRows, held_rows
from pare.data.own.lengths import Lengths, point_values, proposed_lengths
from pare.data.own.table import are_tables
from pare.data.own.table_findings import column_options, detected, files_of, inspection_of_table, written
from pare.data.own.table_options import RowTable, given_frame
from pare.storage.samples import Samples


class SeriesRows(RowTable, Lengths, Format):
    """Series of one channel, each a row of a table: its columns from one to another are the points.

    A row may end in empty columns. Inputs are ``(rows, 1, points)`` float32, targets as those of `Table`; rows without
    a label are dropped.

    Attributes:
        first: column of the first point.
        last: column of the last point; between the two, columns with another use are passed over.
    """

    name: ClassVar = "series_rows"
    files: ClassVar = "such a table with a series in each row (--wide)"
    first: str
    last: str

    @classmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:  # noqa: D102 - see Format
        return question.wide and all(path.is_file() for path in paths) and (len(paths) == 1 or are_tables(paths))

    @classmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:  # noqa: D102
        if question.series or question.time:
            raise PareError("with --wide each row is a series, with --series a point of one: leave one of them out")
        name, files, (dialect, of_file) = paths[0].name, files_of(paths), written(paths, question, names_needed=False)
        _, frame, part = RowTable(ignore=question.ignore, **files, **dialect).load(paths[0].parent)
        need_target(question, frame, name)
        said = {question.groups, *question.target, *question.ignore}
        nameless, of_nameless = nameless_columns(
            frame.drop(columns=[*said], errors="ignore"), frame if part is None else frame[part == "train"]
        )
        remarks = [*of_file, *of_nameless]
        free = [str(column) for column in frame if column not in {*said, *nameless}]
        if not free:
            raise PareError(f"{name} has no column for the points of series: all are targets, groups or ignored")
        run = numbered_run(free)
        columns = run if 2 * len(run) >= len(free) else free
        found = series_of_rows(frame, columns, name)
        counts = np.array([series.shape[1] for series in found])
        lengths, notes = proposed_lengths(counts, [float(np.concatenate(found, axis=1).mean())])
        options = files | {"first": columns[0], "last": columns[-1], **lengths}
        options |= column_options(question, nameless) | dialect
        notes |= detected(options)
        if others := [column for column in free if column not in columns]:
            notes["first"] = f"{', '.join(others)} left out, whose names are not of the same kind"
        return inspection_of_table(
            cls, options, question, paths, rows=len(found), notes=notes, remarks=[*of_file, *remarks]
        )

    def read(self, folder: Path) -> dict[str, Samples]:  # noqa: D102
        path, frame, said = self.load(folder)
        self.check_uses(frame, path, self.uses())
        names = point_columns(frame, self.first, self.last, self.uses(), str(path))
        x = self.stacked(series_of_rows(frame, names, str(path)))
        return self.samples(x, frame, path, said, str(path), points=names)

    def needed(self, known: Known) -> list[str]:  # noqa: D102
        return known.points or []

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:  # noqa: D102
        if isinstance(rows, np.ndarray):
            return prepared(self).new_rows(rows, known)
        frame, where = given_frame(rows, self, self.needed(known))
        x = self.stacked(series_of_rows(frame, self.needed(known), where))
        return held_rows(x, self.ignored(frame))


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
    ends = np.where(held.any(axis=1), held.shape[1] - held[:, ::-1].argmax(axis=1), 1)
    rule = "each point of a series is a number, and only the last columns of a row may be empty"
    values = point_values(frame[columns], np.arange(len(columns)) < ends[:, None], where, rule)
    return [series[None, :end] for series, end in zip(values, ends, strict=True)]
