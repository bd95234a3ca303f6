"""Columns of a table as features and targets: numbers, or codes of categories; those of new rows get the same codes.

Nothing here is a statistic of the rows: codes only number the categories, so no test row can influence the model.
The preparation decides what happens to a category that no training row has.
"""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.data.formats.table_files import check_columns, present_text, text_levels
from pare.data.formats.written_numbers import MISSING, means_no_value
from pare.data.own.format import Known

logger = logging.getLogger(__name__)
MAX_LEVELS = 255
NUMBERS = "iufm"  # kinds of columns that hold numbers, durations among them
MOST_FAULTS = 8  # columns of which a message tells
LEAVE_OUT = "leave it out by the reader's option 'ignore'"
UNIQUE_SHARE = 0.9
MOSTLY = 0.5  # share of the texts of a column from which on it is meant to hold numbers
FEW_ROWS = 20  # in so short a table every row may well have another category
# A number as people write it: with decimal commas, thousands, the sign of a currency, or in per cent.
WRITTEN = r"[+-]?\s*[€$£]?\s*(?:\d{1,3}(?:[.,'\s]\d{3})+|\d+)(?:[.,]\d+)?\s*[%€$£]?"
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


def parse_column(column: pd.Series, name: str, path: Path | str, *, declared: bool) -> Column:
    """Numbers or codes of one column; ``declared`` where the user says that it holds categories."""
    where = f"{path}: column {name!r}"
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = dict.fromkeys(str(level).strip() for level in column.cat.categories)
        declared_levels = [name for name in names if name not in MISSING]  # as new rows are read
        return _categories_of(*text_levels(column), declared_levels)
    if column.dtype.kind == "M":
        raise PareError(
            f"{where} holds dates or times; leave it out by the reader's option 'ignore', or name its day 0 in the "
            "option 'dates'"
        )
    if column.dtype.kind in NUMBERS:
        return _number_levels(column) if declared else Column(_plain_numbers(column), None)

    # Words alone, none of which may be meant as a number or as missing, need no look at each row.
    codes, levels = text_levels(column)
    may_be_numbers = levels.str.contains(r"\d|inf", case=False, regex=True) | means_no_value(levels)
    if len(levels) and not may_be_numbers.any():
        return _categories_of(codes, levels, sorted(levels))
    return _parse_text(present_text(column), len(column), where, declared=declared)


def _plain_numbers(column: pd.Series) -> np.ndarray:
    """Numbers, and days in place of durations, ``(rows,)`` float64; NaN where a value is missing."""
    if column.dtype.kind == "m":
        return column.to_numpy() / np.timedelta64(1, "D")
    return column.to_numpy(np.float64, na_value=np.nan)


def _categories_of(codes: np.ndarray, texts: pd.Series, categories: Sequence[str]) -> Column:
    """Codes of the categories for what `text_levels` found; texts that are none of them count as missing."""
    order = {level: float(code) for code, level in enumerate(categories)}
    values = np.array([order.get(text, np.nan) for text in texts], dtype=np.float64)
    # The last place is that of code -1, a missing value.
    return Column(np.append(values, np.nan)[codes], list(categories))


