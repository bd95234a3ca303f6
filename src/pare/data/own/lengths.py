"""Series of different lengths, brought to one."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.config.strict import Strict
from pare.config.words import counted

MOST_POINTS = 5000
EVEN = 1.01  # the longest step of a clock in the shortest
LEFT_OUT = "no value, dates, text, a clock, or the same in each series, such as a number of the point"


class Lengths(Strict):
    """Options of series: how they are brought to one length.

    Attributes:
        points: number of points of each series.
        lengths: ``padded``: a longer series is cut, a shorter one is followed by ``fill``; ``resampled``: by linear
            interpolation between its first and its last point.
        fill: a value for each channel; None: the mean of the series.
    """

    points: PositiveInt
    lengths: Literal["padded", "resampled"] = "padded"
    fill: tuple[float, ...] | None = None

    def stacked(self, series: Iterable[np.ndarray]) -> np.ndarray:
        """Series ``(channels, at least one point)`` each as ``(rows, channels, points)``.

        Raises:
            PareError: if ``fill`` has not as many values as there are channels.
        """
        return np.stack([self._brought(each) for each in series])

    def _brought(self, series: np.ndarray) -> np.ndarray:
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


def proposed_lengths(lengths: np.ndarray, means: Sequence[float]) -> tuple[dict[str, Any], dict[str, str]]:
    """Options that bring series to one length, and notes on them.

    Args:
        lengths: points of each series.
        means: mean of each channel, which fills up shorter series.
    """
    shortest, longest = int(lengths.min()), int(lengths.max())
    points = min(longest, MOST_POINTS)
    longer = int((lengths > points).sum())
    cut = f"; {longer} longer ones are cut" if longer else ""
    found = f"{shortest} to {longest}" if shortest < longest else f"all {longest}"
    options = {"points": points, "lengths": "padded", "fill": [float(f"{mean:.4g}") for mean in means]}
    return options, {
        "points": f"for each series; theirs have {found}{cut}",
        "lengths": "shorter ones are followed by 'fill'; else resampled, which stretches them",
        "fill": "the mean of each channel",
    }


def point_numbers(column: pd.Series) -> pd.Series:
    """Numbers of a column, NaN where it holds none: pandas would take dates for nanoseconds."""
    if column.dtype.kind in "mM":
        return pd.Series(np.nan, column.index, name=column.name)
    return pd.to_numeric(column, errors="coerce")


def point_values(frame: pd.DataFrame, needed: np.ndarray | bool, where: str, rule: str) -> np.ndarray:
    """Points of series, ``(rows, columns)`` float32.

    Args:
        frame: their columns, rows numbered from 0.
        needed: places that must hold a number, ``(rows, columns)``; True: all.
        where: what messages call the table.
        rule: what they say of such places.

    Raises:
        PareError: if one of them holds none.
    """
    with np.errstate(over="ignore"):
        values = frame.apply(point_numbers).to_numpy(np.float32)
    bad = np.argwhere(needed & ~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        value: Any = frame.iat[row, column]
        held = "no value" if pd.isna(value) else repr(str(value))
        raise PareError(
            f"{where}: column {frame.columns[column]!r} holds {held} in row {row + 1}; {rule}: fill it in, e.g. by "
            "interpolation, or leave the column out by the reader's option 'ignore'"
        )
    return values


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
    return point_values(frame[[*channels]], True, where, "a channel of a series is a number in each row").T


def channel_columns(columns: pd.DataFrame, codes: np.ndarray) -> tuple[list[str], list[str], list[float]]:
    """Which columns of a table whose rows are points may be channels.

    Args:
        columns: those without another use.
        codes: number of each row's series.

    Returns:
        Names of the channels, names of the others, and the mean of each channel.
    """
    left_out = [str(name) for name in columns if _is_no_channel(columns[name], codes)]
    channels = [str(name) for name in columns if name not in left_out]
    return channels, left_out, columns[channels].apply(point_numbers).mean().to_list()


def _is_no_channel(column: pd.Series, codes: np.ndarray) -> bool:
    """Whether a column holds no numbers, the same in each series, or a clock; ``codes`` number each row's series."""
    numbers, ranks = point_numbers(column), column.groupby(codes).cumcount()
    if numbers.isna().all():
        return True
    if (column.groupby(ranks).nunique() == 1).all() and column.nunique() > 1:
        return True
    steps = numbers.groupby(codes).diff().dropna()
    return len(steps) > 0 and bool(steps.min() > 0 and steps.max() <= EVEN * steps.min())
