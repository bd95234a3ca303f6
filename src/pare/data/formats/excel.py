"""Sheets of Excel as people fill them: titles, two header rows, merged cells, units, notes, several sheets."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.config.words import counted, listed
from pare.data.formats.delimited_text import with_own_names
from pare.data.formats.memory import OBJECTS, check_memory
from pare.data.formats.table_notes import is_of_numbers, leave_out_notes
from pare.data.formats.written_numbers import MISSING, looks_written

ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
SHEET_ROWS = 1 << 20  # that a sheet of Excel can have
LOOK = 1000  # rows after which their memory is looked at
FIRST_ROWS = 50  # rows of a sheet that show whether it has a table
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="(\w+:\w+)"')  # in the XML of a sheet
FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\s(?=[^>]*?\shidden="(?:1|true)")[^>]*?\br="(\d+)"')
HIDDEN_COLUMN = re.compile(rb'<(?:\w+:)?col\s(?=[^>]*?\bhidden="(?:1|true)")[^>]*>')


@dataclass(frozen=True)
class Cells:
    """What a sheet holds.

    Attributes:
        values: labels are the numbers of rows and columns, from 1; nothing is NaN.
        per_cent: rows of the numbers that are shown in per cent, by column.
        errors: rows of the errors of formulas, which are missing values, by column.
        merged: left, top, right and bottom of merged cells.
        hidden_rows: numbers of hidden rows.
        hidden_columns: numbers of hidden columns.
    """

    values: pd.DataFrame
    per_cent: dict[int, list[int]]
    errors: dict[int, list[int]]
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()


def load_excel(path: Path, findings: list[str]) -> pd.DataFrame:
    """The table in the first visible sheet that has one.

    Titles above it, a row of units and notes below it are left out, two header rows joined, cells below each other that
    are merged have their value in every row.

    Args:
        path: an ``.xlsx`` file.
        findings: to which it is appended what was done, a sentence each.

    Raises:
        PareError: where it is not clear what a cell holds or which cells are a table.
    """
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - not everybody has it
    except ImportError as error:
        raise PareError(
            f"{path}: Excel files are read by openpyxl, which is not installed: pip install openpyxl, or save the "
            "sheet as .csv"
        ) from error
    with ZipFile(path) as archive:
        check_memory(sum(member.file_size for member in archive.infolist()), str(path))
        if any(name.startswith("xl/chartsheets/") for name in archive.namelist()):
            raise PareError(f"{path} has a chart as a sheet, which cannot be read; remove it, or save a sheet as .csv")
    with closing(load_workbook(path, read_only=True, data_only=True, keep_links=False)) as book:
        sheet = _sheet_with_table(book.worksheets, findings)
        with sheet._get_source() as source:  # no public function reads a sheet in rows and tells what is merged
            xml = source.read()
        cells = _read_cells(sheet, xml, str(path))
        title = sheet.title
    if FORMULA.search(xml):
        with closing(load_workbook(path, read_only=True, keep_links=False)) as book:
            _check_results(book[title], cells.values, path)
    return _table_of(cells, path, findings)


def _sheet_with_table(sheets: Sequence[Any], findings: list[str]) -> Any:
    """The first visible sheet with two columns and two rows, else the first one; the others are told of."""
    visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"] or list(sheets)
    tables = [sheet for sheet in visible if len(sheets) == 1 or _has_table(sheet)]
    chosen = tables[0] if tables else visible[0]
    hidden = [sheet.title for sheet in sheets if sheet not in visible and _has_table(sheet)]
    if others := [sheet.title for sheet in tables[1:]]:
        findings.append(f"only sheet {chosen.title!r} is read; there are tables in {listed(others)} as well")
    elif chosen is not sheets[0]:
        findings.append(f"sheet {chosen.title!r} is read, the first visible one with a table")
    if hidden:
        findings.append(f"hidden sheets are not read: {listed(hidden)}")
    return chosen


def _has_table(sheet: Any) -> bool:
    sheet.reset_dimensions()  # they may be wrong
    rows = islice(sheet.iter_rows(values_only=True), FIRST_ROWS)
    return sum(sum(value is not None for value in row) > 1 for row in rows) > 1


def _read_cells(sheet: Any, xml: bytes, where: str) -> Cells:
    """All cells up to the last row and column that hold something."""
    from openpyxl.utils import range_boundaries  # noqa: PLC0415 - not everybody has it

    per_cent: dict[int, list[int]] = defaultdict(list)
    errors: dict[int, list[int]] = defaultdict(list)
    rows: list[list[Any]] = []
    width = held = end = 0
    sheet.reset_dimensions()  # they may be wrong
    for number, line in enumerate(sheet.iter_rows(), 1):
        row = [_value(cell.value) for cell in line]
        for place, cell in enumerate(line, 1):
            if isinstance(cell.value, str) and cell.value in ERRORS:
                errors[place].append(number)
            elif isinstance(cell.value, int | float) and "%" in (cell.number_format or ""):
                per_cent[place].append(number)
        while row and row[-1] is None:
            row.pop()
        rows.append(row)
        if row:
            end, width, held = len(rows), max(width, len(row)), held + len(row)
        if len(rows) % LOOK == 0:
            check_memory(OBJECTS * held, where)
        if len(rows) > SHEET_ROWS:
            raise ValueError(f"a sheet has at most {SHEET_ROWS:,} rows")
    check_memory(OBJECTS * held + 8 * end * width, where)
    values = pd.DataFrame([row + [None] * (width - len(row)) for row in rows[:end]], dtype=object).fillna(np.nan)
    values.index, values.columns = pd.RangeIndex(1, end + 1), pd.RangeIndex(1, values.shape[1] + 1)
    merged = [range_boundaries(place.decode()) for place in MERGED.findall(xml)]
    columns: set[int] = set()
    for found in HIDDEN_COLUMN.findall(xml):
        first, last = (int(re.search(rb'\b%s="(\d+)"' % name, found)[1]) for name in (b"min", b"max"))  # type: ignore[index]
        columns |= {*range(first, min(last, width) + 1)}
    hidden_rows = frozenset(int(number) for number in HIDDEN_ROW.findall(xml))
    return Cells(values, per_cent, errors, merged, hidden_rows, frozenset(columns))


def _value(value: Any) -> Any:
    """A cell's value: Excel has no whole numbers, and an error of a formula is missing."""
    if value is None or (isinstance(value, str) and (value in MISSING or value in ERRORS)):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_results(sheet: Any, values: pd.DataFrame, path: Path) -> None:
    """Refuse formulas whose results the file does not have, as programs write them that do not calculate."""
    sheet.reset_dimensions()
    is_empty = values.isna()
    without = [
        cell.coordinate
        for row in sheet.iter_rows(max_row=len(values), max_col=values.shape[1])
        for cell in row
        if cell.value is not None and cell.data_type == "f" and is_empty.at[cell.row, cell.column]
    ]
    if without:
        raise PareError(
            f"{path}: the file has no results of {counted(len(without), 'formula')} ({listed(without)}); open it in "
            "Excel or LibreOffice and save it there, so that they are calculated"
        )