def numbers_and_words(text: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Texts of numbers, and the words for a missing value between them; in a column of text these are texts, too."""
    words = means_no_value(text)
    numbers = pd.to_numeric(text[~words], errors="coerce")
    return (text[~words], text[words]) if len(numbers) and numbers.notna().all() else (text, text[:0])


def _parse_text(text: pd.Series, rows: int, where: str, *, declared: bool) -> Column:
    text, _ = numbers_and_words(text)
    numbers = pd.to_numeric(text, errors="coerce").astype(np.float64)
    if not declared:
        if numbers.notna().all():
            return Column(numbers.reindex(range(rows)).to_numpy(), None)
        known = ~means_no_value(text)
        _check_not_mixed(text[known], (_look_like_numbers(text) | numbers.notna())[known], where)
    levels = sorted(text.unique(), key=_by_number_then_text)
    return _categories_of(*text_levels(text.reindex(range(rows))), levels)


def _by_number_then_text(level: str) -> tuple[int, float, str]:
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level


def _number_levels(column: pd.Series) -> Column:
    known = column.notna().to_numpy()
    levels, codes = np.unique(column[known].to_numpy(), return_inverse=True)  # whole numbers of any size stay apart
    values = np.full(len(column), np.nan)
    values[known] = codes
    return Column(values, [_level_name(level) for level in levels.tolist()])


def _level_name(level: float) -> str:
    """A category as its file wrote it: pandas turns 1 into 1.0 where another row has no value."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def _look_like_numbers(text: pd.Series) -> pd.Series:
    """Which texts are numbers as people write them, where those are half of all at least; else none, ``(rows,)``."""
    found = text.str.fullmatch(WRITTEN)
    return found if found.mean() >= MOSTLY else pd.Series(False, text.index)


def _check_not_mixed(text: pd.Series, is_number: pd.Series, where: str) -> None:
    if not is_number.any():
        return
    if is_number.all():
        odd = text[pd.to_numeric(text, errors="coerce").isna()]
        raise PareError(
            f"{where} holds {odd.iloc[0]!r} in row {odd.index[0] + 1}; write numbers without marks of thousands, units "
            "and currencies, and with one decimal mark in the whole table. If all are names of categories, say so by "
            "the reader's option 'categorical'; or leave it out by the reader's option 'ignore'"
        )
    mostly_numbers = is_number.mean() >= 0.5
    at = int((~is_number if mostly_numbers else is_number).to_numpy().argmax())
    most, this = ("numbers", "text") if mostly_numbers else ("text", "a number")
    raise PareError(
        f"{where} holds {this} in row {text.index[at] + 1}, {text.iloc[at]!r}, where most rows hold {most}. "
        "Correct it, or, if it stands for a missing value, say so by the reader's option 'missing'. If all are names "
        "of categories, say so by the reader's option 'categorical'"
    )


def features_of(frame: pd.DataFrame, path: Path | str, categorical: Collection[str]) -> dict[str, Column]:
    """What is predicted from, by the names of the columns.

    Args:
        frame: the columns, rows numbered from 0.
        path: path of the table, for messages.
        categorical: columns whose numbers name categories.

    Raises:
        PareError: naming each column of which nothing can be learnt.
    """
    columns: dict[str, Column] = {}
    faults: list[PareError] = []
    for name in map(str, frame):
        where, declared = f"{path}: column {name!r}", name in categorical
        try:
            columns[name] = parse_column(frame[name], name, path, declared=declared)
            _check_column(frame[name], columns[name], where, LEAVE_OUT, declared=declared)
            levels, is_known = columns[name].categories or [], columns[name].present == len(frame)
            if (
                len(levels) == 1
                and is_known
                and not declared
                and not isinstance(frame[name].dtype, pd.CategoricalDtype)
            ):
                raise PareError(f"{where} holds the same text {levels[0]!r} in every row; {LEAVE_OUT}")
        except PareError as fault:
            faults.append(fault)
    if faults:
        more = [f"{len(faults) - MOST_FAULTS} more columns have faults"] if len(faults) > MOST_FAULTS else []
        raise PareError("\n".join([*map(str, faults[:MOST_FAULTS]), *more]))
    return columns


def _check_column(column: pd.Series, parsed: Column, where: str, cure: str, *, declared: bool) -> None:
    """Refuse a column without a value, and texts that name rows; PareError with what to do, ``cure``."""
    if np.isnan(parsed.values).all():
        raise PareError(f"{where} has no value in any row; {cure}")
    categories = parsed.categories or []
    if len(categories) > FEW_ROWS and not declared and are_names_of_rows(column):
        raise PareError(
            f"{where} holds {len(categories)} different texts in {parsed.present} rows, such as "
            f"{categories[0]!r}: identifiers, dates or free text, as categories and classes have several rows "
            f"each; {cure}, or, if each text is one, name the column in the reader's option 'categorical'"
        )


def are_names_of_rows(column: pd.Series) -> bool:
    """Whether texts are so many, or so seldom equal, that they name or describe rows rather than categories."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind in ("b", *NUMBERS):
        return False
    codes, levels = text_levels(column)
    known = codes[codes >= 0]
    if len(levels) <= FEW_ROWS or (levels.str.fullmatch(WRITTEN).to_numpy(bool)[known].mean() >= MOSTLY):
        return False
    return len(levels) > MAX_LEVELS or len(levels) > UNIQUE_SHARE * len(known)


def targets_of(frame: pd.DataFrame, names: Sequence[str], path: Path, categorical: Collection[str]) -> Labels:
    """What is to be predicted.

    Args:
        frame: rows numbered from 0.
        names: names of the columns to predict.
        path: path of the table, for messages.
        categorical: columns whose numbers name categories.

    Raises:
        PareError: if a column holds values of which nothing can be learnt.
    """
    columns = {name: parse_column(frame[name], name, path, declared=name in categorical) for name in names}
    for name, column in columns.items():
        where = f"{path}: target {name!r}"
        _check_column(frame[name], column, where, "name another column", declared=name in categorical)
    if len(columns) == 1 and columns[names[0]].categories is not None:
        return _class_labels(names[0], columns[names[0]], path)
    values = np.stack([_numbers_of(name, column, path) for name, column in columns.items()], axis=1)
    known = ~np.isnan(values).any(axis=1)
    if not known.any():
        raise PareError(f"{path}: no row has a value of all targets {', '.join(names)}; name fewer targets")
    for name, numbers in zip(names, values[known].T, strict=True):
        if (numbers == numbers[0]).all():
            raise PareError(f"{path}: target {name!r} is {numbers[0]:g} in every row; there is nothing to learn")
    return Labels(to_float32(list(values.T), names, path), known, None)


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


def to_float32(columns: Sequence[np.ndarray], names: Sequence[str], where: Path | str) -> np.ndarray:
    """Columns ``(rows,)`` as one table ``(rows, columns)`` in 32 bits, refused where one becomes infinite."""
    # Whole columns are copied at once, and the table is their transpose.
    single = np.empty((len(columns), len(columns[0])), np.float32)
    with np.errstate(over="ignore"):
        for row, column in zip(single, columns, strict=True):
            row[:] = column
    single = single.T
    infinite = np.isinf(single)
    if infinite.any():
        line, place = np.argwhere(infinite)[0]
        raise PareError(
            f"{where}: column {names[place]!r} is infinite, or too large for 32 bits, in row {line + 1}; correct it, "
            "or write ? for a missing value"
        )
    return single


def named_codes(column: pd.Series, where: str) -> tuple[np.ndarray, list[str]]:
    """The number of the group or series that each row names, ``(rows,)`` from 0, and the names.

    Texts are equal that differ in outer blanks only, and the number 7 is the text 7.

    Args:
        column: names groups or series.
        where: what messages call the table.

    Raises:
        PareError: if a row names none.
    """
    codes, names = pd.factorize(present_text(column).reindex(column.index))
    if (codes < 0).any():
        row = (codes < 0).argmax() + 1
        raise PareError(f"{where}: column {column.name!r} is empty in row {row}; write there its group or series")
    return codes, names.to_list()


def is_text(column: pd.Series) -> bool:
    """Whether a column may hold dates; numbers such as years and declared categories are none."""
    return not isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.kind not in ("b", *NUMBERS)


def known_values(frame: pd.DataFrame, known: Known, where: str) -> np.ndarray:
    """The rows of a table as numbers and codes of categories, ``(rows, columns)`` float32.

    Args:
        frame: with at least the known columns, in any order, rows numbered from 0.
        known: names of columns and categories.
        where: what messages call the table.

    Raises:
        PareError: if a column is missing, or holds something else than numbers.
    """
    columns = known.columns or []
    check_columns(frame, columns, where)
    categories = known.categories or [None] * len(columns)
    values = [_column(frame[name], levels, where) for name, levels in zip(columns, categories, strict=True)]
    return to_float32(values, columns, where)


def _column(column: pd.Series, categories: Sequence[str] | None, where: str) -> np.ndarray:
    """Numbers, or codes of categories; an unknown category counts as missing, ``(rows,)``."""
    # Numbers stay numbers: as text they would take hundreds of times as long.
    if categories is None and column.dtype.kind in NUMBERS:
        return _plain_numbers(column)

    # Each different text is looked up once.
    codes, levels = text_levels(column)
    if categories is None:
        is_word = means_no_value(levels).to_numpy()
        numbers = pd.to_numeric(levels, errors="coerce").to_numpy(np.float64)
        found = np.where(is_word, np.nan, numbers)
        wrong = ~np.isfinite(numbers) & ~is_word
        if wrong.any():
            row = int(np.isin(codes, np.flatnonzero(wrong)).argmax())
            raise PareError(
                f"{where}: column {column.name!r} holds {levels[codes[row]]!r} in row {row + 1}; expected a number"
            )
    else:
        known = _codes(categories)
        found = np.array([known.get(level, known.get(_plain(level), np.nan)) for level in levels], np.float64)
        if np.isnan(found).any():
            unknown = ", ".join(map(repr, levels[np.isnan(found)][:5]))
            logger.warning("%s: column %r holds the unknown %s, which counts as missing", where, column.name, unknown)
    # The last place is that of code -1, a missing value.
    return np.append(found, np.nan)[codes]


def _codes(levels: Sequence[str]) -> dict[str | float, int]:
    """The code of each category, as it is written and, where no two are written alike, in its plain form."""
    exact: dict[str | float, int] = {level: code for code, level in enumerate(levels)}
    forms = Counter(map(_plain, levels))
    return {_plain(level): code for level, code in exact.items() if forms[_plain(level)] == 1} | exact


def _plain(level: str | float) -> str | float:
    """The number that a category is written as, so that 1 and 1.0 are one, or its text; true and True are one, too."""
    text = str(level)
    if "_" in text:  # which Python leaves out of a number
        return text
    try:
        return float(text)
    except ValueError:
        return text.lower() if text.lower() in ("true", "false") else text
