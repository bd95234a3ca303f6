"""A first look at files of arrays: which option says what they hold, and what the user should know of their rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.config.words import counted, listed
from pare.data.formats.stored_array import StoredArray
from pare.data.own.array_names import Entry, array_entries, choose_arrays
from pare.data.own.array_rows import ChannelAxis, channels_first, check_input, short_axis, without_end
from pare.data.own.column_remarks import coarse
from pare.data.own.findings import Question, are_classes
from pare.data.own.lengths import proposed_lengths
from pare.data.own.row_order import MOST_ROWS, neighbours_remark
from pare.storage.samples import Samples

FEW_FEATURES = 32
BLOCK_BYTES = 16 << 20  # the part of an array that is read at once
MOST_BYTES = 64 << 20  # size of the first rows, which are looked at for remarks
KINDS = {"classes": "classification", "labels": "multilabel", "numbers": "regression", "field": "dense"}


def proposed_arrays(
    paths: Sequence[Path], question: Question
) -> tuple[dict[str, Any], dict[str, int] | None, dict[str, Any]]:
    """Which arrays are the input and the target, and what they hold.

    Args:
        paths: one or several files of arrays, or folders of NPY files.
        question: what is to be predicted.

    Returns:
        Options of `pare.data.own.arrays.Arrays`; names of the classes and how many of the first part's rows have each,
        None for other outputs; and other attributes of an `Inspection`.

    Raises:
        PareError: if a file is not readable, or it is not clear which array is to be predicted from which.
    """
    if question.ignore:
        raise PareError("--ignore is for columns of tables; of arrays only --target and --input are used")
    entries = array_entries(paths)
    chosen = choose_arrays(entries, question)
    x, y, groups = chosen.x, chosen.y, chosen.groups
    for entry in (*x.values(), *y.values()):
        if 0 in entry.array.shape:
            raise PareError(f"{entry.array.where} has shape {entry.array.shape}, without a single number; name others")
    main = "all" if "all" in x else "train"
    first_x, first_y = x[main].array, y[main].array
    target = _target_kind(first_x, first_y, question.channel_axis)
    axis = question.channel_axis or _channel_axis(first_x, first_y, target)
    for entry in x.values():
        check_input(entry.array, axis)
    options: dict[str, Any] = {
        "parts": {part: _names(x[part], y[part], groups.get(part)) for part in x},
        "target": target,
        "channel_axis": axis,
    }
    lengths, notes = _ends([entry.array for entry in x.values()], axis)
    options |= lengths
    notes |= {"target": f"else {_others(KINDS, target)}", "channel_axis": _axis_note(first_x, axis)}
    if y[main].frame is not None:
        notes["parts"] = (
            f"{y[main].name} has states over time: frame {y[main].frame}, the last, is predicted from frame 0"
        )
    if target == "labels" and _is_one_hot(first_y.all()):
        notes["target"] += "; each row has exactly one: if these are classes, save y.argmax(1) in their place"
    classes = None
    if target == "classes":
        labels = first_y.names_of_rows()
        if labels.dtype == bool:
            labels = labels.astype(int)  # as the reader names them: 0 and 1
        known, counts = np.unique(labels, return_counts=True)
        if not first_y.is_text and not np.array_equal(known, np.arange(len(known))):
            options["recode"] = True
            notes["recode"] = "classes are numbered in their order"
        classes = {str(name): count for name, count in zip(known, counts.tolist(), strict=True)}
    remarks = [*chosen.remarks, *coarse(_columns_of(x[main], axis)), *coarse(_columns_of(y[main], None))]
    said = {"kind": KINDS[target], "output_name": _output_name(y[main]), "notes": notes, "remarks": remarks}
    return options, classes, said


def _columns_of(entry: Entry, axis: ChannelAxis | None) -> pd.DataFrame:
    """The first rows of each feature or channel as a column, where they have more digits than 32 bits; else none.

    Args:
        entry: an array of rows.
        axis: axis of the channels of an input; None: it is a target.
    """
    array = entry.array
    if array.dtype.kind not in "fiu" or array.dtype.itemsize < (8 if array.dtype.kind == "f" else 4):
        return pd.DataFrame()
    rows = max(1, MOST_BYTES // (prod(array.shape[1:]) * array.dtype.itemsize))
    values = array.read(0, min(rows, array.shape[0]))
    if axis is not None:
        values = channels_first(values, axis)
    elif values.ndim != 2:
        values = values.reshape(1, -1).T  # a number a row, or a field
    names = [entry.name] if values.shape[1] == 1 else [f"{entry.name} {i + 1}" for i in range(values.shape[1])]
    return pd.DataFrame({name: values[:, i].ravel() for i, name in enumerate(names)})


def _names(x: Entry, y: Entry, groups: Entry | None) -> dict[str, str | int]:
    found: dict[str, str | int | None] = {"x": x.name, "y": y.name, "groups": groups.name if groups else None}
    found |= {"file": x.file, "x_frame": x.frame, "y_frame": y.frame}
    return {key: value for key, value in found.items() if value is not None}


def _output_name(y: Entry) -> str:
    name = " ".join(y.stem) or "target"
    return name if y.frame is None else f"{name} at frame {y.frame}"


def _target_kind(x: StoredArray, y: StoredArray, said: ChannelAxis | None) -> str:
    """What the reader's option ``target`` should be."""
    if y.is_text:
        return "classes"
    if y.shape[1:] in ((), (1,)):
        return "classes" if y.is_numeric and are_classes(y.all().reshape(-1)) else "numbers"
    if len(y.shape) > 2 or y.shape[1:] in _grids(x, y, said):
        return "field"
    return "labels" if y.is_numeric and np.isin(y.all(), (0, 1)).all() else "numbers"


