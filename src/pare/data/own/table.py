"""Tables with a sample in each row: OpenML's, and a user's own in the formats of `table_files`."""

import json
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pare.config.errors import PareError, unknown_name
from pare.data.files import FETCH, FileName
from pare.data.formats.dates import Calendar, DateOrder, with_days
from pare.data.formats.delimited_text import UTF_8, Dialect, Words
from pare.data.formats.table_files import DESCRIPTION, find_table, load_frame, present_text
from pare.data.own.columns import Labels, features_of, group_numbers, targets_of, to_float32
from pare.data.own.file_checks import PARTS
from pare.storage.samples import Samples


def table(
    folder: Path,
    target: str | list[str] | None = None,
    file: FileName | None = None,
    *,
    ignore: tuple[str, ...] = (),
    categorical: tuple[str, ...] = (),
    dates: dict[str, date] | None = None,
    date_order: DateOrder | None = None,
    calendar: dict[str, list[Calendar]] | None = None,
    split_column: str | None = None,
    test_file: FileName | None = None,
    group: str | None = None,
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    encoding: str = UTF_8,
    decimal: Literal[".", ","] = ".",
    missing: Words = (),
) -> dict[str, Samples]:
    """A table of numbers and categories with one or several columns to predict.

    A column is a number if all its values are; text, booleans and what an ARFF or a Parquet file declares as nominal
    are categories. Categories and classes are numbered in the declared order, else in sorted order. ``?``, nothing
    and NaN are missing values, and so are NA, N/A, null, None and - between numbers. Rows without a label are dropped,
    and so are declared classes that no row has. The table is held in memory, 4 bytes a value.

    Args:
        folder: holds the table, and for OpenML's own also ``dataset.json``, which names target, ignored and
            categorical columns.
        target: the column to predict, or several; by default the one that ``dataset.json`` names.
        file: name of the table; by default the only one of the folder, see `load_frame` for its formats.
        ignore: columns to leave out, in addition to those that ``dataset.json`` names.
        categorical: columns whose numbers are names of categories, such as the target of a CSV with classes 0 and 1.
        dates: columns of dates, each with its day 0; they become the number of days since.
        date_order: order of day and month in dates such as 03/12/2024 or 03-12-2024.
        calendar: what further columns say of dates: ``season`` and ``time_of_day``, a cosine and a sine each,
            and ``weekday``, a category.
        split_column: column that says of each row ``train``, ``validation`` or ``test``.
        test_file: name of a table of the same columns with the test rows, in place of ``split_column``.
        group: column whose equal values mark rows that belong together, such as a patient.
        delimiter: what separates the values of a line of text; by default a tab in TSV, else a comma.
        encoding: encoding of text; by default UTF-8, with or without a byte order mark.
        decimal: what separates the whole part of a number from the rest, in a table of text.
        missing: words and numbers that are missing values in every column, such as -999.

    Returns:
        ``all``, or the parts: features ``(rows, features)`` float32 with codes for categories,
        and class codes ``(rows,)`` int64 where the target is a category, else numbers ``(rows, targets)`` float32.
        Several targets that are all 0 or 1 (false or true) are labels.

    Raises:
        PareError: if the file is missing or damaged, or a column is unknown, has two uses, or holds values of which
            nothing can be learnt: numbers among words, free text, nothing, infinity, one class only.
    """
    dialect = Dialect(delimiter, encoding, decimal, missing=missing)
    path, frame, said = load_parts(folder, file, test_file, dialect, ignore)
    description = _read_description(folder)
    if split_column and test_file:
        raise PareError(
            f"{path}: the options split_column and test_file both say what test rows are; leave one of them out"
        )
    names = list(frame.columns)
    targets = _target_names(target or description.get("default_target"), names, path)
    days = dates or {}
    _check_calendar(calendar or {}, days, path)
    uses = [*targets, *ignore, *(name for name in (split_column, group) if name is not None)]
    _check_uses(uses, [*categorical, *days], names, path)
    frame = with_days(frame, days, calendar or {}, str(path), date_order)
    left_out = {*uses, *description.get("ignored", [])}
    features = [name for name in map(str, frame) if name not in left_out]
    if not features:
        raise PareError(
            f"{path} has no feature left: all its columns are targets, ignored, or divide the rows. Free text, such as "
            "sequences of proteins or formulas of molecules, is ignored: bring numbers that describe it"
        )
    named = {*categorical, *description.get("categorical", [])}
    columns = features_of(frame[features], path, named)
    labels = targets_of(frame, targets, path, named)
    x = to_float32(np.stack([columns[name].values for name in features], axis=1), features, path)
    groups = None if group is None else group_numbers(frame[group], path)
    parts = {"all": labels.known}
    if split_column:
        parts = part_rows(frame[split_column], labels, f"{path}: split column {split_column!r}")
    elif said is not None:
        parts = part_rows(said, labels, str(path))
    return {
        part: Samples.of_arrays(
            x[rows],
            labels.values[rows],
            columns=features,
            classes=labels.classes,
            categories=[columns[name].categories for name in features],
            groups=None if groups is None else groups[rows],
        )
        for part, rows in parts.items()
    }


