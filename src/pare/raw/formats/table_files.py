"""Tables in ARFF, CSV and Parquet files, as data frames that keep what the file declares."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import arff
import pandas as pd

from pare.config.errors import PareError
from pare.raw.formats.messages import FETCH

SUFFIXES = (".arff", ".csv", ".parquet")
DESCRIPTION = "dataset.json"  # OpenML's words about a table: its target, its categories
MISSING = ("", "?", "NaN", "nan", "NAN")
DELIMITERS = (",", ";", "\t", "|")
# KEEL's repository writes `@attribute Age real [21.0, 81.0]`; the parser knows no bounds.
BOUNDS = re.compile(r"(@attribute\s.+\s(?:real|integer))\s*\[[^\]]*\]\s*", re.IGNORECASE)
AGAIN = f"put the whole file there, or remove it and {FETCH}"


def find_table(folder: Path, file: str | None) -> Path:
    """The table of a folder: the named file, or the only one.

    Raises:
        PareError: if there is none, or several and none is named.
    """
    found = [p for p in sorted(folder.glob("*")) if p.suffix.lower() in SUFFIXES and p.is_file()]
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


def load_frame(path: Path, delimiter: str) -> pd.DataFrame:
    """Load a table by its suffix.

    Args:
        path: ``.arff``, ``.csv`` with a header line, or ``.parquet``.
        delimiter: what separates the values of a CSV line.

    Returns:
        One row a sample, rows numbered from 0. Columns that the file declares as nominal are pandas categoricals
        in the declared order; missing values are missing.

    Raises:
        PareError: if the suffix is another, the file is damaged or has no rows, or names of columns are empty or
            occur twice.
    """
    loaders = {".arff": _load_arff, ".csv": lambda p: _load_csv(p, delimiter), ".parquet": _load_parquet}
    load = loaders.get(path.suffix.lower())
    if load is None:
        raise PareError(f"{path}: tables end in {', '.join(SUFFIXES)}; convert it, or name another file")
    try:
        frame = load(path)
    # All three parsers report damage as one of these, or as a subclass.
    except (arff.ArffException, csv.Error, ValueError, NotImplementedError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PareError(f"{path} is damaged, cut short or not {path.suffix} at all ({reason}); {AGAIN}") from error
    _check_names([str(name) for name in frame.columns], path)
    if frame.empty:
        raise PareError(f"{path} is cut short: it has no rows; {AGAIN}")
    return frame.set_axis([str(name) for name in frame.columns], axis="columns")


def present_text(column: pd.Series) -> pd.Series:
    """Values as text without outer blanks; missing ones are left out, the rest keep their row numbers."""
    text = column[column.notna()].astype(object).map(lambda value: str(value).strip())
    return text[~text.isin(MISSING)]


def _load_arff(path: Path) -> pd.DataFrame:
    """By the parser that OpenML's own client uses; nominal attributes become categoricals."""
    with path.open(encoding="utf-8") as stream:
        content = arff.load(BOUNDS.sub(r"\1\n", line) if line.startswith("@") else line for line in stream)
    frame = pd.DataFrame(content["data"], columns=[name for name, _ in content["attributes"]])
    levels = {name: pd.CategoricalDtype(kind) for name, kind in content["attributes"] if isinstance(kind, list)}
    return frame.astype(levels)


def _load_csv(path: Path, delimiter: str) -> pd.DataFrame:
    header = _check_lines(path, delimiter)
    # low_memory=False: else pandas may find another type in each block of one column.
    return pd.read_csv(
        path,
        sep=delimiter,
        header=0,
        names=header,
        index_col=False,
        skipinitialspace=True,
        keep_default_na=False,
        na_values=list(MISSING),
        encoding="utf-8-sig",
        low_memory=False,
    )


def _load_parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path, engine="pyarrow")
    return frame.reset_index(drop=frame.index.names == [None])


def _check_lines(path: Path, delimiter: str) -> list[str]:
    """Names in the header; pandas would fill short lines, rename twins and take a lone name for a column."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
        header = [name.strip() for name in next(filter(None, lines), [])]
        _check_delimiter(header, delimiter, path)
        _check_names(header, path)
        for line in lines:
            if line and len(line) != len(header):
                raise PareError(
                    f"{path}, line {lines.line_num}: {len(line)} values, but the header names {len(header)} columns; "
                    f"correct the line, or, if the file is cut short, {AGAIN}"
                )
    return header


def _check_delimiter(header: Sequence[str], delimiter: str, path: Path) -> None:
    other = [d for d in DELIMITERS if d != delimiter and len(header) == 1 and d in header[0]]
    if other:
        raise PareError(
            f"{path}: the header is the single name {header[0]!r}; values seem to be divided by {other[0]!r}, not by "
            f"{delimiter!r}: set the reader's option delimiter: {other[0]!r}"
        )


def _check_names(names: Sequence[str], path: Path) -> None:
    if "" in names:
        raise PareError(f"{path}: column {names.index('') + 1} of {len(names)} has no name; name it in the header")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise PareError(
            f"{path}: several columns are named {', '.join(map(repr, twice))}; give each column a name of its own"
        )
