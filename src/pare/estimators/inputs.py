"""Rows in memory: columns of text, dates and numbers, groups and weights, and the axis of the channels."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, get_args

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d

from pare.config.words import counted
from pare.data.formats.dates import Dates, date_options
from pare.data.formats.table_files import present_text
from pare.data.own.array_rows import ChannelAxis, short_axis
from pare.data.own.column_remarks import coarse
from pare.data.own.columns import MAX_LEVELS, are_names_of_rows, is_text

CHANNELS = ("auto", *get_args(ChannelAxis))


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
        return X.set_axis(names, axis="columns").reset_index(drop=True)
    x = np.asarray(X)
    if x.ndim != 2:
        raise ValueError(f"X of text and numbers has shape {x.shape}; expected a table (rows, columns)")
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])


def columns_of(frame: pd.DataFrame, where: str) -> tuple[Columns, pd.DataFrame]:
    """The columns of a table, and the table with days in place of dates.

    Columns whose texts name rows are left out, with a warning, as they are of files.

    Args:
        frame: table with names of columns.
        where: what messages call it.

    Raises:
        ValueError: where a column holds neither numbers nor dates nor categories, or no column is left.
    """
    dates = date_options(frame[name] for name in frame if _may_hold_dates(frame[name]))
    frame = Dates(**dates).with_days(frame, where)
    row_names = [str(name) for name in frame if are_names_of_rows(frame[name])]
    if row_names:
        frame = frame.drop(columns=row_names)
        said = f"{where}: nearly all texts differ in {', '.join(row_names)}"
        if frame.empty:
            raise ValueError(f"{said}, and there is no other column; bring one that new rows have in common")
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


def warn_of_coarse(rows: Any, name: str) -> None:
    """Warn once of the columns whose numbers 32 bits, which models have, do not tell apart.

    Args:
        rows: ``(rows, columns)`` or ``(rows,)``.
        name: what a column without a name is called; several have their number after it.
    """
    if not isinstance(rows, pd.DataFrame):
        rows = np.asarray(rows)
        rows = pd.DataFrame({name: rows}) if rows.ndim == 1 else pd.DataFrame(rows).add_prefix(name)
    if remarks := list(coarse(rows.infer_objects())):
        warnings.warn("; ".join(remarks), stacklevel=4)


def seed_of(random_state: Any) -> int:
    """A whole number as it is; one that is drawn from a state of random numbers, None being numpy's own."""
    state = check_random_state(random_state)
    return int(random_state) if isinstance(random_state, Integral) else int(state.randint(2**31 - 1))


def group_numbers(groups: Any, rows: int) -> np.ndarray | None:
    """The number of each row's group, ``(rows,)``; None where there are none.

    Raises:
        ValueError: where a row has no group, or all have the same.
    """
    if groups is None:
        return None
    groups = column_or_1d(groups)
    if len(groups) != rows:
        raise ValueError(f"X has {rows} rows and groups {len(groups)}; expected a group of each row")
    numbers, names = pd.factorize(groups)
    if (numbers < 0).any():
        raise ValueError(f"the group of row {int(numbers.argmin()) + 1} is missing; expected a group of each row")
    if len(names) < 2:
        raise ValueError(f"all rows are of the group '{names[0]}'; at least two groups are needed, or none")
    return numbers


def rows_that_count(sample_weight: Any, *arrays: Any) -> tuple[Any, ...]:
    """Leave out rows whose weight is 0.

    Args:
        sample_weight: weight of each row, ``(rows,)``; None: all count alike.
        arrays: arrays with a row each, such as ``X``; None stays None.

    Returns:
        The weights that are left, ``(rows,)`` float32, or None where they are equal; then the arrays.

    Raises:
        ValueError: where a weight is missing, negative or infinite, or all are 0.
    """
    if sample_weight is None:
        return None, *arrays
    weights = column_or_1d(sample_weight, dtype=np.float32)
    check_consistent_length(weights, *arrays)
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise ValueError("sample_weight must be numbers of at least 0, not all of them zero, one for each row")
    used = np.flatnonzero(weights)
    if len(used) < len(weights):
        arrays = tuple(array if array is None else _safe_indexing(array, used) for array in arrays)
        weights = weights[used]
    return (None if np.ptp(weights) == 0 else weights), *arrays


def shape_of(X: Any) -> tuple[int, ...]:
    """The shape of an array, a table, or lists of numbers."""
    return tuple(X.shape if hasattr(X, "shape") else np.asarray(X).shape)


def channel_axis(shape: Sequence[int], channels: str) -> ChannelAxis | None:
    """Which axis of an array has the channels; None for a table.

    Args:
        shape: shape of the array, ``(rows, …)``.
        channels: ``first``, ``last`` or ``none``; ``auto``: the axis that is short, as for files.

    Raises:
        ValueError: for another word, or where no axis is clearly that of the channels.
    """
    if channels not in CHANNELS:
        raise ValueError(f"channels is {channels!r}; expected one of {', '.join(CHANNELS)}")
    if len(shape) < 3 and (channels != "none" or len(shape) < 2):
        return None
    if channels != "auto":
        return channels  # type: ignore[return-value]
    axis = short_axis(shape)
    # The first axis needs no proof, as the documented place; the last one must be far shorter.
    if axis == "none" or (axis == "last" and 2 * shape[-1] > shape[1]):
        raise ValueError(
            f"X has shape {tuple(shape)}, and no axis is clearly that of the channels; say {_readings(shape[1:])}"
        )
    return axis


def _readings(grid: Sequence[int]) -> str:
    """What each choice would make of a row, for a message."""
    readings = {"first": (grid[0], grid[1:]), "last": (grid[-1], grid[:-1]), "none": (1, grid)}
    said = [
        f"channels={axis!r} for {counted(count, 'channel')} of {' × '.join(map(str, points))} points"
        for axis, (count, points) in readings.items()
    ]
    return f"{', '.join(said[:-1])} or {said[-1]}"


def as_given(fields: np.ndarray, axis: ChannelAxis) -> np.ndarray:
    """Fields ``(rows, channels, *grid)`` with the axes of those that were given: `channels_first` turned round."""
    if axis == "none":
        return fields[:, 0]
    return np.moveaxis(fields, 1, -1) if axis == "last" else fields
