"""Where series, images and fields in memory have their channels."""

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from pare.config.words import counted
from pare.raw.readers.array_rows import ChannelAxis, short_axis

CHANNELS = ("auto", *get_args(ChannelAxis))


def shape_of(X: Any) -> tuple[int, ...]:
    """The shape of an array, a table, or lists of numbers."""
    return tuple(X.shape if hasattr(X, "shape") else np.asarray(X).shape)


def channel_axis(shape: Sequence[int], channels: str) -> ChannelAxis | None:
    """Which axis of an array has the channels; None for a table.

    Args:
        shape: of the array, ``(rows, …)``.
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
