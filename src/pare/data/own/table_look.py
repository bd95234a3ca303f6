"""A first look at the columns of a table, from a file or in memory: their use, and what the user should know of them.

Files and estimators share it, so that a column is a number, a category or a date by the same rule in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pare.config.errors import PareError
from pare.config.words import listed
from pare.data.formats.dates import DateOrder, all_times, are_days, date_of_rows, date_options, date_order
from pare.data.formats.table_files import present_text
from pare.data.formats.written_numbers import means_no_value
from pare.data.own.column_remarks import (
    coarse,
    in_capitals,
    nameless_columns,
    numbers_in_place,
    remarks_on,
    useless_columns,
)
from pare.data.own.columns import are_names_of_rows, is_text
from pare.data.own.findings import Question
from pare.data.own.table_findings import column_options, detected


@dataclass(frozen=True)
class TableLook:
    """What a first look finds in the columns of a table.

    Attributes:
        options: options of the reader `pare.data.own.table.Table` that say what columns are used for.
        notes: remarks on these options, by their names.
        remarks: facts that the user should know, a sentence each without a full stop.
    """

    options: dict[str, Any]
    notes: dict[str, str]
    remarks: list[str]


def look_at_table(frame: pd.DataFrame, question: Question, where: str, part: pd.Series | None = None) -> TableLook:
    """Decide what the columns of a table are used for.

    Args:
        frame: the table, with the columns to predict, rows numbered from 0.
        question: which columns are predicted, left out, categories or groups; whether rows are in the order of time.
        where: what messages call the table.
        part: ``train`` or ``test`` of each row, where test rows are in a table of their own.

    Raises:
        PareError: if nothing tells whether day or month comes first in a date, or rows in the order of time begin with
            the newest.
    """
    said = {*question.target, *question.ignore, *question.categorical, question.groups}
    free = frame.drop(columns=[*said], errors="ignore")  # unknown columns are refused on reading

    # Of row numbers without a name, of columns without a value and of constants nothing can be learnt.
    nameless, about_nameless = nameless_columns(free, frame if part is None else frame[part == "train"])
    useless, about_useless = useless_columns(free.drop(columns=nameless))
    frame = frame.drop(columns=[*nameless, *useless])

    # Numbers as text with words for a missing value in between are numbers, and dates are dates.
    numbers, missing = numbers_in_place(frame.drop(columns=[*question.ignore, question.groups], errors="ignore"))
    frame = frame.assign(**numbers)
    free = frame.drop(columns=[*said], errors="ignore")
    texts = [free[name] for name in free if is_text(free[name]) or are_days(free[name])]
    order = date_order(texts, where, question.date_order)
    dated = date_options(texts, order)
    dates = list(dated.get("dates", {}))
    if order:
        dated["date_order"] = order

    # Texts that differ in nearly all rows are names of the rows.
    row_names = [str(name) for name in free if name not in dates and are_names_of_rows(free[name])]
    options = column_options(question, [*nameless, *useless, *row_names]) | dated
    notes = detected(options)
    if row_names:
        notes["ignore"] = (
            f"nearly all texts differ in {', '.join(row_names)}; --categorical NAME makes categories of them"
        )
    when = _order_of_rows(texts, order, question, where)
    if when:
        notes["dates"] += f"; {when}"

    # What the user should know of the columns that are left.
    missing |= {name: _words_for_missing(frame[name]) for name in dates}
    not_categories = {*missing, *row_names, *question.target, *question.ignore, question.groups}  # classes have a note
    words = {name: _words_for_missing(frame[name]) for name in map(str, frame) if name not in not_categories}
    is_open = part is None and not (when or question.ordered or question.groups)
    inputs = frame.drop(columns=[*row_names, *dates, *question.ignore], errors="ignore")
    numbers_used = inputs.drop(columns=[*question.categorical, question.groups], errors="ignore")
    remarks = [
        *about_nameless,
        *about_useless,
        *remarks_on(free, frame, question, missing, words, is_order_open=is_open),
    ]
    if durations := [str(name) for name in inputs if inputs[name].dtype.kind == "m"]:
        remarks.append(f"durations are counted in days in {listed(durations)}")
    return TableLook(options, notes, [*remarks, *coarse(numbers_used), *in_capitals(inputs)])


def _words_for_missing(column: pd.Series) -> pd.Series:
    """The words for a missing value in a column of text."""
    text = present_text(column) if is_text(column) else pd.Series(dtype=object)
    return text[means_no_value(text)]


def _order_of_rows(texts: Sequence[pd.Series], order: DateOrder | None, question: Question, where: str) -> str | None:
    """What to say of dates in whose order the rows are; PareError where they fall and the last are to be tested."""
    if question.ordered and (name := date_of_rows(texts, order, falling=True)):
        raise PareError(f"{where}: the newest {name} comes first, but --ordered tests on the last rows: reverse them")
    name = date_of_rows(texts, order)
    times = {str(text.name): found for text in texts if (found := all_times(text, order)) is not None}
    if question.ordered and times and not any(found.is_monotonic_increasing for found in times.values()):
        return (
            f"rows are not in the order of {', '.join(times)}, and --ordered tests on the last ones: sort them by time"
        )
    if name and question.ordered:
        return f"days of test rows are new to a model: see what --ignore {name} gives"
    return f"rows are in the order of {name}: --ordered tests on the last ones" if name else None
