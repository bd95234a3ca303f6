"""Arrays of numbers that a user saved: NPZ, NPY, MATLAB, HDF5 or PyTorch, with one row a sample."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.raw.files import FileName
from pare.raw.formats.array_files import ARCHIVES, LONE, SUFFIXES, is_lone, open_arrays
from pare.raw.formats.stored_array import StoredArray, at_frame
from pare.raw.readers.lengths import Length, Lengths
from pare.storage.samples import Samples

PartName = Literal["train", "validation", "test", "all"]
Target = Literal["classes", "labels", "numbers", "field"]
ChannelAxis = Literal["first", "last", "none"]
FEW_CHANNELS = 16
Read = Callable[[int, int], np.ndarray]


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
    """Arrays with one row a sample: series, fields or features, and what is to be predicted of each.

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
        points: of series whose ends are NaN in all channels, since they are shorter than the array: to so many points
            they are brought. By default NaN is refused.
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
        codes, classes = _class_codes({name: part.y for name, part in found.items()}, recode=recode)
        targets: dict[str, Read] = {name: _slices(values) for name, values in codes.items()}
    else:
        targets = {name: _target(part, target, channel_axis) for name, part in found.items()}
        classes = None
    groups = _group_numbers({name: part.groups for name, part in found.items() if part.groups is not None})
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
        rows = _float32(x.read(start, stop))
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


def short_axis(shape: Sequence[int]) -> ChannelAxis:
    """Which axis of ``(rows, …)``, the first after the rows or the last, is short enough for channels; else none."""
    first, last = shape[1], shape[-1]
    if min(first, last) > FEW_CHANNELS or first == last:
        return "none"
    return "first" if first < last else "last"


def channels_first(rows: np.ndarray, channel_axis: ChannelAxis) -> np.ndarray:
    """``(rows, *grid)``, ``(rows, *grid, channels)`` or ``(rows, channels, *grid)`` to the last of these."""
    if channel_axis == "none":
        return rows[:, None]
    return np.ascontiguousarray(np.moveaxis(rows, -1, 1)) if channel_axis == "last" else rows


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
        folder: of the files.
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


def check_numeric(array: StoredArray) -> None:
    """Refuse an array of anything but real numbers.

    Raises:
        PareError: saying what it holds, and how to save it.
    """
    if array.is_numeric:
        return
    advice = "save numbers"
    if array.dtype.hasobject:
        advice = (
            "rows of different lengths or types become such objects: bring them to one shape and type, e.g. pad them; "
            "the ends of shorter series may be NaN"
        )
    elif array.dtype.kind == "c":
        advice = "save the real and the imaginary part as two channels"
    elif array.dtype.names:
        advice = f"save its fields {', '.join(array.dtype.names)} as arrays of their own, or as channels of one"
    raise PareError(f"{array.where} is {array}; expected numbers: {advice}")


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


def _class_codes(stored: Mapping[str, StoredArray], *, recode: bool) -> tuple[dict[str, np.ndarray], list[str]]:
    """Codes of each part ``(rows,)`` int64, and the names of the classes in their order."""
    values = {part: _class_values(array) for part, array in stored.items()}
    part = "all" if "all" in values else "train"
    if part not in values:
        raise PareError(f"the reader's option 'parts' names {', '.join(values)}; expected all, or train and test")
    known, where = np.unique(values[part]), stored[part].where
    named = recode or stored[part].is_text
    if not named and not np.array_equal(known, np.arange(len(known))):
        raise PareError(
            f"{where} holds classes {_listed(known)}; expected 0 to {len(known) - 1} without a gap. Save them so, or "
            "set the reader's option recode: true, which numbers them in their order"
        )
    if len(known) < 2:
        raise PareError(
            f"{where} holds the one class {known[0]} in all {len(values[part])} rows; at least two are needed"
        )
    for other, labels in values.items():
        strange = ~np.isin(labels, known)
        if strange.any():
            row = int(strange.argmax())
            raise PareError(
                f"{stored[other].where}: row {row + 1} of part {other} has class {labels[row]!s}, which no {part} row "
                f"has; move some rows of it to {part}, or leave those rows out"
            )
    return {p: np.searchsorted(known, v).astype(np.int64) for p, v in values.items()}, [str(name) for name in known]


