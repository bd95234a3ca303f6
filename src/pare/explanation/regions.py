"""The parts of a row that are hidden one by one, each with a name, and what takes their place."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from pare.config.schema import Task
from pare.storage.statistics import RunningMoments
from pare.storage.store import Rows

SPANS, FEWEST_SPANS = 32, 8  # parts of a line, for all channels together and for each at least
PATCHES, FEWEST_PATCHES = 64, 16  # the same for a grid with two or three axes
AXES = {1: ("point",), 2: ("row", "column"), 3: ("plane", "row", "column")}
BLOCK_BYTES = 16 << 20


@dataclass(frozen=True)
class Region:
    """A column of a table, or a span or patch of one channel; of images, of all channels.

    Attributes:
        name: name of the column, or channel and points from 0, the last one included.
        channels: channels of a row, ``(columns,)`` or ``(channels, *grid)``.
        grid: points along each axis; empty for a table.
        channel: its name; empty where there is one, and for a table.
    """

    name: str
    channels: slice
    grid: tuple[slice, ...] = ()
    channel: str = ""

    def replaced(self, x: np.ndarray, other: np.ndarray) -> np.ndarray:
        """A copy of rows ``(rows, …)`` that has here what another row, or as many, have."""
        x = x.copy()
        x[self.place(x)] = other[self.place(other)]
        return x

    def place(self, rows: np.ndarray) -> tuple[slice, ...]:
        """Where the region is in rows ``(rows, …)``, or in one row."""
        every = (slice(None),) * (rows.ndim - 1 - len(self.grid))
        return (*every, self.channels, *self.grid)


def regions_of(task: Task, columns: Sequence[str] | None) -> list[Region]:
    """All regions of a row; channels that only say where a point is are left out.

    Args:
        task: what is predicted from what.
        columns: names of a table's columns, if they have any.
    """
    first, *grid = task.input.shape
    if not grid:
        names = columns or [f"column {i + 1}" for i in range(first)]
        return [Region(name, slice(i, i + 1)) for i, name in enumerate(names)]
    channels = _channels(task, first - len(grid) if task.normalisation.coordinates else first)
    places = list(product(*(_cut(points, _parts(len(grid), len(channels))) for points in grid)))
    return [Region(_named(name, place), taken, place, name) for name, taken in channels.items() for place in places]


def _channels(task: Task, count: int) -> dict[str, slice]:
    """Channels that are hidden together, by their name; a single one has none."""
    if task.kind == "image" or count == 1:
        return {"": slice(0, count)}
    names = [*task.input.channels[:count]]
    names += [f"channel {i + 1}" for i in range(len(names), count)]
    return {name: slice(i, i + 1) for i, name in enumerate(names)}


def _parts(axes: int, channels: int) -> int:
    """Into how many parts each axis is cut."""
    if axes == 1:
        return max(SPANS // channels, FEWEST_SPANS)
    return int(max(PATCHES // channels, FEWEST_PATCHES) ** (1 / axes) + 1e-9)


def _cut(points: int, parts: int) -> list[slice]:
    ends = np.unique(np.linspace(0, points, min(points, parts) + 1).round().astype(int)).tolist()
    return [slice(start, stop) for start, stop in pairwise(ends)]


def _named(channel: str, place: tuple[slice, ...]) -> str:
    texts = [
        f"{axis}s {part.start} to {part.stop - 1}" if part.stop - part.start > 1 else f"{axis} {part.start}"
        for axis, part in zip(AXES[len(place)], place, strict=True)
    ]
    return ", ".join([*([channel] if channel else []), *texts])


def typical_row(rows: Rows, categorical: Collection[int] = ()) -> np.ndarray:
    """The mean of all rows at each place, and the most frequent code of each column of categories.

    Args:
        rows: rows of the training part, as the model takes them; missing values (NaN) are left out.
        categorical: numbers of the columns that hold categories.

    Returns:
        One row, ``(…)`` float32.
    """
    moments, counts = RunningMoments(), {column: np.zeros(0, int) for column in categorical}
    step = max(1, BLOCK_BYTES // rows.array("x", 0, 1).nbytes)
    for start in range(0, len(rows), step):
        x = rows.array("x", start, start + step)
        moments.update(x)
        counts = {column: _added(count, x[:, column]) for column, count in counts.items()}
    typical, _ = moments.result()
    for column, count in counts.items():
        typical[column] = count.argmax() if count.any() else np.nan
    return typical


def _added(count: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """How often each code occurred, those of more rows added."""
    more = np.bincount(codes[~np.isnan(codes)].astype(int), minlength=len(count))
    more[: len(count)] += count
    return more
