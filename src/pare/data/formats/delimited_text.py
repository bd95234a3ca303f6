"""Tables of text, one line a row: CSV, TSV and plain text, also compressed by gzip."""

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import IO, Annotated, Any, TextIO

import pandas as pd
from pydantic import Field

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.memory import bytes_text, check_memory
from pare.data.formats.written_numbers import MISSING, Numbers, detect_numbers

COMMA, TAB = (".csv", ".csv.gz"), (".tsv", ".tsv.gz")
PLAIN = (".txt", ".dat", ".txt.gz", ".dat.gz")  # tables with any delimiter, but also other text
TEXT = (*COMMA, *TAB, *PLAIN)
Words = tuple[Annotated[str, Field(coerce_numbers_to_str=True)], ...]
BLANKS = " "  # as a delimiter: any run of blanks and tabs
DELIMITERS = (",", ";", "\t", "|")
COMMENT = re.compile(r"#\s+")  # what numpy writes before a header
AGAIN = f"put the whole file there, or remove it and {FETCH}"
LINE_BYTES = 1 << 26  # the most that a line has
UTF_8 = "utf-8-sig"  # with or without a byte order mark
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # the two of UTF-16


class Dialect(Numbers):
    """Options of a table: how it is written. Delimiter, encoding and header concern files of text alone.

    Attributes:
        delimiter: what separates the values of a line, see `BLANKS`; None: a tab in TSV, else a comma.
        encoding: as Python names it; by default UTF-8, with or without a byte order mark.
        header: whether the first line has the names of the columns; else they are 1, 2, …
        missing: words and numbers that are missing values in every column, such as -999, in addition to `MISSING`.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str = UTF_8
    header: bool = True
    missing: Words = ()

    def delimiter_of(self, path: Path) -> str:
        """What separates the values of a file's lines."""
        return self.delimiter or ("\t" if path.name.lower().endswith(TAB) else ",")


def detect_dialect(path: Path, encoding: str | None, *, missing: Words = (), names_needed: bool = True) -> Dialect:
    """How a file of text is written: `detect_layout`, and how all its numbers are, `detect_numbers`.

    Raises:
        PareError: those of both.
    """
    found = detect_layout(path, encoding, missing=missing, names_needed=names_needed)
    numbers, _ = detect_numbers(load_text(path, found, dtype=str), str(path))
    return found.model_copy(update=numbers.model_dump())


def detect_layout(path: Path, encoding: str | None, *, missing: Words = (), names_needed: bool = True) -> Dialect:
    """How a file of text is laid out, as far as it says so itself.

    The delimiter is the one that divides the first two lines alike, of several the most frequent, or blanks where the
    first line has none.

    Args:
        path: a file of text.
        encoding: None: UTF-8, or UTF-16 with a byte order mark.
        missing: words that are missing values.
        names_needed: whether the first line is a header even if it has nothing but numbers.

    Raises:
        PareError: if the file is damaged or has another encoding.
    """
    _check_lines(path)
    encoding = encoding or _encoding(path)
    try:
        with _open_text(path, encoding, _lines_above(path, encoding)) as stream:
            first, second = COMMENT.sub("", stream.readline(), count=1), stream.readline()
            for _ in stream:
                pass
    except (UnicodeError, LookupError) as error:
        raise wrong_encoding(path, encoding, error) from error
    # Numbers with decimal commas have more commas than delimiters.
    rarer = [] if names_needed else [mark for mark in DELIMITERS if mark != "," and mark in first]
    delimiter = max(rarer or DELIMITERS, key=lambda mark: _fit([first, second], mark))
    if delimiter not in first and _fit([first, second], BLANKS)[0]:
        delimiter = BLANKS
    usual = Dialect(encoding=encoding, missing=missing)
    names, *below = _split([first, second], delimiter)
    counted = names == [str(i) for i in range(len(names))] and (
        len(names) > 3 or any(not _is_number(text) for row in below for text in row)
    )  # as pandas writes columns without names; a few numbers may be a first row as well
    header = names_needed or counted or not all(map(_is_number, names))
    told = {"delimiter": None if delimiter == usual.delimiter_of(path) else delimiter, "header": header}
    return usual.model_copy(update=told)


def _fit(lines: Sequence[str], delimiter: str) -> tuple[bool, int]:
    """Whether a delimiter divides a header and the line below it alike, perhaps with one more value, and how often."""
    width, *below = [len(values) for values in _split(lines, delimiter)]
    return width > 1 and below in ([width], [width + 1]), width


def load_text(path: Path, dialect: Dialect, **options: Any) -> pd.DataFrame:
    """Load a file of text; options are those of `pandas.read_csv`.

    Raises:
        PareError: if a line has more or fewer values than the header, two columns have one name, the header seems to
            be missing, the delimiter seems to be another, or the encoding is.
    """
    delimiter = dialect.delimiter_of(path)
    _check_lines(path)
    try:
        above, names, rows = _layout(path, dialect)
    except (UnicodeError, LookupError) as error:
        raise wrong_encoding(path, dialect.encoding, error) from error
    if not rows:
        return pd.DataFrame(columns=names)
    with _open_text(path, dialect.encoding, above) as stream:
        # low_memory=False: else pandas may find another type in each block of one column.
        frame = pd.read_csv(
            stream,
            sep=r"\s+" if delimiter == BLANKS else delimiter,
            header=None,
            names=range(len(names)),
            index_col=False,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=[*MISSING, *map(str, dialect.missing)],
            decimal=dialect.decimal,
            low_memory=False,
            **options,
        )
    return with_own_names(frame.set_axis(names, axis="columns"), path)


