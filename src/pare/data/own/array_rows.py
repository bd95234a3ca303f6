"""Rows of saved arrays as a model takes them: channels first, finite numbers, codes of classes and groups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from pare.config.errors import PareError
from pare.data.formats.stored_array import StoredArray
from pare.data.own.lengths import Lengths

Target = Literal["classes", "labels", "numbers", "field"]
ChannelAxis = Literal["first", "last", "none"]
FEW_CHANNELS = 16
Read = Callable[[int, int], np.ndarray]


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
            "the ends of shorter series may be NaN; texts are saved by y.astype(str)"
        )
    elif array.dtype.kind == "c":
        advice = "save the real and the imaginary part as two channels"
    elif array.dtype.names:
        advice = f"save its fields {', '.join(array.dtype.names)} as arrays of their own, or as channels of one"
    raise PareError(f"{array.where} is {array}; expected numbers: {advice}")


def codes_and_classes(stored: Mapping[str, StoredArray], *, recode: bool) -> tuple[dict[str, np.ndarray], list[str]]:
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
        return array.names_of_rows()
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


def target_rows(x: StoredArray, y: StoredArray, target: Target, channel_axis: ChannelAxis) -> Read:
    """Read rows of labels, numbers or fields."""
    check_numeric(y)
    full = len(x.shape) + (1 if channel_axis == "none" else 0)  # axes of a field with its channels
    allowed = (1, 2) if target != "field" else (full - 1, full)
    if len(y.shape) not in allowed or (target == "field" and full < 3):
        expected = f"(rows, {target})" if target != "field" else f"the axes of x, which has shape {x.shape}"
        raise PareError(
            f"{y.where} has shape {y.shape}; expected {expected}. Set the reader's option 'target' to what it is: "
            "classes, labels, numbers or field"
        )
    axis = field_axis(x.shape, y.shape, channel_axis)

    def read(start: int, stop: int) -> np.ndarray:
        rows = float32(y.read(start, stop))
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


def float32(values: np.ndarray) -> np.ndarray:
    """The values in single precision; one that is too large becomes infinite."""
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


def group_codes(parts: dict[str, StoredArray]) -> dict[str, np.ndarray]:
    """Numbers of groups, ``(rows,)`` of each part; a group has the same in every part."""
    for groups in parts.values():
        if groups.shape[1:] not in ((), (1,)) or not (groups.is_text or groups.dtype.kind in "biu"):
            raise PareError(f"{groups.where} is {groups}; groups are one whole number or text a row, (rows,)")
    if len({groups.is_text for groups in parts.values()}) > 1:
        found = ", ".join(f"{groups.where} is {groups}" for groups in parts.values())
        raise PareError(f"groups are text in one part and numbers in another: {found}; save them alike")
    values = {name: groups.names_of_rows() for name, groups in parts.items()}
    known = np.unique(np.concatenate(list(values.values()))) if values else np.array([])
    return {name: np.searchsorted(known, of_part) for name, of_part in values.items()}


def input_rows(x: StoredArray, channel_axis: ChannelAxis, lengths: Lengths | None = None) -> Read:
    """Read rows of ``x`` as ``(rows, channels, *grid)`` or ``(rows, features)`` float32.

    Args:
        x: the array.
        channel_axis: where it has the channels, see `Arrays`.
        lengths: how series, whose ends are NaN in all channels, are brought to one length; None: they stay as they are.

    The function raises PareError, naming the first bad row, where a number of a field is missing, or any infinite.
    """
    features = len(x.shape) == 2 and channel_axis == "first"
    if lengths and len(x.shape) - (channel_axis != "none") != 2:
        raise PareError(f"{x.where} is {x}; the reader's option 'points' is for series, (rows, channels, points)")

    def read(start: int, stop: int) -> np.ndarray:
        rows = float32(x.read(start, stop))
        rows = rows if features else channels_first(rows, channel_axis)
        if lengths:
            rows = lengths.stacked(map(without_end, rows))
        check_numbers(rows, x.where, start, missing=features)
        return rows

    return read


def without_end(series: np.ndarray) -> np.ndarray:
    """A series ``(channels, points)`` up to the last point that is not NaN in all channels, and at least one point."""
    known = np.flatnonzero(~np.isnan(series).all(axis=0))
    return series[:, : known[-1] + 1 if len(known) else 1]


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