def _grids(x: StoredArray, y: StoredArray, said: ChannelAxis | None) -> tuple[tuple[int, ...], ...]:
    """Shapes that an answer at the points of ``x`` may have, whose channels are where the user said, or seem to be."""
    possible = {"first": x.shape[2:], "last": x.shape[1:-1]}
    axis = said or (_channel_axis(x, y, "numbers") if len(x.shape) > 2 else "none")
    return (x.shape[1:], possible[axis]) if axis in possible else (x.shape[1:], *possible.values())


def _is_one_hot(labels: np.ndarray) -> bool:
    return bool((labels.reshape(len(labels), -1).sum(1) == 1).all())


def _channel_axis(x: StoredArray, y: StoredArray, target: str) -> ChannelAxis:
    """Which axis of ``x`` seems to have the channels: the field tells, else the one axis that is short."""
    if len(x.shape) == 2:
        return "first" if target != "field" and x.shape[1] <= FEW_FEATURES else "none"
    if target == "field" and len(y.shape) > len(x.shape):
        return "none"
    if target == "field" and len(y.shape) == len(x.shape) - 1:
        return "first" if x.shape[2:] == y.shape[1:] else "last"
    return short_axis(x.shape)


def _ends(arrays: Sequence[StoredArray], axis: ChannelAxis) -> tuple[dict[str, Any], dict[str, str]]:
    """Options of the reader, and notes on them, for series whose ends are NaN; none for other arrays."""
    if any(x.dtype.kind != "f" or len(x.shape) - (axis != "none") != 2 for x in arrays):
        return {}, {}
    series = [known for x in arrays for known in _known_ends(x, axis)]
    found = np.array([points for points, _ in series])
    width = {"first": -1, "last": 1, "none": 1}[axis]
    if found.min() == arrays[0].shape[width]:
        return {}, {}
    means = np.sum([sums for _, sums in series], axis=0) / found.sum()
    options, notes = proposed_lengths(found, means.tolist())
    return options, notes | {"points": f"{notes['points']}; after them they are NaN"}


def _known_ends(x: StoredArray, axis: ChannelAxis) -> Iterator[tuple[int, np.ndarray]]:
    """Points of each series up to where it is NaN in all channels, and the sum of each channel over them."""
    step = max(1, BLOCK_BYTES // (prod(x.shape[1:]) * x.dtype.itemsize))
    for start in range(0, x.shape[0], step):
        for series in channels_first(x.read(start, min(start + step, x.shape[0])), axis):
            known = without_end(series)
            yield known.shape[1], np.nan_to_num(known.astype(np.float64)).sum(axis=1)


def _axis_note(x: StoredArray, axis: str) -> str:
    shape, (*_, last) = list(x.shape), x.shape
    if len(shape) == 2 and axis == "first":
        return f"{last} features without order; none would be a series of {last} points in one channel"
    if len(shape) == 2:
        return f"a series of {last} points in one channel; first would be {last} features without order"
    said = {
        "first": f"right after the rows, {counted(shape[1], 'channel')}",
        "last": f"at the end, {counted(last, 'channel')}",
    }
    where = said.get(axis, "one channel, without an axis for it")
    return f"in {shape}: {where}; else {_others(('first', 'last', 'none'), axis)}"


def _others(names: Iterable[str], chosen: str) -> str:
    return " or ".join(name for name in names if name != chosen)


def array_remarks(parts: Mapping[str, Samples], question: Question) -> list[str]:
    """A sentence on each thing that the user should know of the rows.

    Args:
        parts: rows by part.
        question: whether rows have groups or an order of their own.

    Raises:
        PareError: if a number to predict is the same in every row.
    """
    samples = next(iter(parts.values()))
    rows = max(1, min(samples.count, MOST_ROWS, MOST_BYTES // samples.read(0, 1)[0].nbytes))
    x, y = samples.read(0, rows)
    if rows == samples.count > 1 and y.ndim == 2 and (y == y[0]).all(axis=0).any():
        value = y[0, (y == y[0]).all(axis=0)][0]
        raise PareError(
            f"{', '.join(question.target) or 'the target'} is {value:g} in every row; there is nothing to learn"
        )
    said = _constant(x, "every row" if rows == samples.count else f"each of the first {rows} rows")
    if "all" in parts and samples.groups is None and not question.ordered:
        answers = y if y.ndim == 1 else y.reshape(rows, -1)[:, : y.shape[1] if y.ndim == 2 else 0]  # no fields
        said.append(neighbours_remark(x.reshape(rows, -1), answers))
    return [remark for remark in said if remark]


def _constant(x: np.ndarray, where: str) -> list[str | None]:
    """What to say of features or channels in which all rows and points are equal or missing."""
    rest = (0, *range(2, x.ndim))
    still = np.flatnonzero((x.max(axis=rest) == x.min(axis=rest)) | np.isnan(x).all(axis=rest))
    if not len(still) or len(x) == 1:
        return []
    what = "feature" if x.ndim == 2 else "channel"
    if len(still) == x.shape[1]:
        return [f"the input is the same in {where}: nothing can be learnt from it"]
    return [
        f"the same in {where}: {what} {listed([str(i + 1) for i in still])} of the input; leave such out of the file"
    ]