def with_own_names(frame: pd.DataFrame, where: Path | str) -> pd.DataFrame:
    """A table whose columns have a name each: one without is called by its place, or left out if it is empty.

    Args:
        frame: the table.
        where: what messages call it.

    Raises:
        PareError: if two columns have the same name.
    """
    names = [str(name) for name in frame]
    if "" in names:
        places = [i for i, name in enumerate(names) if name or frame.iloc[:, i].notna().any()]
        frame, names = frame.iloc[:, places], [names[i] or _by_place(place) for place, i in enumerate(places)]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise PareError(
            f"{where}: several columns are named {', '.join(map(repr, twice))}; give each column a name of its own"
        )
    return frame.set_axis(names, axis="columns")


def called_by_place(frame: pd.DataFrame) -> list[str]:
    """Columns that have no name in their file."""
    return [name for place, name in enumerate(frame) if name == _by_place(place)]


def _by_place(place: int) -> str:
    return f"column {place + 1}"


def _open(path: Path) -> Any:
    """The bytes of a file, unpacked."""
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")


def _open_text(path: Path, encoding: str, above: int = 0) -> TextIO:
    """The text of a file below its first lines."""
    stream = TextIOWrapper(_open(path), encoding, newline="")
    for _ in islice(stream, above):
        pass
    return stream


def _check_lines(path: Path) -> None:
    """Refuse text that is damaged, does not fit into memory, or has a line that is none, before a line is read whole.

    Raises:
        PareError: with the sizes.
    """
    with _open(path) as stream:
        size = line = 0
        for block in _blocks(stream, path):
            size += len(block)
            end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
            line = len(block) - end if end else line + len(block)
            check_memory(size, str(path))
            if line > LINE_BYTES:
                raise PareError(
                    f"{path} has a line of more than {bytes_text(LINE_BYTES)}, which no table has; write one line a row"
                )


def _blocks(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    try:
        yield from iter(lambda: stream.read(1 << 20), b"")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PareError(f"{path} is damaged or cut short ({error}); {AGAIN}") from error


def _split(lines: Iterable[str], delimiter: str) -> Any:
    """The values of each line; ``line_num`` of it is the line that was read last."""
    if delimiter == BLANKS:
        lines = (line.strip().replace("\t", BLANKS) for line in lines)
    csv.field_size_limit(LINE_BYTES)  # else 131,072 characters, which free text or a line that is not split may have
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def _lines_above(path: Path, encoding: str) -> int:
    """How many lines are above a table: empty ones, comments, which begin with #, and the delimiter for Excel."""
    above: list[str] = []
    with _open_text(path, encoding) as stream:
        for line in stream:
            if line.strip() and not line.startswith(("#", "sep=")):
                is_comment = bool(above) and above[-1].startswith("#")
                return len(above) - (is_comment and _is_header(above[-1], line, next(stream, "")))
            above.append(line)
    return 0


def _is_header(comment: str, *lines: str) -> bool:
    """Whether a line that begins with # names the columns: as many as the next has values, and that names none."""
    for mark in (*DELIMITERS, BLANKS):
        names, *values = [next(_split([line], mark)) for line in (COMMENT.sub("", comment, count=1), *lines)]
        numbers = [any(map(_is_number, line)) for line in values]
        if 1 < len(names) == len(values[0]) and numbers != [False, True]:
            return True
    return False


def _encoding(path: Path) -> str:
    with _open(path) as stream:
        return "utf-16" if stream.read(2) in BYTE_ORDER_MARKS else UTF_8


def wrong_encoding(path: Path, encoding: str, error: Exception) -> PareError:
    """What is said of a text that is not written in an encoding."""
    return PareError(
        f"{path} cannot be read as {encoding.removesuffix('-sig')} ({error}); set the reader's option 'encoding' to "
        "its own, such as utf-8, utf-16 or, of older programs in Western Europe, latin-1 or cp1252"
    )


def _layout(path: Path, dialect: Dialect) -> tuple[int, list[str], bool]:
    """The lines above the first values, names of the columns, and whether there are values.

    Pandas would fill short lines, and take a lone name for a column. R writes no name above the names of rows, and
    spreadsheets may end each line but the header in a delimiter.
    """
    delimiter, above = dialect.delimiter_of(path), _lines_above(path, dialect.encoding)
    with _open_text(path, dialect.encoding, above) as stream:
        lines = _split(chain([COMMENT.sub("", stream.readline(), count=1)], stream), delimiter)
        first = [name.strip() for name in next(filter(None, lines), [])]
        _check_delimiter(first, delimiter, path)
        if not dialect.header:
            names, start, widths = [str(i + 1) for i in range(len(first))], above, {len(first): above + 1}
        else:
            _check_header(first, delimiter, path)
            names, start, widths = first, above + lines.line_num, {}
        last_values = set()
        for line in filter(None, lines):
            widths.setdefault(len(line), above + lines.line_num)
            last_values.add(bool(line[-1]))
    if dialect.header and widths.keys() == {len(names) + 1}:
        names = ["", *names] if True in last_values else [*names, ""]
    for width, line_number in widths.items():
        if width != len(names):
            known = f"the header names {len(names)} columns" if dialect.header else f"the first has {len(names)}"
            raise PareError(
                f"{path}, line {line_number}: {width} values, but {known}; correct the line, or, if the file is cut "
                f"short, {AGAIN}. Remove lines above the header, or let them begin with #"
            )
    return start, names, bool(widths)


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
