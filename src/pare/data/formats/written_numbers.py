"""Numbers as people write them: decimal commas, marks of thousands, units, per cent, and limits such as <0.05."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pare.config.errors import PareError
from pare.config.strict import Strict
from pare.config.words import counted, listed

MISSING = ("", "?", "NaN", "nan", "NAN")
# In small letters and without blanks: missing values between numbers; in a column of text they may be categories.
NO_VALUE = (
    *("na", "n/a", "#n/a", "<na>", "null", "none", "missing", "-", "--", ".", "#nv", "fehlt"),
    *("nd", "n.d", "n.d.", "nb", "n.b.", "nn", "n.n.", "nq", "n.q.", "ka", "k.a.", "keineangabe"),
    *("notdetected", "notdetermined", "nichtbestimmt", "nichtnachweisbar", "nichtnachgewiesen"),
    *("bdl", "b.d.l.", "bql", "b.q.l.", "<lod", "<loq", "<mdl", "<bg", "<nwg", "trace", "traces", "spur", "spuren"),
)
SAME_MARKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'", "\u2212": "-"})
# A limit, the sign of a currency, digits with any marks between them, and a unit.
VALUE = re.compile(
    r"(?P<limit>[<>≤≥]=?\s?)?(?P<currency>[€$£¥]\s?)?"
    r"(?P<digits>[+-]?(?:\d+(?:[., ']\d+)*|[.,]\d+)(?:[eE][+-]?\d+)?)"
    r"\s?(?P<unit>(?:[^\W\d_]|[%‰€$£¥°\[(]).{0,19})?"
)
# Units that are certainly some: two of them in one column are an error, not the names of categories.
UNIT = re.compile(
    r"(?:[pnµμumcdhkM]?(?:g|l|L|m|mol|M|Pa|s|V|A|W|J|Hz|eq|Bq)|%|‰|°[CF]|K|h|min|d|ppm|ppb|bar|[€$£¥]|EUR|USD)(?:/.*)?"
)
EXPONENT = r"(?:[eE][+-]?\d+)?"
LEAST_NUMBERS = 3  # different numbers next to limits; fewer may be classes such as <5, 5 and >5
LOOKED_AT = 100  # values by which a column of text is told from one of numbers

Mark = Literal[".", ",", " ", "'"]


class Numbers(Strict):
    """Options of a table: how its numbers are written.

    Attributes:
        decimal: what separates the whole part of a number from the rest.
        thousands: what separates groups of three digits; None: nothing does. A blank is any kind of one.
        units: columns whose numbers have a unit in each row, such as ``{lead: mg/l}``; another unit is refused.
        limits: columns in which values such as <0.05 or >100 are read as their limit.
    """

    decimal: Literal[".", ","] = "."
    thousands: Mark | None = None
    units: dict[str, str] = Field(default_factory=dict)
    limits: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns whose texts stay as they are."""
        return ()

    def unit_findings(self) -> list[str]:
        """A sentence for each column whose numbers have a unit."""
        return [f"numbers of {name} have the unit {unit}, which is left out" for name, unit in self.units.items()]


@dataclass(frozen=True)
class WrittenColumn:
    """What is found in a column of text whose values are numbers that people wrote, but for `NO_VALUE`.

    Attributes:
        digits: the different numbers without limits and units.
        unit: that of all rows; empty if they have none.
        has_limits: whether some values are limits.
        has_numbers: whether other values are no texts, as in sheets of Excel.
    """

    digits: list[str]
    unit: str
    has_limits: bool = False
    has_numbers: bool = False

    def marked(self, mark: str) -> list[str]:
        """The numbers that have a mark."""
        return [number for number in self.digits if mark in number]


def means_no_value(column: pd.Series) -> pd.Series:
    """Which texts of a column are words for a missing value, ``(rows,)``."""
    if column.dtype.kind != "O":
        return pd.Series(False, column.index)
    return column.astype(str).str.lower().str.replace(r"\s", "", regex=True).isin(NO_VALUE)


