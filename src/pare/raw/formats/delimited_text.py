"""Tables of text, one line a row: CSV and TSV, also compressed by gzip."""

import csv
import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TextIO, cast

import pandas as pd

from pare.config.errors import PareError
from pare.raw.formats.messages import FETCH

COMMA, TAB = (".csv", ".csv.gz"), (".tsv", ".tsv.gz")
MISSING = ("", "?", "NaN", "nan", "NAN")
DELIMITERS = (",", ";", "\t", "|")
AGAIN = f"put the whole file there, or remove it and {FETCH}"
UTF_8 = "utf-8-sig"  # with or without a byte order mark
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
WHOLE = r"[+-]?\d+(?:[eE][+-]?\d+)?"
POINT_THOUSANDS = r"[+-]?\d{1,3}(?:\.\d{3})+"
COMMA_NUMBER, POINT_NUMBER = (rf"[+-]?\d*{mark}\d+(?:[eE][+-]?\d+)?" for mark in (",", r"\."))


@dataclass(frozen=True)
class Dialect:
    """How a table of text is written.

    Attributes:
        delimiter: what separates the values of a line; None: a tab in TSV, else a comma.
        encoding: as Python names it.
        decimal: what separates the whole part of a number from the rest.
        header: whether the first line has the names of the columns; else they are 1, 2, …
    """

    delimiter: str | None = None
    encoding: str = UTF_8
    decimal: str = "."
    header: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Dialect":
        """What the options of a table's reader say of it."""
        return cls(**{field.name: options[field.name] for field in fields(cls) if field.name in options})

    def delimiter_of(self, path: Path) -> str:
        """What separates the values of a file's lines."""
        return self.delimiter or ("\t" if path.name.lower().endswith(TAB) else ",")


def detect_dialect(path: Path, encoding: str | None, *, names_needed: bool = True) -> Dialect:
    """How a file is written, as far as it says so itself.

    The delimiter is the most frequent in the first line. Commas are decimal where they separate no values and some
    column holds nothing but numbers with a comma, and none such with a point.

    Args:
        path: of a CSV or TSV file.
        encoding: None: UTF-8, or UTF-16 with a byte order mark.
        names_needed: whether the first line is a header even if it has nothing but numbers.

    Raises:
        PareError: if the file is damaged or has another encoding, or points may be decimal or mark thousands.
    """
    encoding = encoding or _encoding(path)
    try:
        with _open_text(path, encoding) as stream:
            first = stream.readline()
            for _ in stream:
                pass
    except (UnicodeError, LookupError) as error:
        raise _wrong_encoding(path, encoding, error) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PareError(f"{path} is damaged or cut short ({error}); {AGAIN}") from error
    # Numbers with decimal commas have more commas than delimiters.
    rarer = [] if names_needed else [mark for mark in DELIMITERS if mark != "," and mark in first]
    delimiter = max(rarer or DELIMITERS, key=first.count)
    usual = Dialect(encoding=encoding)
    header = names_needed or not all(map(_is_number, first.strip().split(delimiter)))
    found = Dialect(None if delimiter == usual.delimiter_of(path) else delimiter, encoding, header=header)
    return replace(found, decimal="," if delimiter != "," and _has_decimal_commas(path, found) else ".")


def load_text(path: Path, dialect: Dialect, **options: Any) -> pd.DataFrame:
    """Load a CSV or TSV file; options are those of `pandas.read_csv`.

    Raises:
        PareError: if a line has more or fewer values than the header, a column has no name of its own, the header
            seems to be missing, the delimiter seems to be another, or the encoding is.
    """
    delimiter = dialect.delimiter_of(path)
    try:
        names = _check_lines(path, dialect)
    except (UnicodeError, LookupError) as error:
        raise _wrong_encoding(path, dialect.encoding, error) from error
    # low_memory=False: else pandas may find another type in each block of one column.
    return pd.read_csv(
        path,
        sep=delimiter,
        header=0 if dialect.header else None,
        names=names,
        index_col=False,
        skipinitialspace=True,
        keep_default_na=False,
        na_values=list(MISSING),
        encoding=dialect.encoding,
        decimal=dialect.decimal,
        low_memory=False,
        **options,
    )


