"""PDEBench in both of its HDF5 layouts: one array per variable, or one group per sample.

A sample is one map, from the state at one time to that at a later time. Source of the tasks: the paper, table 9; of
the files: doi:10.18419/darus-2986.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import h5py
import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.stored_array import held_dataset
from pare.data.own.file_checks import check_finite, one_file
from pare.storage.samples import Samples

Names = Annotated[tuple[str, ...], Field(min_length=1)]
Channels = Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]
Scales = dict[str, tuple[float, PositiveFloat]]


def pdebench_stacked(
    folder: Path,
    *,
    target_time: NonNegativeInt,
    inputs: Names = ("tensor",),
    outputs: Names = ("tensor",),
    input_time: NonNegativeInt | None = 0,
    axes: Literal[1, 2] = 1,
    stride: PositiveInt = 1,
    scales: Scales | None = None,
    pattern: str = "*.hdf5",
) -> dict[str, Samples]:
    """A file with one array per variable, ``(rows, time, *grid)``; its first tenth is the test part.

    That is the split of the released loader of the paper, which the published numbers are from. Files that were made
    with the publisher's generator may have another axis of length 1 before the rows.

    Args:
        folder: holds the file.
        target_time: frame to predict.
        inputs: variables that become the channels of the input.
        outputs: variables to predict.
        input_time: frame to predict from; none where the input variables have no axis of time.
        axes: axes of the grid.
        stride: keep every stride-th point of each axis.
        scales: ``{variable: [mean, standard deviation]}``, to be subtracted and divided by, in input and output
            alike; variables that are not named keep their units.
        pattern: name of the file.

    Returns:
        ``train`` and ``test``: both states, ``(rows, variables, *grid)`` float32.

    Raises:
        PareError: if the file is missing or damaged, lacks a variable, or has too few axes, frames or rows; on
            reading, if a value is not finite.
    """
    path = one_file(folder, pattern)
    wanted = {name: axes + 2 - (input_time is None and name not in outputs) for name in [*inputs, *outputs]}
    with _open(path) as file:
        shapes = {name: _stacked_shape(file, path, name, ndim) for name, ndim in wanted.items()}
    _check_alike(path, shapes, axes)
    for name, time in [*((n, input_time) for n in inputs), *((n, target_time) for n in outputs)]:
        if time is not None:
            _check_time(path, name, shapes[name][1], time)
    grid = shapes[outputs[0]][-axes:]
    _check_stride(path, grid, stride)

    def state(file: h5py.File, names: Names, time: int | None, rows: slice) -> np.ndarray:
        channels = []
        for name in names:
            array = _stacked(file, path, name)
            where = (0,) * (array.ndim - len(shapes[name])) + (rows,) + (() if time is None else (time,))
            values = _thinned(array[where], axes, stride)
            check_finite(values, path, name, rows.start)
            mean, deviation = (scales or {}).get(name, (0.0, 1.0))
            channels.append((values - np.float32(mean)) / np.float32(deviation))
        return np.stack(channels, axis=1)

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        with _open(path) as file:
            rows = slice(start, stop)
            return state(file, inputs, input_time, rows), state(file, outputs, target_time, rows)

    count = shapes[outputs[0]][0]
    tests = _test_rows(path, count)
    return {"train": _part(read, tests, count), "test": _part(read, 0, tests)}


def pdebench_grouped(
    folder: Path,
    *,
    target_time: NonNegativeInt,
    input_channels: Channels = (0,),
    target_channels: Channels = (0,),
    input_time: NonNegativeInt = 0,
    axes: Literal[1, 2] = 1,
    stride: PositiveInt = 1,
    pattern: str = "*.h5",
) -> dict[str, Samples]:
    """A file with one group per sample, whose ``data`` is ``(time, *grid, channels)``; its last tenth is the test part.

    Groups are taken in the order of their names. The split is that of the released loader of the paper.

    Args:
        folder: holds the file.
        target_time: frame to predict.
        input_channels: channels that become those of the input.
        target_channels: channels to predict.
        input_time: frame to predict from.
        axes: axes of the grid.
        stride: keep every stride-th point of each axis.
        pattern: name of the file.

    Returns:
        ``train`` and ``test``: both states, ``(rows, channels, *grid)`` float32.

    Raises:
        PareError: if the file is missing or damaged, has another layout, or too few channels, frames or groups; on
            reading, if a group has another shape than the first or a value is not finite.
    """
    path = one_file(folder, pattern)
    with _open(path) as file:
        names = sorted(file)
        shape = _group_data(file, path, names[0] if names else "0000").shape
    if len(shape) != axes + 2:
        raise PareError(
            f"{path}: data of group {names[0]} has shape {shape}, expected (time, {'x, ' * axes}channels) with "
            f"{axes} axes of the grid; set the reader's option 'axes' or put the publisher's file there"
        )
    for time in (input_time, target_time):
        _check_time(path, f"data of group {names[0]}", shape[0], time)
    if max(input_channels + target_channels) >= shape[-1]:
        raise PareError(
            f"{path}: data of group {names[0]} has {shape[-1]} channels, the task asks for channel "
            f"{max(input_channels + target_channels)}, counted from 0; set the reader's options "
            "'input_channels' and 'target_channels'"
        )
    _check_stride(path, shape[1:-1], stride)

    def state(frame: np.ndarray, channels: Channels) -> np.ndarray:
        return _thinned(np.moveaxis(frame, -1, 0)[list(channels)], axes, stride)

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = [], []
        with _open(path) as file:
            for name in names[start:stop]:
                data = _group_data(file, path, name)
                if data.shape != shape:
                    raise PareError(
                        f"{path}: data of group {name} has shape {data.shape}, that of group {names[0]} {shape}; "
                        "all must be alike"
                    )
                x.append(state(data[input_time], input_channels))
                y.append(state(data[target_time], target_channels))
        for values, time in ((x, input_time), (y, target_time)):
            check_finite(np.stack(values), path, f"data at time {time}", start)
        return np.stack(x), np.stack(y)

    trained = len(names) - _test_rows(path, len(names))
    return {"train": _part(read, 0, trained), "test": _part(read, trained, len(names))}


def _part(read: Callable[[int, int], tuple[np.ndarray, np.ndarray]], first: int, end: int) -> Samples:
    """Rows first to end - 1 of a file, counted from 0."""
    return Samples(count=end - first, read=lambda start, stop: read(first + start, first + min(stop, end - first)))


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """The file, opened for reading; what HDF5 says of damage becomes one message that says what to do."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:
        raise PareError(
            f"{path} cannot be read as an HDF5 file ({error}): it is damaged or cut short; remove it and {FETCH}"
        ) from error