def detect_numbers(frame: pd.DataFrame, where: str, thousands: str | None = None) -> tuple[Numbers, list[str]]:
    """How the numbers of a table are written, where the whole table leaves no doubt, and remarks on it.

    In 1.234 the point may be decimal or mark thousands. It is decimal where some number has it with another count of
    digits behind it, such as 5.25, and marks thousands where some number has it twice, or commas are decimal.

    Args:
        frame: columns that are used; texts are as the file has them.
        where: what messages call the table.
        thousands: the mark by the user's words, ``none`` if there is none; None: nothing is said.

    Raises:
        PareError: if nothing tells what a point or a comma means, columns contradict each other, or a column has
            several units.
    """
    columns = {str(name): found for name, column in frame.items() if (found := _written_column(column, where))}
    decimal, remarks = _decimal_mark(columns, where, thousands)
    marks: tuple[Mark, ...] = (".", ",", " ", "'")
    grouping = [
        mark
        for mark in marks
        if mark != decimal
        for name in columns
        if columns[name].marked(mark) and _all_match(columns[name].digits, decimal, mark)
    ]
    if len(set(grouping)) > 1:
        several = " and ".join(map(repr, dict.fromkeys(grouping)))
        raise PareError(f"{where}: thousands are marked by {several}; write them with one mark, or with none")
    mark = grouping[0] if grouping else None
    read = {name: column for name, column in columns.items() if _all_match(column.digits, decimal, mark)}
    return Numbers(
        decimal=decimal,
        thousands=mark,
        units={name: column.unit for name, column in read.items() if column.unit},
        limits=tuple(name for name, column in read.items() if column.has_limits),
    ), remarks


def read_numbers(frame: pd.DataFrame, numbers: Numbers, where: str) -> tuple[pd.DataFrame, list[str]]:
    """A table in which texts that are numbers became such, by the options of the task alone, and what was done.

    Args:
        frame: columns with names, rows numbered from 0.
        numbers: how they are written.
        where: what messages call the table.

    Raises:
        PareError: if a value has another unit than its column, or a decimal point where the table has commas.
    """
    read: dict[str, pd.Series] = {}
    limits: list[str] = []
    grouped: list[str] = []
    for name in map(str, frame):
        values = None if name in numbers.kept else _number_texts(frame[name], numbers, where)
        if values is None:
            continue
        digits = values.map(_digits)
        read[name] = _with_numbers(frame[name], digits, numbers)
        over = values[values.str.match("[<>≤≥]")]
        if len(over):
            limits.append(f"{name} ({counted(len(over), 'row')}, such as {over.iloc[0]})")
        marked = digits[digits.str.contains(numbers.thousands or "no mark", regex=False)]
        if len(marked):
            grouped.append(f"{marked.iloc[0]} in {name} is {_as_float(marked.iloc[0], numbers):.15g}")
    findings = []
    if grouped:
        findings.append(f"thousands are marked by {numbers.thousands!r}: {listed(grouped)}")
    if limits:
        findings.append(f"read as their limit, as if it were measured: {listed(limits)}")
    return frame.assign(**read) if read else frame, findings


def looks_written(value: object) -> bool:
    """Whether a value is a number, or a text that people take for one."""
    if isinstance(value, str):
        return VALUE.fullmatch(_plain_marks(value)) is not None
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _plain_marks(text: str) -> str:
    """A text without outer spaces, with one kind of space, apostrophe and minus."""
    return text.strip().translate(SAME_MARKS)


def _number_texts(column: pd.Series, numbers: Numbers, where: str) -> pd.Series | None:
    """The texts of a column that become numbers, by their rows; None where the column stays as it is.

    Raises:
        PareError: if a value has another unit than its column, or a decimal point where the table has commas.
    """
    name = str(column.name)
    if name not in (*numbers.units, *numbers.limits):
        if not _holds_text(column):
            return None
        # The first text tells of most columns that they hold words; each different one is looked at once.
        different = pd.Series(column.dropna().unique(), dtype=object)
        texts = different[different.map(lambda value: isinstance(value, str)).astype(bool)].map(_plain_marks)
        texts = texts[~means_no_value(texts) & ~texts.isin(MISSING)]
        if not len(texts) or not VALUE.fullmatch(texts.iloc[0]):
            return None
    if _holds_text(column):
        texts = column[column.map(lambda value: isinstance(value, str)).astype(bool)].astype(object)
    else:
        texts = pd.Series(dtype=object)
    values = texts.map(_plain_marks)
    values = values[~means_no_value(values) & ~values.isin(MISSING)]
    if name in numbers.units or name in numbers.limits:
        others = column.drop(texts.index).dropna()
        _check_values(values, others, name, numbers, where)
        return values if len(values) else None
    matches = [VALUE.fullmatch(text) for text in values.unique()]
    if any(match is None or match["unit"] or match["currency"] or match["limit"] for match in matches):
        return None
    digits = [match["digits"] for match in matches if match]
    if not _all_match(digits, numbers.decimal, numbers.thousands):
        if numbers.decimal == "," and _all_match(digits, ".", None):
            row = values.index[values.str.contains(".", regex=False)][0]
            raise PareError(
                f"{where}: column {name!r} holds {values[row]!r} in row {row + 1}, and decimals of the table are "
                "written with commas; write them alike"
            )
        return None
    are_usual = pd.to_numeric(texts[values.index], errors="coerce").notna().all()
    return None if are_usual and not numbers.thousands else values


