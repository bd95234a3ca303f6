"""Tables with a sample in each row: OpenML's, and a user's own in the formats of `table_files`."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.data.files import FETCH, train_and_test
from pare.data.formats.dates import Dates
from pare.data.formats.table_files import DESCRIPTION, SUFFIXES, table_suffix
from pare.data.own.columns import features_of, known_values, to_float32
from pare.data.own.findings import Inspection, Question, need_target
from pare.data.own.format import Format, Known, NewRows, held_rows
from pare.data.own.table_findings import detected, files_of, inspection_of_table, written
from pare.data.own.table_look import look_at_table
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
        files, (dialect, of_file) = files_of(paths), written(paths, question)
        reader = RowTable(ignore=question.ignore, categorical=question.categorical, **files, **dialect)
        _, frame, said = reader.load(paths[0].parent)
        need_target(question, frame, paths[0].name)
        look = look_at_table(frame, question, paths[0].name, said)
        options = files | look.options | dialect
        notes, remarks = detected(options) | look.notes, [*of_file, *look.remarks]
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
        named = (*self.categorical, *described.get("categorical", []))
        form = form.model_copy(update={"categorical": named})
        x, columns, categories = form.inputs(frame, str(path), left_out=[*uses, *described.get("ignored", [])])
        where = str(path)
        if self.split_column:
            said, where = frame[self.split_column], f"{path}: split column {self.split_column!r}"
        return form.samples(x, frame, path, said, where, columns=columns, categories=categories)

    def inputs(
        self, frame: pd.DataFrame, where: str, left_out: Collection[str]
    ) -> tuple[np.ndarray, list[str], list[list[str] | None]]:
        """What is predicted from, of rows in memory; `new_rows` gives later rows the same numbers and codes.

        Args:
            frame: a table with days in place of dates (`with_days`), rows numbered from 0.
            where: what messages call the table.
            left_out: columns that are no inputs.

        Returns:
            Inputs ``(rows, columns)`` float32, the names of their columns, and for each column the names of its
            categories in the order of their codes, None for numbers.

        Raises:
            PareError: if no column is left, or nothing can be learnt from one.
        """
        features = [name for name in map(str, frame) if name not in left_out]
        if not features:
            raise PareError(
                f"{where} has no feature left: all its columns are targets, ignored, or divide the rows. Free text, "
                "such as sequences of proteins or formulas of molecules, is ignored: bring numbers that describe it"
            )
        columns = features_of(frame[features], where, self.categorical)
        x = to_float32([columns[name].values for name in features], features, where)
        return x, features, [columns[name].categories for name in features]

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
            rows = pd.DataFrame(rows, columns=columns)
        frame, where = given_frame(rows, self, columns)
        return held_rows(known_values(self.with_days(frame, where), known, where), self.ignored(frame))


def are_tables(paths: Sequence[Path]) -> bool:
    """Whether the files are one table, or those of training and of test rows."""
    return all(map(table_suffix, paths)) and (len(paths) == 1 or bool(train_and_test(paths)))


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
