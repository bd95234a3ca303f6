"""Series of different lengths, brought to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.config.words import counted

Lengths = Literal["padded", "resampled"]


@dataclass(frozen=True)
class Length:
    """How series are brought to one length.

    Attributes:
        points: number of points of each series.
        lengths: ``padded``: a longer series is cut, a shorter one is followed by ``fill``; ``resampled``: by linear
            interpolation between its first and its last point.
        fill: a value for each channel; None: the mean of the series.
    """

    points: int
    lengths: Lengths = "padded"
    fill: tuple[float, ...] | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Length | None":
        """What the options of a reader say of it; None where they name no number of points."""
        named = {field.name: options[field.name] for field in fields(cls) if field.name in options}
        return cls(**named) if named.get("points") else None

    def __call__(self, series: np.ndarray) -> np.ndarray:
        """A series ``(channels, at least one point)`` as ``(channels, points)``; PareError for another ``fill``."""
        channels, found = series.shape
        if self.lengths == "resampled":
            old, new = np.linspace(0, 1, found), np.linspace(0, 1, self.points)
            return np.stack([np.interp(new, old, channel) for channel in series]).astype(series.dtype)
        if self.fill is not None and len(self.fill) != channels:
            raise PareError(
                f"the reader's option 'fill' has {counted(len(self.fill), 'value')}, the series have "
                f"{counted(channels, 'channel')}; give one for each"
            )
        fill = series.mean(axis=1) if self.fill is None else np.array(self.fill, series.dtype)
        rest = np.repeat(fill[:, None], max(0, self.points - found), axis=1)
        return np.concatenate([series[:, : self.points], rest], axis=1)


def point_numbers(column: pd.Series) -> pd.Series:
    """Numbers of a column, NaN where it holds none: pandas would take dates for nanoseconds."""
    if column.dtype.kind in "mM":
        return pd.Series(np.nan, column.index, name=column.name)
    return pd.to_numeric(column, errors="coerce")


def channel_values(frame: pd.DataFrame, channels: Sequence[str], where: str) -> np.ndarray:
    """Columns of a table whose rows are points, ``(channels, rows)`` float32.

    Args:
        frame: the table, rows numbered from 0.
        channels: names of the columns; others are passed over.
        where: what messages call the table.

    Raises:
        PareError: if a column is missing, or a value is no number.
    """
    for name in channels:
        if name not in frame:
            raise unknown_name("column", name, map(str, frame.columns), where)
    with np.errstate(over="ignore"):
        values = np.stack([point_numbers(frame[name]) for name in channels]).astype(np.float32)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        channel, row = bad[0]
        name, value = channels[channel], frame[channels[channel]].iloc[row]
        held = "no value" if pd.isna(value) else repr(str(value))
        raise PareError(
            f"{where}: column {name!r} holds {held} in row {row + 1}; a channel of a series is a number in each row: "
            "fill it in, e.g. by interpolation, or leave the column out by the reader's option 'ignore'"
        )
    return values
