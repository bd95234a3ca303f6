"""Tables in files of many kinds and in memory, as data frames that keep what is declared, and what was done to them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import arff
import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.config.words import listed
from pare.data.files import FETCH
from pare.data.formats.delimited_text import (
    AGAIN,
    PLAIN,
    TEXT,
    Dialect,
    load_text,
    with_own_names,
    wrong_encoding,
)
from pare.data.formats.excel import load_excel
from pare.data.formats.memory import check_memory
from pare.data.formats.statistics_files import load_r, load_stata
from pare.data.formats.table_notes import leave_out_notes
from pare.data.formats.written_numbers import MISSING, read_numbers

DESCRIPTION = "dataset.json"  # OpenML's words about a table: its target, its categories
# KEEL's repository writes `@attribute Age real [21.0, 81.0]`; the parser knows no bounds.
BOUNDS = re.compile(r"(@attribute\s.+\s(?:real|integer))\s*\[[^\]]*\]\s*", re.IGNORECASE)
SPSS = (".sav", ".zsav", ".por")  # known in order to say what to do


def find_table(folder: Path, file: str | None) -> Path:
    """The table of a folder: the named file, or the only one; plain text counts where nothing else is a table.

    Raises:
        PareError: if there is none, or several and none is named.
    """
    tables = [p for p in sorted(folder.glob("*")) if table_suffix(p) and p.is_file()]
    found = [p for p in tables if table_suffix(p) not in PLAIN] or tables
    names = ", ".join(p.name for p in found)
    if file is not None:
        if not (folder / file).is_file():
            raise PareError(f"{folder / file} is missing; put it there, or {FETCH}; tables there: {names or 'none'}")
        return folder / file
    if not found:
        raise PareError(f"{folder} holds no table ({', '.join(SUFFIXES)}); put one there, or {FETCH}")
    if len(found) > 1:
        raise PareError(f"{folder} holds {names}: keep one, or name it with the reader's option 'file'")
    return found[0]


def table_suffix(path: Path) -> str:
    """The ending by which a table's format is known, in small letters; nothing for other files."""
    return next((suffix for suffix in (*SUFFIXES, *SPSS) if path.name.lower().endswith(suffix)), "")


@dataclass(frozen=True)
class LoadedTable:
    """A table as a reader needs it.

    Attributes:
        frame: one row a sample, rows numbered from 0.
        findings: what was done to what the file holds, a sentence each without a full stop.
    """

    frame: pd.DataFrame
    findings: tuple[str, ...]


def load_frame(path: Path, dialect: Dialect) -> pd.DataFrame:
    """The rows that `load_table` gives."""
    return load_table(path, dialect).frame


def load_table(path: Path, dialect: Dialect) -> LoadedTable:
    """Load a table by its suffix.

    Args:
        path: ``.arff``, ``.parquet``, ``.feather``, a sheet of ``.xlsx``, ``.jsonl`` with an object a line, Stata's
            ``.dta``, R's ``.rds`` or ``.RData``, or ``.csv``, ``.tsv``, ``.txt`` or ``.dat`` with a header line, also
            as ``.gz``.
        dialect: how text is written, and what is missing.

    Returns:
        Columns that the file declares as nominal are pandas categoricals in the declared order; missing values are
        missing. Names are those of `with_own_names`.

    Raises:
        PareError: if the suffix is another, the file is damaged, does not fit into memory or has no rows, names of
            columns occur twice, or it is not clear what a value means.
    """
    rows = load_rows(path, dialect)
    cleaned = clean_frame(rows.frame, str(path), dialect)
    return LoadedTable(cleaned.frame, (*rows.findings, *cleaned.findings))


def load_rows(path: Path, dialect: Dialect, **options: Any) -> LoadedTable:
    """The rows of a file without those that are no samples, and with values as they are in the file.

    Args:
        path: see `load_table`.
        dialect: how text is laid out.
        options: arguments of `pandas.read_csv`, for text.

    Raises:
        PareError: as `load_table`.
    """
    suffix = table_suffix(path)
    if suffix in SPSS:
        raise PareError(
            f"{path}: files of SPSS are not read, since its readers end the process on damaged ones; save it as .dta "
            "(Stata) or .csv in SPSS, R (haven) or Python (pyreadstat)"
        )
    if not suffix:
        raise PareError(f"{path}: tables end in {', '.join(SUFFIXES)}; convert it, or name another file")
    findings: list[str] = []
    try:
        check_memory(path.stat().st_size, str(path))
        if suffix in TEXT:
            frame, findings = leave_out_notes(load_text(path, dialect, **options))
            frame = frame.reset_index(drop=True)
        else:
            frame = LOADERS[suffix](path, dialect, findings)
        frame = plain_table(frame, path)
    except PareError:
        raise
    except Exception as error:  # each parser has errors of its own, and pyarrow reads text when it is asked for
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PareError(f"{path} is damaged, cut short or not {suffix} at all ({reason}); {AGAIN}") from error
    if frame.empty:
        raise PareError(f"{path} is cut short: it has no rows; {AGAIN}")
    return LoadedTable(frame, tuple(findings))


