"""Tables with one row a sample: OpenML's, and a user's own in the formats of `table_files`.

Nothing here is a statistic of the rows: codes only number the categories, so no test row can influence the model.
The preparation decides what happens to a category that no training row has.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pare.config.errors import PareError, unknown_name
from pare.raw.file_names import FileName
from pare.raw.formats.dates import DateOrder, days_since
from pare.raw.formats.delimited_text import UTF_8, Dialect
from pare.raw.formats.messages import FETCH
from pare.raw.formats.table_files import DESCRIPTION, find_table, load_frame, present_text
from pare.raw.readers.checks import PARTS
from pare.storage.samples import Samples

MAX_LEVELS = 255
UNIQUE_SHARE = 0.9
FEW_ROWS = 20  # in so short a table every row may well have another category
TRUTH = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        values: ``(rows,)`` float64, NaN where missing; a category is its code.
        categories: names of the categories in the order of their codes, None for numbers.
    """

    values: np.ndarray
    categories: list[str] | None

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return int((~np.isnan(self.values)).sum())


@dataclass(frozen=True)
class Labels:
    """What is to be predicted.

    Attributes:
        values: class codes ``(rows,)`` int64, or numbers ``(rows, targets)`` float32.
        known: whether a row has a label, ``(rows,)``.
        classes: names of the classes in the order of their codes, None for numbers.
    """

    values: np.ndarray
    known: np.ndarray
    classes: list[str] | None


def table(
    folder: Path,
    target: str | list[str] | None = None,
    file: FileName | None = None,
    *,
    ignore: tuple[str, ...] = (),
    categorical: tuple[str, ...] = (),
    dates: dict[str, date] | None = None,
    date_order: DateOrder | None = None,
    split_column: str | None = None,
    group: str | None = None,
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    encoding: str = UTF_8,
    decimal: Literal[".", ","] = ".",
) -> dict[str, Samples]:
    """A table of numbers and categories with one or several columns to predict.

    A column is a number if all its values are; text, booleans and what an ARFF or a Parquet file declares as nominal
    are categories. Categories and classes are numbered in the declared order, else in sorted order. ``?``, nothing
    and NaN are missing values. Rows without a label are dropped, and so are declared classes that no row has. The
    table is held in memory, 4 bytes a value.

    Args:
        folder: holds the table, and for OpenML's own also ``dataset.json``, which names target, ignored and
            categorical columns.
        target: the column to predict, or several; by default the one that ``dataset.json`` names.
        file: name of the table; by default the only one of the folder, see `load_frame` for its formats.
        ignore: columns to leave out, in addition to those that ``dataset.json`` names.
        categorical: columns whose numbers are names of categories, such as the target of a CSV with classes 0 and 1.
        dates: columns of dates, each with its day 0; they become the number of days since.
        date_order: of day and month in dates with slashes, such as 03/12/2024.
        split_column: column that says of each row ``train``, ``validation`` or ``test``.
        group: column whose equal values mark rows that belong together, such as a patient.
        delimiter: what separates the values of a line of text; by default a tab in TSV, else a comma.
        encoding: of text; by default UTF-8, with or without a byte order mark.
        decimal: what separates the whole part of a number from the rest, in CSV and TSV.

    Returns:
        ``all``, or the parts of ``split_column``: features ``(rows, features)`` float32 with codes for categories,
        and class codes ``(rows,)`` int64 where the target is a category, else numbers ``(rows, targets)`` float32.
        Several targets that are all 0 or 1 (false or true) are labels.

    Raises:
        PareError: if the file is missing or damaged, or a column is unknown, has two uses, or holds values of which
            nothing can be learnt: numbers among words, free text, nothing, infinity, one class only.
    """
    path = find_table(folder, file)
    description = _read_description(folder)
    frame = load_frame(path, Dialect(delimiter, encoding, decimal))
    names = list(frame.columns)
    targets = _target_names(target or description.get("default_target"), names, path)
    days = dates or {}
    uses = [*targets, *ignore, *(name for name in (split_column, group) if name is not None)]
    _check_uses(uses, [*categorical, *days], names, path)
    frame = frame.assign(
        **{name: days_since(frame[name], first, str(path), date_order) for name, first in days.items()}
    )
    left_out = {*uses, *description.get("ignored", [])}
    features = [name for name in names if name not in left_out]
    if not features:
        raise PareError(f"{path} has no feature left: all its columns are targets, ignored, or divide the rows")
    named = {*categorical, *description.get("categorical", [])}
    columns = {name: _parse_column(frame[name], name, path, declared=name in named) for name in [*features, *targets]}
    for name in features:
        _check_feature(frame[name], columns[name], path, declared=name in named)
    for name in targets:
        _check_target(frame[name], columns[name], path, declared=name in named)
    labels = _labels({name: columns[name] for name in targets}, path)
    x = _float32(np.stack([columns[name].values for name in features], axis=1), features, path)
    groups = None if group is None else _group_numbers(frame[group], path)
    parts = {"all": labels.known} if split_column is None else _part_rows(frame[split_column], labels, path)
    return {
        part: _samples(
            x[rows],
            labels.values[rows],
            columns=features,
            classes=labels.classes,
            categories=[columns[name].categories for name in features],
            groups=None if groups is None else groups[rows],
        )
        for part, rows in parts.items()
    }


