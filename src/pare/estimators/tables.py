"""Tables in memory with columns of text, dates and numbers."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from pare.own_data.inspect_tables import is_text
from pare.prediction.new_rows import dated
from pare.raw.formats.dates import date_options
from pare.raw.formats.table_files import present_text
from pare.raw.readers.columns import MAX_LEVELS, are_names_of_rows


@dataclass(frozen=True)
class Columns:
    """Names of columns and of their categories, as `Samples` has them; None where all are numbers.

    Attributes:
        dates: which columns are dates, as options of the reader `table`; their days are a column of numbers.
        points: none, since rows are no series.
    """

    columns: list[str] | None = None
    categories: list[list[str] | None] | None = None
    dates: dict[str, Any] = field(default_factory=dict)
    points: None = None


def is_mixed(X: Any) -> bool:
    """Whether some column of ``X`` may hold something else than numbers."""
    if isinstance(X, pd.DataFrame):
        return not all(is_numeric_dtype(kind) and not is_bool_dtype(kind) for kind in X.dtypes)
    return isinstance(X, list | tuple | np.ndarray) and np.asarray(X).dtype.kind in "OUSM"


def frame_of(X: Any) -> pd.DataFrame:
    """A table ``(rows, columns)`` whose columns have names, x0, x1, … where they had none."""
    if not len(X):
        raise ValueError("X has no rows; at least one is needed")
    if isinstance(X, pd.DataFrame):
        names = [str(name) for name in X.columns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several columns of X are named {', '.join(map(repr, twice))}; give each its own name")
        return X.set_axis(names, axis="columns")
    x = np.asarray(X)
    if x.ndim != 2:
        raise ValueError(f"X of text and numbers has shape {x.shape}; expected a table (rows, columns)")
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])


def columns_of(frame: pd.DataFrame, where: str) -> tuple[Columns, pd.DataFrame]:
    """The columns of a table, and the table with days in place of dates.

    Columns whose texts name rows are left out, with a warning, as they are of files.

    Args:
        frame: with names of columns.
        where: what messages call it.

    Raises:
        ValueError: where a column holds neither numbers nor dates nor categories, or no column is left.
    """
    dates = date_options(frame[name] for name in frame if _may_hold_dates(frame[name]))
    frame = dated(frame, dates, where)
    row_names = [str(name) for name in frame if are_names_of_rows(frame[name])]
    if row_names:
        frame = frame.drop(columns=row_names)
        said = f"{where}: nearly all texts differ in {', '.join(row_names)}"
        if frame.empty:
            raise ValueError(f"{said}, and there is no other column; bring one that says something of new rows")
        warnings.warn(f"{said}, which is left out; dtype 'category' makes categories of a column", stacklevel=4)
    return Columns([*frame], [column_levels(frame[name]) for name in frame], dates), frame


def _may_hold_dates(column: pd.Series) -> bool:
    """Numbers that are written as text are none."""
    return is_text(column) and bool(pd.to_numeric(present_text(column), errors="coerce").isna().any())


def column_levels(column: pd.Series) -> list[str] | None:
    """Names of the categories of a column in the order of their codes; None for numbers.

    Raises:
        ValueError: where it holds so many texts that they are no categories.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [str(level) for level in column.cat.categories]
    text = present_text(column)
    if not is_bool_dtype(column.dtype) and pd.to_numeric(text, errors="coerce").notna().all():
        return None
    levels = sorted(text.unique())
    if len(levels) > MAX_LEVELS:
        raise ValueError(
            f"column {column.name!r} holds {len(levels)} different texts, such as {levels[0]!r}; expected at most "
            f"{MAX_LEVELS} categories; leave it out, or write numbers with a decimal point"
        )
    return levels