def _class_values(array: StoredArray) -> np.ndarray:
    """Text, or whole numbers, ``(rows,)``."""
    if array.shape[1:] not in ((), (1,)):
        raise PareError(
            f"{array.where} has shape {array.shape}; expected one class a row, (rows,). Where several hold at once, "
            "set the reader's option target: labels; of rows with a single 1, save its position"
        )
    if array.is_text:
        return array.all().reshape(-1)
    check_numeric(array)
    values = array.all().reshape(-1)
    with np.errstate(invalid="ignore"):  # NaN becomes some number, and is unequal to it
        whole = values.astype(np.int64)
    wrong = whole != values
    if wrong.any():
        row = int(wrong.argmax())
        raise PareError(
            f"{array.where} holds {values[row]} in row {row + 1}; a class is a whole number. For numbers set the "
            "reader's option target: numbers, and output.kind: regression"
        )
    return whole


def _listed(values: np.ndarray) -> str:
    shown = ", ".join(map(str, values[:10]))
    return f"{shown}, … ({len(values)} of them)" if len(values) > 10 else shown


def _target(part: Part, target: Target, channel_axis: ChannelAxis) -> Read:
    """Read rows of labels, numbers or fields."""
    y = part.y
    check_numeric(y)
    full = len(part.x.shape) + (1 if channel_axis == "none" else 0)  # axes of a field with its channels
    allowed = (1, 2) if target != "field" else (full - 1, full)
    if len(y.shape) not in allowed or (target == "field" and full < 3):
        expected = f"(rows, {target})" if target != "field" else f"the axes of x, which has shape {part.x.shape}"
        raise PareError(
            f"{y.where} has shape {y.shape}; expected {expected}. Set the reader's option 'target' to what it is: "
            "classes, labels, numbers or field"
        )
    axis = field_axis(part.x.shape, y.shape, channel_axis)

    def read(start: int, stop: int) -> np.ndarray:
        rows = _float32(y.read(start, stop))
        check_numbers(rows, y.where, start, missing=True)  # the task decides what a missing number means
        if target != "field":
            return rows.reshape(len(rows), -1)
        return channels_first(rows, axis)

    return read


def field_axis(x: Sequence[int], y: Sequence[int], channel_axis: ChannelAxis) -> ChannelAxis:
    """Where a field of shape ``y`` has its channels, on an input of shape ``x`` that has them at ``channel_axis``."""
    full = len(x) + (1 if channel_axis == "none" else 0)
    if len(y) < full:
        return "none"
    if channel_axis != "none":
        return channel_axis
    return "last" if tuple(y[1:-1]) == tuple(x[1:]) != tuple(y[2:]) else "first"  # the input has no channels


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def check_numbers(rows: np.ndarray, where: str, start: int, *, missing: bool) -> None:
    """Refuse rows that hold infinity, or NaN where that does not mean a missing value.

    Args:
        rows: ``(rows, …)``.
        where: what messages call them.
        start: number of the first.
        missing: whether NaN is a missing value.

    Raises:
        PareError: naming the first bad row.
    """
    bad = (np.isinf(rows) if missing else ~np.isfinite(rows)).reshape(len(rows), -1).any(axis=1)
    if bad.any():
        row = int(bad.argmax())
        what = "NaN, a missing value," if np.isnan(rows[row]).any() else "infinity, or a number too large for 32 bits,"
        raise PareError(
            f"{where} holds {what} in row {start + row + 1} ({bad.sum()} such of the rows {start + 1} to "
            f"{start + len(rows)}); fill it in, e.g. by interpolation, or leave those rows out"
        )


def _group_numbers(parts: dict[str, StoredArray]) -> dict[str, np.ndarray]:
    """Numbers of groups, ``(rows,)`` of each part; a group has the same in every part."""
    for groups in parts.values():
        if groups.shape[1:] not in ((), (1,)) or not (groups.is_text or groups.dtype.kind in "biu"):
            raise PareError(f"{groups.where} is {groups}; groups are one whole number or text a row, (rows,)")
    if len({groups.is_text for groups in parts.values()}) > 1:
        found = ", ".join(f"{groups.where} is {groups}" for groups in parts.values())
        raise PareError(f"groups are text in one part and numbers in another: {found}; save them alike")
    values = {name: groups.all().reshape(-1) for name, groups in parts.items()}
    known = np.unique(np.concatenate(list(values.values()))) if values else np.array([])
    return {name: np.searchsorted(known, of_part) for name, of_part in values.items()}
