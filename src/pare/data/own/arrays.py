"""Arrays of numbers that a user saved: NPZ, NPY, MATLAB, HDF5 or PyTorch, with a sample in each row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.data.files import FileName
from pare.data.formats.array_files import ARCHIVES, LONE, SUFFIXES, is_lone, open_arrays
from pare.data.formats.stored_array import StoredArray, at_frame
from pare.data.own.array_rows import (
    ChannelAxis,
    Read,
    Target,
    channels_first,
    check_numbers,
    check_numeric,
    codes_and_classes,
    float32,
    group_codes,
    target_rows,
)
from pare.data.own.lengths import Length, Lengths
from pare.storage.samples import Samples

PartName = Literal["train", "validation", "test", "all"]


class ArrayNames(BaseModel):
    """Where the arrays of one part are: keys in ``file``, or names of files of one array.

    ``file`` may be left out where the folder holds only one file of several arrays. Where an array has states
    over time, ``(rows, frames, …)``, ``x_frame`` and ``y_frame`` say which of them, counted from 0, is meant.
    """

    model_config = ConfigDict(extra="forbid")

    x: str
    y: str
    groups: str | None = None
    file: FileName | None = None
    x_frame: NonNegativeInt | None = None
    y_frame: NonNegativeInt | None = None


@dataclass(frozen=True)
class Part:
    """The arrays of one part."""

    x: StoredArray
    y: StoredArray
    groups: StoredArray | None


def arrays(
    folder: Path,
    parts: dict[PartName, ArrayNames],
    target: Target,
    channel_axis: ChannelAxis = "first",
    *,
    recode: bool = False,
    points: PositiveInt | None = None,
    lengths: Lengths = "padded",
    fill: tuple[float, ...] | None = None,
) -> dict[str, Samples]:
    """Arrays with a sample in each row: series, fields or features, and what is to be predicted of each.

    Only the rows that are asked for are read; labels and groups are held in memory, and text of an NPZ or NPY file.

    Args:
        folder: holds the files.
        parts: names of the arrays, by part: either ``all``, or ``train``, ``test`` and perhaps ``validation``.
        target: what ``y`` is: ``classes`` (whole numbers from 0, true and false, or text), ``labels`` (several of 0
            and 1 a row), ``numbers`` (one or several a row), or ``field`` (on a grid with the axes of ``x``).
        channel_axis: which axis of ``x``, and of a field ``y``, has the channels: the one after the rows (``first``),
            the last (``last``), or none, and an axis for the one channel is added (``none``). With ``first``, an
            ``x`` of two axes is a table of features without order.
        recode: number the classes in their order, where they are not 0, 1, 2, … already.
        points: length to which series are brought that are shorter than the array: their ends are NaN in all channels.
            By default NaN is refused.
        lengths: how, see `Length`.
        fill: what follows shorter series, a value for each channel.

    Returns:
        The parts: ``x`` ``(rows, channels, *grid)`` or ``(rows, features)`` float32; ``y`` by ``target`` class codes
        ``(rows,)`` int64, ``(rows, labels)`` or ``(rows, numbers)`` float32, or ``(rows, channels, *grid)`` float32.

    Raises:
        PareError: if a file or an array is missing, damaged, or of another type or shape than expected; if classes
            are no whole numbers, have gaps, or training rows have only one; if ``fill`` is given without ``points``;
            on reading, if ``x`` is not finite.
    """
    if fill and not points:
        raise PareError("the reader's option 'fill' follows series that are padded; say 'points', to how many, as well")
    length = Length(points, lengths, fill) if points else None
    found: dict[str, Part] = {name: _open_part(folder, names) for name, names in parts.items()}
    for part in found.values():
        _check_part(part, channel_axis)
    _check_alike(found)
    if target == "classes":
        codes, classes = codes_and_classes({name: part.y for name, part in found.items()}, recode=recode)
        targets: dict[str, Read] = {name: _slices(values) for name, values in codes.items()}
    else:
        targets = {name: target_rows(part.x, part.y, target, channel_axis) for name, part in found.items()}
        classes = None
    groups = group_codes({name: part.groups for name, part in found.items() if part.groups is not None})
    return {
        name: Samples(
            count=part.x.shape[0],
            read=_rows(input_rows(part.x, channel_axis, length), targets[name]),
            classes=classes,
            groups=groups.get(name),
        )
        for name, part in found.items()
    }


def input_rows(x: StoredArray, channel_axis: ChannelAxis, length: Length | None = None) -> Read:
    """Read rows of ``x`` as ``(rows, channels, *grid)`` or ``(rows, features)`` float32.

    Args:
        x: the array.
        channel_axis: where it has the channels, see `arrays`.
        length: to which series are brought, whose ends are NaN in all channels; None: they are taken as they are.

    The function raises PareError, naming the first bad row, where a number of a field is missing, or any infinite.
    """
    features = len(x.shape) == 2 and channel_axis == "first"
    if length and len(x.shape) - (channel_axis != "none") != 2:
        raise PareError(f"{x.where} is {x}; the reader's option 'points' is for series, (rows, channels, points)")

    def read(start: int, stop: int) -> np.ndarray:
        rows = float32(x.read(start, stop))
        rows = rows if features else channels_first(rows, channel_axis)
        if length:
            rows = np.stack([length(series) for series in map(without_end, rows)])
        check_numbers(rows, x.where, start, missing=features)
        return rows

    return read


def without_end(series: np.ndarray) -> np.ndarray:
    """A series ``(channels, points)`` up to the last point that is not NaN in all channels, and at least one point."""
    known = np.flatnonzero(~np.isnan(series).all(axis=0))
    return series[:, : known[-1] + 1 if len(known) else 1]


def _rows(x: Read, y: Read) -> Callable[[int, int], tuple[np.ndarray, np.ndarray]]:
    return lambda start, stop: (x(start, stop), y(start, stop))


def _slices(values: np.ndarray) -> Read:
    return lambda start, stop: values[start:stop]


def _open_part(folder: Path, names: ArrayNames) -> Part:
    x = at_frame(find_array(folder, names.x, names.file), names.x_frame)
    y = at_frame(find_array(folder, names.y, names.file), names.y_frame)
    return Part(x, y, None if names.groups is None else find_array(folder, names.groups, names.file))


def find_array(folder: Path, name: str, file: str | None) -> StoredArray:
    """The array of that name: a key of the file, a file of one array, or a folder of ``.npy`` files.

    Args:
        folder: folder of the files.
        name: a key, a file name that ends in one of `LONE`, or the name of a folder.
        file: one of several arrays; by default the only one of the folder.

    Raises:
        PareError: if there is no such array or file, naming what is there.
    """
    held = {p.name: p for p in sorted(folder.glob("*")) if p.is_dir() or p.suffix.lower() in SUFFIXES}
    if file is None and (name.lower().endswith(LONE) or (folder / name).is_dir()):
        file = name
    if file is None:
        archives = [other for other, path in held.items() if not is_lone(path)]
        if len(archives) != 1:
            found = ", ".join(archives) or f"no file of the kinds {', '.join(ARCHIVES)}"
            raise PareError(
                f"{folder} holds {found}; name the one that holds {name!r} with the key 'file' next to x and y"
            )
        (file,) = archives
    if file not in held:
        raise unknown_name("file", file, held, str(folder))
    stored = open_arrays(held[file])
    if name not in stored:
        raise unknown_name("array", name, stored, str(held[file]))
    return stored[name]


def _check_part(part: Part, channel_axis: ChannelAxis) -> None:
    x, y = part.x, part.y
    check_input(x, channel_axis)
    for other in (y, *([part.groups] if part.groups else [])):
        check_pairs(x, other)
        if other.shape[:1] != x.shape[:1]:
            raise PareError(
                f"{x.where} has {x.shape[0]} rows, and {other.where} has shape {other.shape}; each row of x needs one "
                "there: the first axis of both must be the samples"
            )


def check_pairs(x: StoredArray, y: StoredArray) -> None:
    """Refuse two folders whose files have other names; PareError."""
    if x.names and y.names and x.names != y.names:
        name = min(set(x.names) ^ set(y.names))
        here, there = (x, y) if name in x.names else (y, x)
        raise PareError(
            f"{here.where} holds {name}, and {there.where} does not; a sample is a file of the same name in both "
            "folders"
        )


def check_input(x: StoredArray, channel_axis: ChannelAxis) -> None:
    """Refuse an ``x`` that holds no samples of numbers, or has no axis for the channels.

    Raises:
        PareError: saying what was found and expected.
    """
    check_numeric(x)
    least = {"first": 2, "last": 3, "none": 2}[channel_axis]
    if len(x.shape) < least or 0 in x.shape:
        wanted = {"first": "(rows, channels, …grid) or (rows, features)", "last": "(rows, …grid, channels)"}
        raise PareError(
            f"{x.where} has shape {x.shape}; with channel_axis: {channel_axis} expected "
            f"{wanted.get(channel_axis, '(rows, …grid)')}. Set the reader's option channel_axis to first, last or none"
        )


def _check_alike(parts: Mapping[str, Part]) -> None:
    (name, first), *others = parts.items()
    for other_name, other in others:
        for a, b in ((first.x, other.x), (first.y, other.y)):
            if a.shape[1:] != b.shape[1:] or _family(a) != _family(b):
                raise PareError(
                    f"{a.where} of part {name} is {a}, {b.where} of part {other_name} is {b}; both must have the same "
                    "type and, rows aside, the same shape"
                )


def _family(array: StoredArray) -> str:
    """Whole numbers, real numbers, truth or text, whatever their width."""
    return {"u": "i", "S": "U"}.get(array.dtype.kind, array.dtype.kind)
