"""Questions about files and findings in them, for files of every kind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pare.config.errors import PareError
from pare.data.formats.dates import DateOrder
from pare.data.own.array_rows import ChannelAxis
from pare.data.preparation.equal_rows import EqualRows, different_rows
from pare.data.preparation.normalisation import zero_fields
from pare.storage.samples import Repeats, Samples

FEW_CLASSES = 10
ROWS_PER_CLASS = 5
COMPARED_BYTES, BLOCK_BYTES = 256 << 20, 16 << 20  # inputs in which equal rows are looked for: all, and at once
SHIFTS = {3: ("shift",), 4: ("torus",)}  # by the axes of the inputs, rows and channels among them
LEAST_ROWS, MOST_ROWS, MOST_NUMBERS = 100, 1000, 20_000_000  # limits on inputs; two seconds and half a gigabyte
SURPRISING = 6.0  # standard errors, of the most surprising of thousands of places with heavy tails


@dataclass(frozen=True)
class Question:
    """What the user says about the files.

    Attributes:
        target: columns, or the key or file of one array, to predict.
        input: key or file of the array to predict from; the only other one where it is not named.
        groups: column, or key or file of an array, that says which rows belong together.
        ignore: columns to leave out.
        channel_axis: which axis of arrays has the channels; guessed if not given.
        categorical: columns whose values name categories, even if they are numbers, or differ in nearly all rows.
        missing: words and numbers that are missing values in every column of a table.
        thousands: what separates groups of three digits in a table, ``none``: nothing; None: found where it is certain.
        encoding: encoding of a table of text; None: detected, where the file leaves no doubt.
        series: column with the series of each point, where a row of a table is a point; None: a row is a sample.
        time: column by which the points of a series are sorted; they are in order if not given.
        wide: whether each row of a table is a series.
        date_order: order of day and month in dates such as 03/12/2024; None: by the numbers above 12 in them.
        ordered: whether rows are in the order of time, so that the last ones are for the test part.
    """

    target: tuple[str, ...] = ()
    input: str | None = None
    groups: str | None = None
    ignore: tuple[str, ...] = ()
    channel_axis: ChannelAxis | None = None
    categorical: tuple[str, ...] = ()
    encoding: str | None = None
    date_order: DateOrder | None = None
    series: str | None = None
    time: str | None = None
    wide: bool = False
    ordered: bool = False
    missing: tuple[str, ...] = ()
    thousands: str | None = None


@dataclass(frozen=True)
class Inspection:
    """What a task needs to say of some files.

    Attributes:
        reader: name of the reader.
        options: options of the reader.
        rows: number of rows by part.
        input_shape: ``(features,)`` or ``(channels, *grid)``.
        kind: kind of the output.
        output_shape: as the task declares it.
        output_name: what is predicted.
        classes: names of the classes, and how many of the first part's rows have each; None for other outputs.
        notes: remarks on choices that the files leave open, by option of the reader.
        remarks: facts about the data that the user should know before a run, a sentence each.
        unlabelled: rows of a table that are left out, since nothing is known to predict there.
        symmetries: that fields seem to have, keys of `pare.learners.networks.models.symmetries.SYMMETRIES`.
        ordered: whether rows are in the order of time, as the question says.
        equal: which rows have equal inputs; None where that would take long, as it is found out before a run.
        groups: number of the group of each row, ``(rows,)``, by part; none where rows are on their own.
        zero_fields: rows whose field to predict is zero everywhere, so that no error is a share of it.
    """

    reader: str
    options: dict[str, Any]
    rows: dict[str, int]
    input_shape: tuple[int, ...]
    kind: str
    output_shape: tuple[int, ...]
    output_name: str
    classes: dict[str, int] | None
    notes: dict[str, str]
    remarks: tuple[str, ...] = ()
    unlabelled: int = 0
    symmetries: tuple[str, ...] = ()
    ordered: bool = False
    equal: EqualRows | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    zero_fields: int = 0

    @property
    def repeats(self) -> Repeats | None:
        """How many rows have equal inputs, as far as that is known."""
        if self.equal is None:
            return None
        given = {part: np.full(len(numbers), part) for part, numbers in self.equal.numbers.items()}
        return self.equal.repeats(given, together=not self.ordered)

    @property
    def different(self) -> list[int]:
        """How many rows each class has, of which equal ones count once where they stay in one part."""
        if self.equal is None or self.ordered or not self.equal.classes:
            return list((self.classes or {}).values())
        part = next(iter(self.rows))
        first = different_rows(self.equal.numbers[part])
        return np.bincount(self.equal.classes[part][first], minlength=len(self.classes or {})).tolist()


def equal_rows(parts: Mapping[str, Samples]) -> EqualRows | None:
    """Which rows have equal inputs; None where there are more than 256 MiB of them."""
    blocks = _blocks(parts)
    return None if blocks is None else EqualRows.among(blocks)


def count_zero_fields(parts: Mapping[str, Samples]) -> int:
    """Rows whose fields to predict are zero everywhere; 0 where inputs are more than 256 MiB, as a run finds them."""
    return sum(int(zero_fields(y).sum()) for _, _, y in _blocks(parts) or ())


def _blocks(parts: Mapping[str, Samples]) -> Iterator[tuple[str, np.ndarray, np.ndarray]] | None:
    """Part, inputs and targets of all rows, block by block; None where there are more than 256 MiB of inputs."""
    row_bytes = {part: samples.read(0, 1)[0].nbytes for part, samples in parts.items()}
    if sum(samples.count * row_bytes[part] for part, samples in parts.items()) > COMPARED_BYTES:
        return None
    return (
        (part, *samples.read(start, min(start + step, samples.count)))
        for part, samples in parts.items()
        for step in [max(1, BLOCK_BYTES // row_bytes[part])]
        for start in range(0, samples.count, step)
    )


def inspection_of(
    reader: str, options: dict[str, Any], parts: Mapping[str, Samples], classes: dict[str, int] | None, **found: Any
) -> Inspection:
    """What the reader gives, as a task declares it.

    Args:
        reader: name of the reader.
        options: with which it was opened.
        parts: what it gave.
        classes: names of the classes and rows of each; None where the target is no class.
        found: the other attributes of an `Inspection`; by default equal rows are looked for.
    """
    samples = next(iter(parts.values()))
    if "equal" not in found:
        found["equal"] = equal_rows(parts)
    if found["kind"] == "dense":
        found["zero_fields"] = count_zero_fields(parts)
    x, y = samples.read(0, 1)
    return Inspection(
        reader=reader,
        options=options,
        rows={part: samples.count for part, samples in parts.items()},
        input_shape=x.shape[1:],
        output_shape=(len(classes),) if classes else y.shape[1:],
        classes=classes,
        symmetries=shifts_of(samples),
        groups={part: of_part.groups for part, of_part in parts.items() if of_part.groups is not None},
        **found,
    )


def need_target(question: Question, columns: Iterable[object], table: str) -> None:
    """Refuse a question that names no column to predict; PareError."""
    if not question.target:
        names = ", ".join(map(str, columns))
        raise PareError(f"name the column to predict: --target COLUMN. Columns of {table}: {names}")


def are_classes(values: np.ndarray) -> bool:
    """Whether numbers look like names of classes: whole, and few, or counted from 0 or 1 with several rows each.

    True and false always do.
    """
    if values.dtype == bool:
        return True
    if not np.array_equal(values, np.round(values)):
        return False
    known = np.unique(values)
    counted = known[0] in (0, 1) and known[-1] - known[0] == len(known) - 1
    return 1 < len(known) <= (len(values) / ROWS_PER_CLASS if counted else min(FEW_CLASSES, len(values) / 2))


def shifts_of(samples: Samples) -> tuple[str, ...]:
    """The symmetry that fields on a grid without ends have, ``shift`` or ``torus``; or none.

    Args:
        samples: samples, the first of which are looked at.
    """
    x, y = samples.read(0, 1)
    names = SHIFTS.get(x.ndim, ())
    rows = min(samples.count, MOST_ROWS, MOST_NUMBERS // max(x.size, 1))
    if not names or x.shape[2:] != y.shape[2:] or rows < LEAST_ROWS:
        return ()
    return names if look_periodic(*samples.read(0, rows)) else ()


def look_periodic(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether no place of a grid is special, as far as rows can tell.

    Where no shift changes the joint law of inputs and outputs, the best prediction of a shifted input is the shifted
    prediction. Looked at are the laws of each: values, their distance from the mean, and the steps from the last points
    to the first.

    Args:
        x: inputs ``(rows, channels, *grid)``.
        y: outputs on the same grid.
    """
    channels = (part[:, channel].astype(np.float64) for part in (x, y) for channel in range(part.shape[1]))
    return all(_alike_everywhere(values) for values in channels)


def _alike_everywhere(values: np.ndarray) -> bool:
    """The same for one channel, ``(rows, *grid)``; fields that never differ say nothing."""
    if not np.isfinite(values).all() or not np.ptp(values):
        return False
    places = _surprise(values), _surprise(np.abs(values - values.mean()))
    ends = (_surprise(_steps(values, axis))[-1] for axis in range(1, values.ndim))
    return max(*(place.max() for place in places), *ends) < SURPRISING


def _steps(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean size of the steps along an axis, ``(rows, points)``, the last from the last point to the first."""
    steps = np.abs(np.roll(values, -1, axis=axis) - values)
    return np.moveaxis(steps, axis, 1).reshape(*steps.shape[:1], steps.shape[axis], -1).mean(2)


def _surprise(values: np.ndarray) -> np.ndarray:
    """How far the mean over rows is from that of all places, in standard errors, ``(*grid)``."""
    excess = values - values.mean(tuple(range(1, values.ndim)), keepdims=True)
    error = excess.std(0) / len(values) ** 0.5 + np.abs(values).max() * 1e-6  # and rounding
    return np.divide(np.abs(excess.mean(0)), error, out=np.zeros_like(error), where=error > 0)