def _table_of(cells: Cells, path: Path, findings: list[str]) -> pd.DataFrame:
    """The cells of the table below its header, whose names are the columns, rows numbered from 0."""
    values, rows = cells.values, len(cells.values)
    downwards = [
        place for place in cells.merged if place[0] == place[2] and place[0] in values and place[1] in values.index
    ]
    for left, top, _, bottom in downwards:
        value: Any = values.at[top, left]
        values.iloc[top - 1 : bottom, left - 1] = value
    values = values.loc[values.notna().any(axis="columns")]
    if values.empty:
        return pd.DataFrame()
    empty_above = [row for row, before in zip(values.index[1:], values.index, strict=False) if row - before > 1]
    values, above = _below_titles(values, empty_above)
    names, data = _header(values, [place for place in cells.merged if place[1] == place[3]], findings)
    if above:
        findings.append(f"above the header, left out: {listed([repr(text) for text in above])}")
    filled = data.columns[data.notna().any() | (names != "")]
    names, data = names[filled], data[filled]
    _check_one_table(data, names, path)

    data = with_own_names(data.set_axis(names, axis="columns"), path)
    called = dict(zip(names.index, data.columns, strict=True))
    data, notes = leave_out_notes(data, data.index[data.index >= max(empty_above, default=rows + 1)])
    findings += notes
    across = [place for place in cells.merged if place[0] < place[2]]
    if touched := [place for place in across if any(row in data.index for row in range(place[1], place[3] + 1))]:
        raise PareError(
            f"{path}: cells {listed([_place_name(place) for place in touched])} are merged across columns; split them, "
            "and write the value of each column"
        )
    if down := {left: called[left] for left, _, _, bottom in downwards if bottom in data.index and left in called}:
        findings.append(f"merged cells have their value in every row: {listed([*down.values()])}")
    if gaps := [row for row in empty_above if row in data.index[1:]]:
        findings.append(f"empty rows are left out: {len(gaps)} between others")
    _tell_of_cells(cells, called, data, path, findings)
    return data.reset_index(drop=True).infer_objects()