def check_names(names: Sequence[str], where: Path | str) -> None:
    """Refuse columns without a name of their own; PareError."""
    if "" in names:
        raise PareError(f"{where}: column {names.index('') + 1} of {len(names)} has no name; name it in the header")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise PareError(
            f"{where}: several columns are named {', '.join(map(repr, twice))}; give each column a name of its own"
        )


def _open_text(path: Path, encoding: str) -> TextIO:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    return cast(TextIO, opened(path, "rt", encoding=encoding, newline=""))


def _encoding(path: Path) -> str:
    with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rb") as stream:
        return "utf-16" if stream.read(2) in BYTE_ORDER_MARKS else UTF_8


def _wrong_encoding(path: Path, encoding: str, error: Exception) -> PareError:
    return PareError(
        f"{path} cannot be read as {encoding.removesuffix('-sig')} ({error}); set the reader's option 'encoding' to "
        "its own, such as utf-8, utf-16 or, of older programs in Western Europe, latin-1 or cp1252"
    )


def _has_decimal_commas(path: Path, dialect: Dialect) -> bool:
    frame = load_text(path, dialect, dtype=str)
    commas, points, thousands = (
        {name for name in frame if _are_numbers(frame[name], number)}
        for number in (COMMA_NUMBER, POINT_NUMBER, POINT_THOUSANDS)
    )
    if commas and points and points <= thousands:
        name = min(points, key=list(frame).index)
        value = frame[name].dropna()[lambda texts: texts.str.contains(".", regex=False)].iloc[0]
        raise PareError(
            f"{path}: column {name!r} holds {value!r}, and {min(commas, key=list(frame).index)!r} has decimal commas; "
            "write thousands without a point, and all decimals with one mark"
        )
    return bool(commas) and not points


def _are_numbers(column: pd.Series, number: str) -> bool:
    """Whether all values are numbers, and some of this form."""
    text = column.dropna().str.strip()
    return bool(text.str.fullmatch(f"{number}|{WHOLE}").all() and text.str.fullmatch(number).any())


def _check_lines(path: Path, dialect: Dialect) -> list[str]:
    """Names of the columns; pandas would fill short lines, rename twins and take a lone name for a column."""
    delimiter = dialect.delimiter_of(path)
    with _open_text(path, dialect.encoding) as stream:
        lines = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
        first = [name.strip() for name in next(filter(None, lines), [])]
        _check_delimiter(first, delimiter, path)
        if dialect.header:
            _check_header(first, delimiter, path)
        names = first if dialect.header else [str(i + 1) for i in range(len(first))]
        check_names(names, path)
        for line in lines:
            if line and len(line) != len(names):
                known = f"the header names {len(names)} columns" if dialect.header else f"the first has {len(names)}"
                raise PareError(
                    f"{path}, line {lines.line_num}: {len(line)} values, but {known}; correct the line, or, if the "
                    f"file is cut short, {AGAIN}"
                )
    return names


def _is_number(text: str) -> bool:
    try:
        float(text.strip(' "\r\n').replace(",", "."))
    except ValueError:
        return False
    return True


def _check_header(names: Sequence[str], delimiter: str, path: Path) -> None:
    """Refuse a first line of numbers, which would be lost; whole ones, such as years, may name columns."""
    years = all(name.isdigit() for name in names) and len(set(names)) == len(names)
    if all(map(_is_number, names)) and not years:
        raise PareError(
            f"{path}: the first line must hold the names of the columns, found the numbers {', '.join(names[:5])}"
            f"{', …' if len(names) > 5 else ''}; put a line of names above it, such as "
            f"{delimiter.join(f'x{i + 1}' for i in range(min(len(names), 5)))}, one for each column"
        )


def _check_delimiter(header: Sequence[str], delimiter: str, path: Path) -> None:
    other = [d for d in DELIMITERS if d != delimiter and len(header) == 1 and d in header[0]]
    if other:
        raise PareError(
            f"{path}: the header is the single name {header[0]!r}; values seem to be divided by {other[0]!r}, not by "
            f"{delimiter!r}: set the reader's option delimiter: {other[0]!r}"
        )
