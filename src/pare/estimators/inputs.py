"""Rows in memory: tables of numbers, text and dates, groups and weights, and the axis of the channels."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any, get_args

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d

from pare.config.errors import PareError
from pare.config.words import counted
from pare.data.formats.table_files import pandas_frame, plain_table
from pare.data.formats.written_numbers import detect_numbers, read_numbers
from pare.data.own.array_rows import ChannelAxis, short_axis
from pare.data.own.column_remarks import coarse
from pare.data.own.findings import Question
from pare.data.own.table import Table
from pare.data.own.table_look import look_at_table

CHANNELS = ("auto", *get_args(ChannelAxis))
# What the words of a first look, which are those of the command line, are in Python.
IN_PYTHON = (
    (r"^the table\b", "X"),
    (r"by the reader's option 'ignore'", "of X"),
    (r"(say so by|name the column in) the reader's option 'categorical'", "give it the dtype 'category'"),
    (r"say so by the reader's option 'missing'", "replace it by NaN"),
    (r"write \? for a missing value", "replace it by NaN"),
    (r"Say --dates day_first or --dates month_first, or leave it out: --ignore NAME", "Convert it by to_datetime"),
    (r"leave columns out: --ignore NAME", "drop columns"),
    (r"say --thousands \S+ or --thousands none", "convert it to numbers"),
    (r"say --categorical \S+", "give it the dtype 'category'"),
    (r"--categorical NAME makes", "the dtype 'category' makes"),
    (r"--missing (\S+) makes it missing", r"X.replace(\1, nan) makes it missing"),
    (r"say --missing=\S+", "replace it by NaN"),
    (r"say --groups (\S+), or --series \S+ where each is a point of a series", r"fit with groups=X['\1']"),
    (r"as the file of the task has it", "as X had it in fit"),
    (r"say --wide", "bring X as (rows, 1, points)"),
    (r"see what --ignore (\S+) gives", r"see what dropping \1 gives"),
    (r"say((?: --ignore (?:'[^']*'|\S+))+)", r"drop\1"),
    (r" --ignore ", " "),
    (r"--ordered (tests on|cuts)", r"ordered=True holds out"),
    (r"--(\w+)", r"\1"),
)


class InvalidRows(PareError, ValueError):
    """Rows that do not fit; a ValueError, as those that scikit-learn raises."""


@dataclass(frozen=True)
class Rows:
    """Rows in memory as a model learns from them.

    Attributes:
        x: inputs ``(rows, …)`` float32, with codes in place of categories and days in place of dates.
        reader: reader by which new rows become such inputs, as a task has it.
        columns: names of the columns of a table; None where they have none.
        categories: names of the categories of each column, None for numbers; None without a table.
    """

    x: np.ndarray
    reader: dict[str, Any] = field(default_factory=lambda: {"name": "arrays"})
    columns: list[str] | None = None
    categories: list[list[str] | None] | None = None


def is_table(X: Any) -> bool:
    """Whether ``X`` has columns with names, or may hold something else than numbers."""
    if hasattr(X, "columns"):
        return True
    return isinstance(X, list | tuple | np.ndarray) and np.asarray(X).dtype.kind in "OUSM"


def frame_of(X: Any, names: Sequence[Any] | None = None) -> pd.DataFrame:
    """A table ``(rows, columns)`` as a pandas frame, rows numbered from 0.

    Args:
        X: a frame of pandas or polars, or an array.
        names: names of the columns of an array; None: x0, x1, …

    Raises:
        ValueError: where it has no rows, or is no table.
    """
    if not len(X):
        raise ValueError("X has no rows; at least one is needed")
    if (frame := pandas_frame(X)) is not None:
        return frame.reset_index(drop=True)
    x = np.asarray(X)
    if x.ndim != 2:
        raise ValueError(f"X of text and numbers has shape {x.shape}; expected a table (rows, columns)")
    columns = pd.Index(names or [f"x{i}" for i in range(x.shape[1])])
    return pd.DataFrame(x, columns=columns).infer_objects()


def table_rows(
    X: pd.DataFrame, y: np.ndarray, groups: np.ndarray | None, *, are_numbers: bool, ordered: bool
) -> tuple[Rows, list[str]]:
    """Read a table as a file with its columns would be read.

    Args:
        X: the table.
        y: what is predicted, ``(rows,)`` or ``(rows, outputs)``.
        groups: group of each row, ``(rows,)``; None without groups.
        are_numbers: whether ``y`` is numbers; else classes or labels.
        ordered: whether rows are in the order of time.

    Returns:
        The rows, and what the user should know of the columns, a sentence each.

    Raises:
        InvalidRows: where a column holds something of which nothing can be learnt, or no column is left.
    """
    with python_words():
        frame = plain_table(X, "X")
        # Numbers that people wrote, with decimal commas, units or limits, are read as those of a file.
        numbers, doubts = detect_numbers(frame, "X")
        frame, said = read_numbers(frame, numbers, "X")
        said = [*doubts, *said, *numbers.unit_findings()]

        # A first look compares columns with what is predicted, under a name that no column has.
        name = _free_name("y", frame)
        names = [name] if y.ndim == 1 else [f"{name}{output}" for output in range(y.shape[1])]
        seen = frame.join(pd.DataFrame(y, columns=names))
        question = Question(tuple(names), categorical=() if are_numbers else tuple(names), ordered=ordered)
        if groups is not None:
            question = replace(question, groups=_free_name("groups", frame))
            seen[question.groups] = groups
        look = look_at_table(seen, question, "X")

        remarks = [in_python(remark) for remark in (*said, *look.remarks)]
        if "ignore" in look.notes:
            remarks.append(f"left out: {in_python(look.notes['ignore'])}")

        # Of its options, those that say what is predicted and grouped are the caller's own.
        options = {key: value for key, value in look.options.items() if key not in ("target", "group", "categorical")}
        options |= numbers.model_dump(mode="json", exclude_defaults=True)
        reader = Table(**options)
        if not {*frame} - {*reader.ignore}:
            raise PareError(f"X has no column of which something can be learnt: {'; '.join(remarks)}")
        x, columns, categories = reader.inputs(reader.with_days(frame, "X"), "X", reader.ignore)
    return Rows(x, {"name": Table.name, "options": options}, columns, categories), remarks


def _free_name(name: str, frame: pd.DataFrame) -> str:
    """The name, with as many underscores as no column begins with."""
    while any(str(column).startswith(name) for column in frame):
        name = f"{name}_"
    return name


@contextmanager
def python_words() -> Iterator[None]:
    """Say errors in the words of Python, and as those of values."""
    try:
        yield
    except PareError as error:
        raise InvalidRows(in_python(str(error))) from error


def in_python(message: str) -> str:
    """A message of a first look in the words of Python, without options of the command line."""
    for pattern, words in IN_PYTHON:
        message = re.sub(pattern, words, message)
    return message


def coarse_numbers(rows: np.ndarray, name: str) -> list[str]:
    """A sentence for each column whose numbers 32 bits, which models have, do not tell apart.

    Args:
        rows: ``(rows, columns)`` or ``(rows,)``.
        name: what a column is called; several have their number after it.
    """
    frame = pd.DataFrame({name: rows}) if rows.ndim == 1 else pd.DataFrame(rows).add_prefix(name)
    return list(coarse(frame.infer_objects()))


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
