"""Tables in ARFF, text, JSON lines, Excel and Parquet files, as data frames that keep what the file declares."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import arff
import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.config.words import listed
from pare.data.files import FETCH
from pare.data.formats.delimited_text import (
    AGAIN,
    MISSING,
    PLAIN,
    TEXT,
    Dialect,
    load_text,
    with_own_names,
    wrong_encoding,
)
from pare.data.formats.memory import OBJECTS, check_memory

DESCRIPTION = "dataset.json"  # OpenML's words about a table: its target, its categories
# KEEL's repository writes `@attribute Age real [21.0, 81.0]`; the parser knows no bounds.
BOUNDS = re.compile(r"(@attribute\s.+\s(?:real|integer))\s*\[[^\]]*\]\s*", re.IGNORECASE)
EXCEL_ERRORS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
SHEET_ROWS = 1 << 20  # that a sheet of Excel can have
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="(\w+:\w+)"')  # in the XML of a sheet
LOOK = 1000  # rows after which their memory is looked at


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
    return next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), "")


def load_frame(path: Path, dialect: Dialect) -> pd.DataFrame:
    """Load a table by its suffix.

    Args:
        path: ``.arff``, ``.parquet``, the first sheet of ``.xlsx``, ``.jsonl`` with an object a line, or ``.csv``,
            ``.tsv``, ``.txt`` or ``.dat`` with a header line, also as ``.gz``.
        dialect: how text is written, and what is missing.

    Returns:
        One row a sample, rows numbered from 0. Columns that the file declares as nominal are pandas categoricals
        in the declared order; missing values are missing. Names are those of `with_own_names`.

    Raises:
        PareError: if the suffix is another, the file is damaged, does not fit into memory or has no rows, or names of
            columns occur twice.
    """
    suffix = table_suffix(path)
    if not suffix:
        raise PareError(f"{path}: tables end in {', '.join(SUFFIXES)}; convert it, or name another file")
    try:
        check_memory(path.stat().st_size, str(path))
        frame = plain_table(LOADERS[suffix](path, dialect), path, dialect.missing)
    except PareError:
        raise
    except Exception as error:  # each parser has errors of its own, and pyarrow reads text when it is asked for
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PareError(f"{path} is damaged, cut short or not {suffix} at all ({reason}); {AGAIN}") from error
    if frame.empty:
        raise PareError(f"{path} is cut short: it has no rows; {AGAIN}")
    return frame


def pandas_frame(rows: Any) -> pd.DataFrame | None:
    """A table in memory as a pandas frame, also one of polars or pyarrow; None where it is no table."""
    frame = rows.to_pandas() if hasattr(rows, "to_pandas") else rows
    return frame if isinstance(frame, pd.DataFrame) else None


def plain_table(frame: pd.DataFrame, where: Path | str, missing: Iterable[object] = ()) -> pd.DataFrame:
    """A table, of a file or in memory, with a name above each column and one number, text or time in each place.

    Args:
        frame: the table.
        where: what messages call it.
        missing: words and numbers that are missing values.

    Raises:
        PareError: if two columns have one name, or one holds lists, structures, bytes or complex numbers.
    """
    frame = with_own_names(frame, where)
    for name in frame:
        first = _first(frame[name])
        if isinstance(first, list | tuple | dict | np.ndarray | bytes | complex | np.complexfloating):
            raise PareError(
                f"{where}: column {name!r} holds {first!r}; a table has one number, text or time in each place: make "
                "such columns of it, or remove the column"
            )
    halves = frame.select_dtypes(np.float16).columns  # pandas cannot group by them
    return without_words(frame.astype(dict.fromkeys(halves, np.float32)), missing)


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


def _load_arff(path: Path, dialect: Dialect) -> pd.DataFrame:
    """By the parser that OpenML's own client uses; nominal attributes become categoricals."""
    try:
        with path.open(encoding=dialect.encoding) as stream:
            content = arff.load(BOUNDS.sub(r"\1\n", line) if line.startswith("@") else line for line in stream)
    except UnicodeError as error:
        raise wrong_encoding(path, dialect.encoding, error) from error
    frame = pd.DataFrame(content["data"], columns=[name for name, _ in content["attributes"]])
    levels = {name: pd.CategoricalDtype(kind) for name, kind in content["attributes"] if isinstance(kind, list)}
    return frame.astype(levels)


def _load_parquet(path: Path, dialect: Dialect) -> pd.DataFrame:
    from pyarrow import parquet  # noqa: PLC0415 - slow to import

    with parquet.ParquetFile(path) as file:
        _check_columns_fit(file.schema_arrow, file.metadata.num_rows, path)
        return _from_arrow(file.read())