def _read_description(folder: Path) -> dict[str, Any]:
    """OpenML's description of the table; empty for other tables."""
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PareError(f"{path} is damaged ({error}); remove it and {FETCH}") from error


def _target_names(target: str | list[str] | None, names: Sequence[str], path: Path) -> list[str]:
    if not target:
        raise PareError(f"{path}: no target is named; set the reader's option 'target' to one of: {', '.join(names)}")
    return [target] if isinstance(target, str) else target


def _check_uses(uses: Sequence[str], kinds: Sequence[str], names: Sequence[str], path: Path) -> None:
    for name in [*uses, *kinds]:
        if name not in names:
            raise unknown_name("column", name, names, str(path))
    twice = sorted({name for name in uses if uses.count(name) > 1})
    if twice:
        raise PareError(
            f"{path}: {', '.join(map(repr, twice))} is named by several of the reader's options target, ignore, "
            "split_column and group; name each column once"
        )


def _check_calendar(calendar: dict[str, list[Calendar]], dates: dict[str, date], path: Path) -> None:
    for name in calendar:
        if name not in dates:
            raise unknown_name("column", name, dates, f"{path}: a calendar says something of the columns of 'dates'")


def load_parts(
    folder: Path, file: str | None, test_file: str | None, dialect: Dialect, ignore: Collection[str] = ()
) -> tuple[Path, pd.DataFrame, pd.Series | None]:
    """Load a table, and the one of its test rows where they are apart.

    Args:
        folder: holds the tables.
        file: as for `find_table`.
        test_file: with at least the columns of ``file`` that are not ignored; None: there is none.
        dialect: dialect of both.
        ignore: columns that are left out.

    Returns:
        The path of the table, for messages, its rows, and None. Where test rows are apart, the path names both tables,
        test rows follow the others and are counted on, and the last is ``train`` or ``test`` of each row.

    Raises:
        PareError: if a table is missing or damaged, or the one of test rows lacks a column.
    """
    path = find_table(folder, file)
    frame = load_frame(path, dialect)
    if test_file is None:
        return path, frame, None
    test_path = find_table(folder, test_file)
    test = load_frame(test_path, dialect)
    enough = {*test, *ignore}
    missing = [name for name in frame if name not in enough]
    if missing:
        raise PareError(
            f"{test_path.name} has no column {', '.join(map(repr, missing))}, {path.name} has. Test rows need all, "
            f"that to predict too; where the answer is unknown, predict it later: predict={test_path.name}"
        )
    said = pd.Series(np.repeat(["train", "test"], [len(frame), len(test)]), name="part")
    both = path.with_name(f"{path.name} and {test_path.name}")
    return both, pd.concat([frame, test.reindex(columns=frame.columns)], ignore_index=True), said


def part_rows(said: pd.Series, labels: Labels, where: str) -> dict[str, np.ndarray]:
    """Labelled rows of each part, ``(rows,)`` booleans; every class must have a training row.

    Args:
        said: the part of each row.
        labels: what is to be predicted.
        where: what messages call ``said``.

    Raises:
        PareError: if a row is of another part than `PARTS`, or one of ``train`` and ``test`` or a class has no row.
    """
    names = present_text(said).reindex(range(len(said))).fillna("").to_numpy(dtype=str)
    strange = np.flatnonzero(~np.isin(names, PARTS))
    if len(strange):
        found = str(names[strange[0]])
        raise PareError(f"{where} holds {found!r} in row {strange[0] + 1}; expected one of {', '.join(PARTS)}")
    rows = {part: (names == part) & labels.known for part in PARTS}
    parts = {part: chosen for part, chosen in rows.items() if chosen.any()}
    absent = [part for part in ("train", "test") if part not in parts]
    if absent:
        raise PareError(f"{where} has no labelled row for {' and '.join(absent)}; mark some rows so")
    if labels.classes is not None:
        seen = np.isin(np.arange(len(labels.classes)), labels.values[parts["train"]])
        unseen = [name for name, has in zip(labels.classes, seen, strict=True) if not has]
        if unseen:
            raise PareError(
                f"{where} leaves no train row of class {', '.join(map(repr, unseen))}; move some rows of it to train"
            )
    return parts