def clean_frame(frame: pd.DataFrame, where: str, dialect: Dialect) -> LoadedTable:
    """A table of a file or in memory, read by the options of a task alone, so that new rows are read as the first were.

    Args:
        frame: rows numbered from 0.
        where: what messages call it.
        dialect: how numbers are written, and what is missing.

    Raises:
        PareError: those of `plain_table`, or if a number is written in another way.
    """
    frame, findings = read_numbers(plain_table(frame, where, dialect.missing), dialect, where)
    return LoadedTable(frame, tuple(findings))


def pandas_frame(rows: Any) -> pd.DataFrame | None:
    """A table in memory as a pandas frame, also one of polars or pyarrow; None where it is no table."""
    frame = rows.to_pandas() if hasattr(rows, "to_pandas") else rows
    return frame if isinstance(frame, pd.DataFrame) else None


def plain_table(frame: pd.DataFrame, where: Path | str, missing: Iterable[object] = ()) -> pd.DataFrame:
    """A table, of a file or in memory, with a name above each column and one number, text or time in each place.

    Times of the day are durations since midnight.

    Args:
        frame: the table.
        where: what messages call it.
        missing: words and numbers that are missing values.

    Raises:
        PareError: if two columns have one name, or one holds lists, structures, bytes or complex numbers.
    """
    frame = with_own_names(frame, where)
    changed: dict[str, pd.Series] = {}
    for name in map(str, frame):
        column = frame[name]
        first = _first(column) if column.dtype.kind in "Oc" else None  # other types hold one kind of value
        if isinstance(first, list | tuple | dict | np.ndarray | bytes | complex | np.complexfloating):
            raise PareError(
                f"{where}: column {name!r} holds {first!r}; a table has one number, text or time in each place: make "
                "such columns of it, or remove the column"
            )
        # pandas cannot group by, or count with, values of these types.
        if column.dtype == np.float16:
            changed[name] = column.astype(np.float32)
        elif isinstance(first, Decimal):
            changed[name] = column.map(lambda value: float(value) if isinstance(value, Decimal) else value)
        elif isinstance(first, time | timedelta) and column.dtype.kind == "O" and column.dropna().map(_is_span).all():
            changed[name] = pd.to_timedelta(column.map(lambda value: str(value) if _is_span(value) else value))
    return without_words(frame.assign(**changed) if changed else frame, missing)


def _is_span(value: object) -> bool:
    return isinstance(value, time | timedelta)


def without_words(frame: pd.DataFrame, words: Iterable[object]) -> pd.DataFrame:
    """A table in which these words and numbers are missing values; no declared category is one of them."""
    texts = [str(word).strip() for word in words]
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").dropna()

    def known(column: pd.Series) -> pd.Series:
        if isinstance(column.dtype, pd.CategoricalDtype):
            return column.cat.remove_categories([level for level in column.cat.categories if str(level) in texts])
        text = column.astype(object).map(lambda value: str(value).strip())
        return column.mask(text.isin(texts) | pd.to_numeric(text, errors="coerce").isin(numbers))

    return frame.apply(known) if texts else frame


def _first(column: pd.Series) -> Any:
    """The first value that is not missing; None if all are missing."""
    at = column.first_valid_index()
    return None if at is None else column.loc[at]