def _load_feather(path: Path, dialect: Dialect) -> pd.DataFrame:
    import pyarrow  # noqa: PLC0415 - slow to import
    from pyarrow import feather  # noqa: PLC0415

    with pyarrow.memory_map(str(path)) as file:
        schema = pyarrow.ipc.open_file(file).schema
    _check_columns_fit(schema, feather.read_table(path, columns=[]).num_rows, path)
    return _from_arrow(feather.read_table(path))


def _from_arrow(table: Any) -> pd.DataFrame:
    table.validate(full=True)  # text of a damaged file would fail when it is read, or end the process
    frame = table.to_pandas()
    return frame.reset_index(drop=frame.index.names == [None])


def _check_columns_fit(schema: Any, rows: int, path: Path) -> None:
    """Refuse a table whose columns, uncompressed, do not fit into memory; TooLargeError with the sizes."""
    bits = 0
    for column in schema:
        try:
            bits += column.type.bit_width
        except ValueError:  # texts have at least the places where they begin
            bits += 32
    check_memory(rows * bits // 8, str(path))


def _load_json_lines(path: Path, dialect: Dialect) -> pd.DataFrame:
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


def _load_excel(path: Path, dialect: Dialect) -> pd.DataFrame:
    """The header is read as a row: pandas would rename twins in it. Empty rows and titles may be above it.

    Cells below each other that are merged into one have its value.
    """
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - not everybody has it
    except ImportError as error:
        raise PareError(
            f"{path}: Excel files are read by openpyxl, which is not installed: pip install openpyxl, or save the "
            "sheet as .csv"
        ) from error
    with ZipFile(path) as archive:
        check_memory(sum(member.file_size for member in archive.infolist()), str(path))
    with closing(load_workbook(path, read_only=True, data_only=True, keep_links=False)) as book:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # they may be wrong
        rows = _filled(sheet.iter_rows(values_only=True), str(path))
        with sheet._get_source() as source:  # no public function reads a sheet in rows and tells what is merged
            _fill_merged(rows, MERGED.findall(source.read()))
    held = rows.notna().sum(axis="columns")
    rows = rows[(held >= min(2, held.max())).cummax()] if len(rows) else rows  # a title is alone in its row
    header = ["" if pd.isna(name) else str(name).strip() for name in rows.iloc[0]] if len(rows) else []
    return rows.iloc[1:].set_axis(header, axis="columns").reset_index(drop=True).infer_objects()


def _filled(lines: Iterable[Sequence[Any]], where: str) -> pd.DataFrame:
    """The cells of a sheet up to the last row and column that hold something."""
    rows: list[list[Any]] = []
    width = cells = end = 0
    for line in lines:
        row = [_cell(value) for value in line]
        while row and row[-1] is None:
            row.pop()
        rows.append(row)
        if row:
            end, width, cells = len(rows), max(width, len(row)), cells + len(row)
        if len(rows) % LOOK == 0:
            check_memory(OBJECTS * cells, where)
        if len(rows) > SHEET_ROWS:
            raise ValueError(f"a sheet has at most {SHEET_ROWS:,} rows")
    check_memory(OBJECTS * cells + 8 * end * width, where)
    return pd.DataFrame([row + [None] * (width - len(row)) for row in rows[:end]], dtype=object).fillna(np.nan)


def _fill_merged(rows: pd.DataFrame, places: Iterable[bytes]) -> None:
    """Write the value of merged cells into those below the first; ``places`` are such as ``B2:B9``."""
    from openpyxl.utils import range_boundaries  # noqa: PLC0415 - not everybody has it

    for place in places:
        left, top, right, bottom = range_boundaries(place.decode())
        if left == right and top <= len(rows) and left <= rows.shape[1]:
            value: Any = rows.iat[top - 1, left - 1]
            rows.iloc[top:bottom, left - 1] = value


def _cell(value: Any) -> Any:
    """A cell's value: Excel has no whole numbers, and an error of a formula is missing."""
    if value is None or (isinstance(value, str) and (value in MISSING or value in EXCEL_ERRORS)):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


LOADERS: dict[str, Callable[[Path, Dialect], pd.DataFrame]] = {
    ".arff": _load_arff,
    **dict.fromkeys(TEXT, load_text),
    ".feather": _load_feather,
    ".jsonl": _load_json_lines,
    ".parquet": _load_parquet,
    ".xlsx": _load_excel,
}
SUFFIXES = tuple(LOADERS)