def _below_titles(values: pd.DataFrame, empty_above: Sequence[int]) -> tuple[pd.DataFrame, list[str]]:
    """The rows from the header on, and the first texts of those above it.

    A title is alone in its row; a block above an empty row has fewer columns than what follows.
    """
    held = values.notna().sum(axis="columns")
    start = 0
    for row in empty_above:
        place = values.index.to_list().index(row)
        if held.iloc[start:place].max() < held.iloc[place:].max() and place - start < len(values) - place:
            start = place
        else:
            break
    held = held.iloc[start:]
    first = start + int((held >= min(2, held.max())).to_numpy().argmax())
    above = [str(row.dropna().iloc[0]) for _, row in values.iloc[:first].iterrows()]
    return values.iloc[first:], above


def _header(
    values: pd.DataFrame, across: Sequence[tuple[int, int, int, int]], findings: list[str]
) -> tuple[pd.Series, pd.DataFrame]:
    """Names of the columns by their places, and the rows below; a row of groups above the names is joined with them."""
    names = values.iloc[0].map(lambda name: "" if pd.isna(name) else str(name).strip())
    data = values.iloc[1:]
    groups = [place for place in across if place[1] == values.index[0]]
    if not len(data) or not (groups or (names[names != ""].duplicated().any())):
        return names, data
    second = data.iloc[0].dropna()
    # Numbers below, and texts that do not occur again, tell a second header from a sample.
    are_texts = all(isinstance(name, str) and not looks_written(name) for name in second)
    below = data.iloc[1:][second.index]
    if not are_texts or not any(is_of_numbers(below[place]) for place in below) or (below == second).any(axis=None):
        return names, data
    for left, _, right, _ in groups:
        names[(names.index >= left) & (names.index <= right)] = names.at[left]
    inner = second.reindex(names.index).map(lambda name: "" if pd.isna(name) else name.strip())
    joined = names.where(inner == "", (names + " " + inner).str.strip()).where(names != inner, names)
    shown = [repr(name) for name in joined[names.ne("") & inner.ne("") & names.ne(inner)]]
    findings.append(f"two header rows are joined: {listed(shown)}")
    return joined, data.iloc[1:]


def _check_one_table(data: pd.DataFrame, names: pd.Series, path: Path) -> None:
    """Refuse tables next to each other: an empty column is between them, and one has fewer rows."""
    places = [int(place) for place in data.columns]
    starts = [i for i, place in enumerate(places) if i == 0 or place - places[i - 1] > 1]
    blocks = [places[start:end] for start, end in zip(starts, [*starts[1:], len(places)], strict=True)]
    ends = [int(data[block].notna().any(axis=1).to_numpy().nonzero()[0].max(initial=-1)) + 1 for block in blocks]
    longest = max(ends)
    for block, end in zip(blocks, ends, strict=True):
        whole = data[block].iloc[:end].notna().any(axis=1).all()
        if end and longest - end > 2 and whole and len(blocks) > 1:
            raise PareError(
                f"{path}: {listed([repr(names[place]) for place in block])} end in another row than the columns on the "
                "other side of an empty column, as if they were another table; leave one table in the sheet"
            )


def _tell_of_cells(cells: Cells, called: dict[int, str], data: pd.DataFrame, path: Path, findings: list[str]) -> None:
    """What is said of the table's cells in per cent, with errors, or hidden; PareError where per cent are mixed.

    Args:
        cells: the sheet.
        called: names of the columns by their places.
        data: rows of the table, by their numbers in the sheet.
        path: path of the file, for messages.
        findings: to which it is appended.
    """
    in_per_cent = []
    for place, name in called.items():
        shown = data.index.intersection(cells.per_cent.get(place, []))
        others = data.index[data[name].notna() & ~data.index.isin(shown)]
        if len(shown) and len(others):
            raise PareError(
                f"{path}: column {name!r} has per cent in row {shown[0]} of the sheet, and in row {others[0]} "
                f"{data.at[others[0], name]!r} without; format all its cells alike"
            )
        in_per_cent += [name] if len(shown) else []
    if in_per_cent:
        findings.append(f"per cent are read as Excel holds them, 45 % as 0.45: {listed(in_per_cent)}")
    wrong = {name: len(data.index.intersection(cells.errors.get(place, []))) for place, name in called.items()}
    if errors := [f"{name} ({counted(rows, 'row')})" for name, rows in wrong.items() if rows]:
        findings.append(f"errors of formulas, such as #DIV/0!, are read as missing: {listed(errors)}")
    if rows := len(data.index.intersection(sorted(cells.hidden_rows))):
        findings.append(f"{counted(rows, 'hidden row')} of the sheet {'is' if rows == 1 else 'are'} read as well")
    if columns := [name for place, name in called.items() if place in cells.hidden_columns]:
        findings.append(f"hidden columns of the sheet are read as well: {listed(columns)}")


def _place_name(place: Iterable[int]) -> str:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - not everybody has it

    left, top, right, bottom = place
    return f"{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}"
