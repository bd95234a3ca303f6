"""Tables with a sample in each row: OpenML's, and a user's own in the formats of `table_files`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.data.files import FETCH, train_and_test
from pare.data.formats.dates import Dates, all_times, are_days, date_of_rows, date_options, date_order
from pare.data.formats.delimited_text import means_no_value
from pare.data.formats.table_files import (
    DESCRIPTION,
    SUFFIXES,
    present_text,
    table_suffix,
    without_words,
)
from pare.data.own.column_remarks import (
    coarse,
    in_capitals,
    nameless_columns,
    numbers_in_place,
    remarks_on,
    useless_columns,
)
from pare.data.own.columns import are_names_of_rows, features_of, is_text, known_values, to_float32
from pare.data.own.findings import Inspection, Question, need_target
from pare.data.own.format import Format, Known, NewRows, held_rows
from pare.data.own.table_findings import column_options, detected, files_of, inspection_of_table, written
from pare.data.own.table_options import RowTable, given_frame
from pare.storage.samples import Samples


class Table(RowTable, Dates, Format):
    """A table of numbers and categories with one or several columns to predict.

    A column is a number if all its values are; text, booleans and what an ARFF or a Parquet file declares as nominal
    are categories. Categories and classes are numbered in the declared order, else in sorted order. ``?``, nothing
    and NaN are missing values, and so are NA, N/A, null, None and - between numbers. Rows without a label are dropped,
    and so are declared classes that no row has. The table is held in memory, 4 bytes a value.

    OpenML's own tables come with ``dataset.json``, which names the target by default, and ignored and categorical
    columns in addition to those of the options.

    Attributes:
        split_column: column that says of each row ``train``, ``validation`` or ``test``.
    """

    name: ClassVar = "table"
    files: ClassVar = f"one table ({', '.join(SUFFIXES)}), or two, named as in wine_train and wine_test"
    split_column: str | None = None

    @classmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:  # noqa: D102 - see Format
        return are_tables(paths) and not question.wide and not question.series

    @classmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:  # noqa: D102
        files, dialect = files_of(paths), written(paths[0], question)
        _, frame, said = RowTable(ignore=question.ignore, **files, **dialect).load(paths[0].parent)
        need_target(question, frame, paths[0].name)
        known = {*question.target, *question.ignore, *question.categorical, question.groups}
        free = frame.drop(columns=[*known], errors="ignore")  # unknown columns are refused on reading
        nameless, of_nameless = nameless_columns(free, frame if said is None else frame[said == "train"])
        useless, of_useless = useless_columns(free.drop(columns=nameless))
        frame = frame.drop(columns=[*nameless, *useless])
        numbers, missing = numbers_in_place(frame.drop(columns=[*question.ignore, question.groups], errors="ignore"))
        frame = frame.assign(**numbers)
        free = frame.drop(columns=[*known], errors="ignore")
        texts = [free[name] for name in free if is_text(free[name]) or are_days(free[name])]
        order = date_order(texts, paths[0].name, question.date_order)
        dated = date_options(texts, order) | ({"date_order": order} if order else {})
        row_names = [str(name) for name in free if name not in dated.get("dates", {}) and are_names_of_rows(free[name])]
        options = files | column_options(question, [*nameless, *useless, *row_names]) | dated | dialect
        notes = detected(options)
        when = _order_of_rows(texts, order, question, paths[0].name)
        if when:
            notes["dates"] += f"; {when}"
        if row_names:
            notes["ignore"] = (
                f"nearly all texts differ in {', '.join(row_names)}; --categorical NAME makes categories of them"
            )
        missing |= {name: _no_values(frame[name]) for name in dated.get("dates", {})}
        no_category = {*missing, *row_names, *question.target, *question.ignore, question.groups}  # classes have a note
        words = {name: _no_values(frame[name]) for name in map(str, frame) if name not in no_category}
        is_open = said is None and not (when or question.ordered or question.groups)
        more = remarks_on(free, frame, question, missing, words, is_order_open=is_open)
        used = frame.drop(columns=[*row_names, *dated.get("dates", {}), *question.ignore], errors="ignore")
        numbers_used = used.drop(columns=[*question.categorical, question.groups], errors="ignore")
        remarks = [*of_nameless, *of_useless, *more, *coarse(numbers_used), *in_capitals(used)]
        return inspection_of_table(cls, options, question, paths, rows=len(frame), notes=notes, remarks=remarks)

    def read(self, folder: Path) -> dict[str, Samples]:  # noqa: D102
        path, frame, said = self.load(folder)
        described = _described(folder)
        form = self if self.target else self.model_copy(update={"target": described.get("default_target")})
        if self.split_column and self.test_file:
            raise PareError(
                f"{path}: the options split_column and test_file both say what test rows are; leave one of them out"
            )
        uses = form.uses(self.split_column)
        form.check_uses(frame, path, uses, *self.dates)
        frame = self.with_days(frame, str(path))
        left_out = {*uses, *described.get("ignored", [])}
        features = [name for name in map(str, frame) if name not in left_out]
        if not features:
            raise PareError(
                f"{path} has no feature left: all its columns are targets, ignored, or divide the rows. Free text, "
                "such as sequences of proteins or formulas of molecules, is ignored: bring numbers that describe it"
            )
        named = (*self.categorical, *described.get("categorical", []))
        columns = features_of(frame[features], path, named)
        x = to_float32(np.stack([columns[name].values for name in features], axis=1), features, path)
        where = str(path)
        if self.split_column:
            said, where = frame[self.split_column], f"{path}: split column {self.split_column!r}"
        form = form.model_copy(update={"categorical": named})
        categories = [columns[name].categories for name in features]
        return form.samples(x, frame, path, said, where, columns=features, categories=categories)

    def needed(self, known: Known) -> list[str]:  # noqa: D102
        return self.own_columns(known.columns or [])

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:  # noqa: D102
        columns = self.needed(known)
        if isinstance(rows, np.ndarray):
            if rows.ndim != 2 or rows.shape[1] != len(columns):
                raise PareError(
                    f"the array has shape {list(rows.shape)}, expected (rows, {len(columns)}): a column for each of "
                    f"{', '.join(columns)}"
                )
            frame, where = without_words(pd.DataFrame(rows, columns=columns), self.missing), "the array"
        else:
            frame, where = given_frame(rows, self, columns)
        return held_rows(known_values(self.with_days(frame, where), known, where), self.ignored(frame))


def are_tables(paths: Sequence[Path]) -> bool:
    """Whether the files are one table, or those of training and of test rows."""
    return all(map(table_suffix, paths)) and (len(paths) == 1 or bool(train_and_test(paths)))


def _no_values(column: pd.Series) -> pd.Series:
    """The words for a missing value in a column of text."""
    text = present_text(column) if is_text(column) else pd.Series(dtype=object)
    return text[means_no_value(text)]


def _order_of_rows(texts: Sequence[pd.Series], order: Any, question: Question, table: str) -> str | None:
    """What to say of dates in whose order the rows are; PareError where they fall and the last are to be tested."""
    if question.ordered and (name := date_of_rows(texts, order, falling=True)):
        raise PareError(f"{table}: the newest {name} comes first, but --ordered tests on the last rows: reverse them")
    name = date_of_rows(texts, order)
    times = {str(text.name): found for text in texts if (found := all_times(text, order)) is not None}
    if question.ordered and times and not any(found.is_monotonic_increasing for found in times.values()):
        return (
            f"rows are not in the order of {', '.join(times)}, and --ordered tests on the last ones: sort them by time"
        )
    if name and question.ordered:
        return f"days of test rows are new to a model: see what --ignore {name} gives"
    return f"rows are in the order of {name}: --ordered tests on the last ones" if name else None


def _described(folder: Path) -> dict[str, Any]:
    """OpenML's description of the table; empty for other tables."""
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PareError(f"{path} is damaged ({error}); remove it and {FETCH}") from error
    return described