def _stacked_shape(file: h5py.File, path: Path, name: str, ndim: int) -> tuple[int, ...]:
    """Shape of a variable without an axis of length 1 before its rows."""
    array = _stacked(file, path, name)
    shape = array.shape[1:] if array.ndim == ndim + 1 and array.shape[0] == 1 else array.shape
    if len(shape) != ndim:
        raise PareError(
            f"{path}: {name} has shape {array.shape}, expected {ndim} axes, the rows first; set the reader's options "
            "'axes' (of the grid) and 'input_time' (none where there is no axis of time)"
        )
    return shape


def _stacked(file: h5py.File, path: Path, name: str) -> h5py.Dataset:
    array = held_dataset(file, name)
    if array is None or array.dtype.kind not in "fiu":
        raise PareError(
            f"{path} lacks the array {name!r}; it holds {_content(file)}. Set the reader's options 'inputs' and "
            "'outputs', take reader pdebench_grouped for a file with a group per sample, or put the publisher's file "
            "there"
        )
    return array


def _check_alike(path: Path, shapes: dict[str, tuple[int, ...]], axes: int) -> None:
    if len({(shape[0], shape[-axes:]) for shape in shapes.values()}) > 1:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise PareError(
            f"{path}: {found} differ in rows or grid; expected the same for all. Put the publisher's file there"
        )


def _check_time(path: Path, name: str, frames: int, time: int) -> None:
    if time >= frames:
        raise PareError(
            f"{path}: {name} has {frames} frames, the task asks for frame {time}, counted from 0; set the reader's "
            f"options 'input_time' and 'target_time' to {frames - 1} at most"
        )


def _check_stride(path: Path, grid: tuple[int, ...], stride: int) -> None:
    if any(n % stride for n in grid):
        raise PareError(
            f"{path}: a grid of {grid} points cannot be thinned by stride {stride}; set 'stride' to a divisor"
        )


def _test_rows(path: Path, count: int) -> int:
    """A tenth, as in the released loader, and at least one."""
    if count < 2:
        raise PareError(f"{path} holds {count} samples, expected at least 2, one to train on and one to test on")
    return max(1, count // 10)


def _thinned(values: np.ndarray, axes: int, stride: int) -> np.ndarray:
    """Every stride-th point of the last axes, float32."""
    thinned = values[..., ::stride] if axes == 1 else values[..., ::stride, ::stride]
    return thinned.astype(np.float32)


def _group_data(file: h5py.File, path: Path, name: str) -> h5py.Dataset:
    data = held_dataset(file, f"{name}/data")
    if data is None or data.dtype.kind not in "fiu":
        raise PareError(
            f"{path} lacks the array {name}/data; it holds {_content(file)}. Take reader pdebench_stacked for a file "
            "with an array per variable, or put the publisher's file there"
        )
    return data


def _content(file: h5py.File) -> str:
    """The first names in a file."""
    names = sorted(file)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "nothing"