def text_levels(column: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """The different texts of a column, without outer spaces, and which of them each row has.

    Each different text is looked at once, which is what makes long columns of few categories quick.

    Args:
        column: a column of any kind; other values than texts become texts.

    Returns:
        Codes ``(rows,)``, -1 where a value is missing, and the texts in the order of their first row, ``(levels,)``.
    """
    if pd.api.types.infer_dtype(column, skipna=True) != "string":  # pandas takes 1, 1.0 and True for one level
        column = column.astype(object).map(str, na_action="ignore")
    codes, different = pd.factorize(column)
    texts = pd.Series(different, dtype=object).map(str.strip)
    merged, levels = pd.factorize(texts.mask(texts.isin(MISSING)))
    # The last place is that of code -1.
    return np.append(merged, -1)[codes], pd.Series(levels, dtype=object)


def present_text(column: pd.Series) -> pd.Series:
    """Values as text without outer spaces; missing ones are left out, the rest keep their row numbers."""
    codes, levels = text_levels(column)
    known = codes >= 0
    return pd.Series(levels.to_numpy()[codes[known]], column.index[known], dtype=object, name=column.name)


def check_columns(frame: pd.DataFrame, wanted: Sequence[str], where: str) -> None:
    """Refuse a table without some of the wanted columns; PareError with all that it lacks.

    Args:
        frame: with columns of any other names as well, in any order.
        wanted: names of columns.
        where: what messages call the table.
    """
    lacking = [name for name in wanted if name not in frame]
    if lacking:
        raise PareError(
            f"{where} lacks {listed(lacking)}; it has {listed([str(name) for name in frame])}. Bring a table with all "
            f"{len(wanted)} columns that the task learnt from; their order does not matter"
        )


def _load_arff(path: Path, dialect: Dialect, findings: list[str]) -> pd.DataFrame:
    """By the parser that OpenML's own client uses; nominal attributes become categoricals."""
    try:
        with path.open(encoding=dialect.encoding) as stream:
            content = arff.load(BOUNDS.sub(r"\1\n", line) if line.startswith("@") else line for line in stream)
    except UnicodeError as error:
        raise wrong_encoding(path, dialect.encoding, error) from error
    frame = pd.DataFrame(content["data"], columns=[name for name, _ in content["attributes"]])
    levels = {name: pd.CategoricalDtype(kind) for name, kind in content["attributes"] if isinstance(kind, list)}
    return frame.astype(levels)


def _load_parquet(path: Path, dialect: Dialect, findings: list[str]) -> pd.DataFrame:
    from pyarrow import parquet  # noqa: PLC0415 - slow to import

    with parquet.ParquetFile(path) as file:
        _check_columns_fit(file.schema_arrow, file.metadata.num_rows, path)
        return _from_arrow(file.read(), findings)


def _load_feather(path: Path, dialect: Dialect, findings: list[str]) -> pd.DataFrame:
    import pyarrow  # noqa: PLC0415 - slow to import
    from pyarrow import feather  # noqa: PLC0415

    with pyarrow.memory_map(str(path)) as file:
        schema = pyarrow.ipc.open_file(file).schema
    _check_columns_fit(schema, feather.read_table(path, columns=[]).num_rows, path)
    return _from_arrow(feather.read_table(path), findings)


def _from_arrow(table: Any, findings: list[str]) -> pd.DataFrame:
    table.validate(full=True)  # text of a damaged file would fail when it is read, or end the process
    frame = table.to_pandas()
    # Parquet stores categories of numbers as numbers, and pandas writes down which they were.
    for described in (table.schema.pandas_metadata or {}).get("columns", []):
        name = described.get("name")
        if described.get("pandas_type") == "categorical" and name in frame and frame[name].dtype.kind in "iuf":
            frame[name] = frame[name].astype("category")
    is_unnamed = frame.index.names == [None]
    if is_unnamed and len(frame) and not isinstance(frame.index, pd.RangeIndex):
        findings.append(f"the index has no name and is left out, such as {frame.index[0]}")
    return frame.reset_index(drop=is_unnamed)


def _check_columns_fit(schema: Any, rows: int, path: Path) -> None:
    """Refuse a table whose columns, uncompressed, do not fit into memory; TooLargeError with the sizes."""
    bits = 0
    for column in schema:
        try:
            bits += column.type.bit_width
        except ValueError:  # texts have at least the places where they begin
            bits += 32
    check_memory(rows * bits // 8, str(path))


def _load_json_lines(path: Path, dialect: Dialect, findings: list[str]) -> pd.DataFrame:
    # Values and names such as 01 and 2024-05-31 stay as they are.
    return pd.read_json(
        path,
        lines=True,
        convert_axes=False,
        convert_dates=False,
        dtype=False,
        precise_float=True,
        encoding=dialect.encoding,
    )


LOADERS: dict[str, Callable[[Path, Dialect, list[str]], pd.DataFrame]] = {
    ".arff": _load_arff,
    ".dta": lambda path, _, findings: load_stata(path, findings),
    ".feather": _load_feather,
    ".jsonl": _load_json_lines,
    ".parquet": _load_parquet,
    **dict.fromkeys((".rds", ".rdata"), lambda path, *_: load_r(path)),
    ".xlsx": lambda path, _, findings: load_excel(path, findings),
}
SUFFIXES = (".arff", *TEXT, *list(LOADERS)[1:])