def _samples(x: np.ndarray, y: np.ndarray, **named: Any) -> Samples:
    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return x[start:stop], y[start:stop]

    return Samples(count=len(y), read=read, **named)


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


def _parse_column(column: pd.Series, name: str, path: Path, *, declared: bool) -> Column:
    """Numbers or codes of one column; ``declared`` where the user says that it holds categories."""
    where = f"{path}: column {name!r}"
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        parsed = Column(np.where(codes < 0, np.nan, codes), [str(level) for level in column.cat.categories])
    elif column.dtype.kind in "mM":
        raise PareError(
            f"{where} holds dates or times; leave it out by the reader's option 'ignore', or name its day 0 in the "
            "option 'dates'"
        )
    elif column.dtype.kind in "iuf":
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        parsed = _number_levels(numbers) if declared else Column(numbers, None)
    else:
        parsed = _parse_text(present_text(column), len(column), where, declared=declared)
    return parsed


def _parse_text(text: pd.Series, rows: int, where: str, *, declared: bool) -> Column:
    numbers = pd.to_numeric(text, errors="coerce").astype(np.float64)
    if not declared:
        if numbers.notna().all():
            return Column(numbers.reindex(range(rows)).to_numpy(), None)
        _check_not_mixed(text, numbers.notna(), where)
    levels = sorted(text.unique(), key=_by_number_then_text)
    codes = text.map({level: code for code, level in enumerate(levels)}).astype(np.float64)
    return Column(codes.reindex(range(rows)).to_numpy(), levels)


def _by_number_then_text(level: str) -> tuple[int, float, str]:
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level


def _number_levels(numbers: np.ndarray) -> Column:
    known = ~np.isnan(numbers)
    levels, codes = np.unique(numbers[known], return_inverse=True)
    values = np.full(len(numbers), np.nan)
    values[known] = codes
    return Column(values, [_level_name(level) for level in levels.tolist()])


def _level_name(level: float) -> str:
    """A category as its file wrote it: pandas turns 1 into 1.0 where another row has no value."""
    return str(int(level)) if level.is_integer() else str(level)


def _check_not_mixed(text: pd.Series, is_number: pd.Series, where: str) -> None:
    if not is_number.any():
        return
    mostly_numbers = is_number.mean() >= 0.5
    at = int((~is_number if mostly_numbers else is_number).to_numpy().argmax())
    most, this = ("numbers", "text") if mostly_numbers else ("text", "a number")
    raise PareError(
        f"{where} holds {this} in row {text.index[at] + 1}, {text.iloc[at]!r}, where most rows hold {most}. "
        "Correct it; a missing value is written as ?, NaN or nothing. If all are names of categories, add the column "
        "to the reader's option 'categorical'"
    )


def _check_feature(column: pd.Series, parsed: Column, path: Path, *, declared: bool) -> None:
    where = f"{path}: column {column.name!r}"
    if np.isnan(parsed.values).all():
        raise PareError(f"{where} has no value in any row; leave it out by the reader's option 'ignore'")
    if declared or isinstance(column.dtype, pd.CategoricalDtype) or parsed.categories is None:
        return
    if len(parsed.categories) == 1:
        raise PareError(
            f"{where} holds the same text {parsed.categories[0]!r} in every row; leave it out by the reader's option "
            "'ignore'"
        )
    if are_names_of_rows(column):
        raise PareError(
            f"{where} holds {len(parsed.categories)} different texts in {parsed.present} rows, such as "
            f"{parsed.categories[0]!r}: identifiers, dates or free text rather than categories. Leave it out by the "
            "reader's option 'ignore', or, if each of them is a category, name it in the reader's option 'categorical'"
        )