def _holds_text(column: pd.Series) -> bool:
    return column.dtype.kind == "O" and not isinstance(column.dtype, pd.CategoricalDtype)


def _written_column(column: pd.Series, where: str) -> WrittenColumn | None:
    """What is written in a column of text; None where it holds something else than numbers."""
    if not _holds_text(column):
        return None
    first = column.dropna().iloc[:LOOKED_AT]
    if pd.to_numeric(column, errors="coerce").notna().sum() == column.notna().sum():
        # Most columns of most tables: a few values tell that points are decimal.
        usual = WrittenColumn([value.strip() for value in first if isinstance(value, str)], "")
        if _tells_decimal(usual, "."):
            return usual
    values = pd.Series(column.dropna().unique(), dtype=object)
    are_texts = values.map(lambda value: isinstance(value, str)).astype(bool)
    texts = values[are_texts].map(_plain_marks)
    texts = texts[~means_no_value(texts) & ~texts.isin(MISSING)]
    numbers = values[~are_texts]
    matches = [VALUE.fullmatch(text) for text in texts]
    found = [match for match in matches if match]
    if not found or len(found) < len(matches) or not numbers.map(looks_written).all():
        return None

    units = {(match["unit"] or match["currency"] or "").strip() for match in found} | {"" for _ in numbers[:1]}
    if len(units) > 1 and all(unit == "" or UNIT.fullmatch(unit) for unit in units):
        named = " and ".join(unit or "none" for unit in sorted(units))
        raise PareError(
            f"{where}: column {column.name!r} has several units, {named}; write one in all rows, or, if these are "
            f"names of categories, say --categorical {column.name}"
        )
    unit = next(iter(units))
    digits = sorted({match["digits"] for match in found})
    are_codes = len(digits) < 2 or any(re.fullmatch(r"0\d+", number) for number in digits)
    # Limits are certain between numbers alone.
    plain = {match["digits"] for match in found if not match["limit"]} | {*numbers}
    has_limits = any(match["limit"] for match in found)
    if len(units) > 1 or (unit and are_codes) or (has_limits and len(plain) < LEAST_NUMBERS):
        return None
    return WrittenColumn(digits, unit, has_limits, has_numbers=len(numbers) > 0)


def _decimal_mark(
    columns: dict[str, WrittenColumn], where: str, thousands: str | None
) -> tuple[Literal[".", ","], list[str]]:
    """What separates decimals in the whole table, and a remark where a number could be read otherwise."""
    decimals = {mark: [name for name, column in columns.items() if _tells_decimal(column, mark)] for mark in ".,"}
    groups = {mark: [name for name, column in columns.items() if _tells_thousands(column, mark)] for mark in ".,"}
    open_ = {
        mark: [
            name
            for name, column in columns.items()
            if any(re.fullmatch(_one_group(mark), number) for number in column.marked(mark))
            and name not in (*decimals[mark], *groups[mark])
        ]
        for mark in ".,"
    }
    for mark in ".,":
        if thousands == mark:
            groups[mark] += open_[mark]
        elif thousands is not None:
            decimals[mark] += open_[mark]
    for mark in ".,":
        other = "," if mark == "." else "."
        if decimals[mark] and groups[mark]:
            raise PareError(
                f"{where}: column {decimals[mark][0]!r} has {mark!r} before decimals, and {groups[mark][0]!r} has it "
                "between thousands; write thousands without a mark, and all decimals with one"
            )
        if open_[mark] and decimals[mark] and decimals[other]:
            thousands = None
    points, commas = (bool(decimals[mark] or groups[other]) for mark, other in (".,", ",."))
    # Next to true numbers, as Excel has them, texts may come from anywhere.
    doubtful = [(mark, name) for mark in ".," for name in open_[mark] if points == commas or columns[name].has_numbers]
    if doubtful and thousands is None:
        mark, name = doubtful[0]
        number = next(number for number in columns[name].marked(mark))
        raise PareError(
            f"{where}: {number} in column {name!r} may be {float(number.replace(mark, '.')):g} or "
            f"{number.replace(mark, '')}, and no other number tells which: say --thousands {mark} or --thousands none"
        )
    decimal: Literal[".", ","] = "," if commas and not points else "."
    remarks = []
    for name in open_[decimal] if thousands is None and decimals[decimal] else []:
        marked = columns[name].marked(decimal)
        if len(marked) < len(columns[name].digits):
            remarks.append(
                f"{marked[0]} in {name} is read as {float(marked[0].replace(decimal, '.')):g}, since "
                f"{decimals[decimal][0]} has decimals; if {decimal!r} marks thousands there, write them without it"
            )
    return decimal, remarks


def _one_group(mark: str) -> str:
    """The form of a number in which a mark may be decimal, or separate thousands."""
    return rf"[+-]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}"


def _number_form(decimal: str, mark: str | None) -> str:
    point = re.escape(decimal)
    whole = r"\d+" if mark is None else rf"(?:[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+|\d+)"
    return rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+){EXPONENT}"


def _all_match(digits: Iterable[str], decimal: str, mark: str | None) -> bool:
    form = re.compile(_number_form(decimal, mark))
    return all(form.fullmatch(number) for number in digits)


def _tells_decimal(column: WrittenColumn, mark: str) -> bool:
    """Whether a column can only be read with this decimal mark, by some number of it."""
    other = "," if mark == "." else "."
    form, one_group = re.compile(rf"[+-]?[\d {other}']*{re.escape(mark)}\d+{EXPONENT}"), re.compile(_one_group(mark))
    return any(form.fullmatch(number) and not one_group.fullmatch(number) for number in column.digits) and any(
        _all_match(column.digits, mark, thousands) for thousands in (None, other, " ", "'")
    )


def _tells_thousands(column: WrittenColumn, mark: str) -> bool:
    """Whether a column can only be read with this mark between thousands, by some number of it."""
    other = "," if mark == "." else "."
    twice = re.compile(
        rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}}){{2,}}|.*{re.escape(mark)}.*{re.escape(other)}.*"
    )
    return any(twice.fullmatch(number) for number in column.digits) and _all_match(column.digits, other, mark)


def _digits(text: str) -> str:
    match = VALUE.fullmatch(text)
    assert match is not None  # as its column was looked through
    return match["digits"]


def _as_float(digits: str, numbers: Numbers) -> float:
    if numbers.thousands:
        digits = digits.replace(numbers.thousands, "")
    return float(digits.replace(numbers.decimal, "."))


def _with_numbers(column: pd.Series, digits: pd.Series, numbers: Numbers) -> pd.Series:
    """A column with numbers in place of texts; whole numbers where it holds nothing else, as pandas reads a file."""
    values = digits.map(lambda number: _as_float(number, numbers))
    read = column.astype(object)
    read[values.index] = values
    missing = _is_absent(read)
    if not pd.to_numeric(read[~missing], errors="coerce").notna().all():
        return read
    read = pd.to_numeric(read.mask(missing, np.nan).astype(object)).astype(np.float64)
    whole = not missing.any() and not digits.str.contains(numbers.decimal, regex=False).any() and (read % 1 == 0).all()
    return read.astype(np.int64) if whole and read.abs().max() < 2**53 else read


def _is_absent(column: pd.Series) -> pd.Series:
    """Which values are missing as such, not by a word."""
    return column.isna() | column.map(lambda value: isinstance(value, str) and value.strip() in MISSING).astype(bool)


def _check_values(values: pd.Series, others: pd.Series, name: str, numbers: Numbers, where: str) -> None:
    """Refuse a value without the unit of its column, a limit where none is expected, and what is no number; PareError.

    Args:
        values: texts, by their rows.
        others: values that are no texts, by their rows.
        name: name of the column.
        numbers: how they are written.
        where: what messages call the table.
    """
    unit = numbers.units.get(name, "")
    wrong = others if unit else others[:0]
    for row, value in values.items():
        match = VALUE.fullmatch(value)
        if (
            match is None
            or (match["unit"] or match["currency"] or "").strip() != unit
            or not _all_match([match["digits"]], numbers.decimal, numbers.thousands)
            or (match["limit"] and name not in numbers.limits)
        ):
            wrong = pd.Series({row: value})
            break
    if len(wrong):
        expected = f"a number with the unit {unit} behind it" if unit else "a number, or a limit such as <0.05"
        raise PareError(
            f"{where}: column {name!r} holds {str(wrong.iloc[0])!r} in row {wrong.index[0] + 1}; expected {expected}, "
            "as the file of the task has it"
        )