def _check_target(column: pd.Series, parsed: Column, path: Path, *, declared: bool) -> None:
    where = f"{path}: target {column.name!r}"
    if np.isnan(parsed.values).all():
        raise PareError(f"{where} has no value in any row; name another column")
    if parsed.categories is not None and not declared and are_names_of_rows(column):
        raise PareError(
            f"{where} holds {len(parsed.categories)} different texts in {parsed.present} rows, such as "
            f"{parsed.categories[0]!r}; of a class there must be several rows. Name another column, or, if each text "
            "is a class, name it in the reader's option 'categorical'"
        )


def are_names_of_rows(column: pd.Series) -> bool:
    """Whether texts are so many, or so seldom equal, that they name or describe rows rather than categories."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind in "biuf":
        return False
    text = present_text(column)
    levels = text.nunique()
    return levels > MAX_LEVELS or (levels > FEW_ROWS and levels > UNIQUE_SHARE * len(text))


def _labels(targets: dict[str, Column], path: Path) -> Labels:
    (name, first), *others = targets.items()
    if first.categories is not None and not others:
        return _class_labels(name, first, path)
    values = np.stack([_numbers_of(name, column, path) for name, column in targets.items()], axis=1)
    known = ~np.isnan(values).any(axis=1)
    if not known.any():
        raise PareError(f"{path}: no row has a value of all targets {', '.join(targets)}; name fewer targets")
    for name, column in zip(targets, values[known].T, strict=True):
        if (column == column[0]).all():
            raise PareError(f"{path}: target {name!r} is {column[0]:g} in every row; there is nothing to learn")
    return Labels(_float32(values, list(targets), path), known, None)


def _class_labels(name: str, column: Column, path: Path) -> Labels:
    """Class codes ``(rows,)``; classes that were declared and that no row has are dropped."""
    known = ~np.isnan(column.values)
    used, codes = np.unique(column.values[known].astype(np.int64), return_inverse=True)
    classes = [column.categories[code] for code in used] if column.categories else []
    if len(classes) == 1:
        raise PareError(
            f"{path}: target {name!r} has the one class {classes[0]!r} in every row; at least two are needed"
        )
    values = np.full(len(known), -1)
    values[known] = codes
    return Labels(values, known, classes)


def _numbers_of(name: str, column: Column, path: Path) -> np.ndarray:
    if column.categories is None:
        return column.values
    numbers = [TRUTH.get(level.lower()) for level in column.categories]
    if None in numbers:
        raise PareError(
            f"{path}: target {name!r} holds categories ({', '.join(column.categories[:5])}); several targets must be "
            "numbers, or labels 0 and 1 (false and true). Name one target, or recode it"
        )
    codes = np.nan_to_num(column.values).astype(int)
    return np.where(np.isnan(column.values), np.nan, np.array(numbers, dtype=np.float64)[codes])


def _float32(values: np.ndarray, names: Sequence[str], path: Path) -> np.ndarray:
    """Columns ``(rows, columns)`` in 32 bits, refused where one becomes infinite."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    rows, columns = np.nonzero(np.isinf(single))
    if len(rows):
        raise PareError(
            f"{path}: column {names[columns[0]]!r} is infinite, or too large for 32 bits, in row {rows[0] + 1}; "
            "correct it, or write ? for a missing value"
        )
    return single


def _group_numbers(column: pd.Series, path: Path) -> np.ndarray:
    groups, _ = pd.factorize(column)
    if (groups < 0).any():
        row = int((groups < 0).argmax())
        raise PareError(f"{path}: group column {column.name!r} has no value in row {row + 1}; give each row a group")
    return groups


def _part_rows(column: pd.Series, labels: Labels, path: Path) -> dict[str, np.ndarray]:
    """Labelled rows of each part, ``(rows,)`` booleans; every class must have a training row."""
    where = f"{path}: split column {column.name!r}"
    said = present_text(column).reindex(range(len(column))).fillna("").to_numpy(dtype=str)
    strange = np.flatnonzero(~np.isin(said, PARTS))
    if len(strange):
        found = str(said[strange[0]])
        raise PareError(f"{where} holds {found!r} in row {strange[0] + 1}; expected one of {', '.join(PARTS)}")
    rows = {part: (said == part) & labels.known for part in PARTS}
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
