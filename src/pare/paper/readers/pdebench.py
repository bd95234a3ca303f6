"""PDEBench in HDF5 files with one array per variable; for those with one group per sample see `pare.data.own.grouped`.

A sample is one map, from the state at one time to that at a later time. Source of the tasks: the paper, table 9; of
the files: doi:10.18419/darus-2986.
"""

from pathlib import Path
from typing import Annotated, Literal

import h5py
import numpy as np
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from pare.config.errors import PareError
from pare.data.formats.stored_array import readable
from pare.data.own.file_checks import check_finite, one_file
from pare.data.own.grouped import check_stride, check_time, held_numbers, part, test_rows, thinned
from pare.storage.samples import Samples

Names = Annotated[tuple[str, ...], Field(min_length=1)]
OTHER = (
    "Set the reader's options 'inputs' and 'outputs', take reader pdebench_grouped for a file with a group per sample"
)
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
    with readable(path), h5py.File(path) as file:
        shapes = {name: _stacked_shape(file, path, name, ndim) for name, ndim in wanted.items()}
    _check_alike(path, shapes, axes)
    for name, time in [*((n, input_time) for n in inputs), *((n, target_time) for n in outputs)]:
        if time is not None:
            check_time(path, name, shapes[name][1], time)
    grid = shapes[outputs[0]][-axes:]
    check_stride(path, grid, stride)

    def state(file: h5py.File, names: Names, time: int | None, rows: slice) -> np.ndarray:
        channels = []
        for name in names:
            array = held_numbers(file, path, name, OTHER)
            where = (0,) * (array.ndim - len(shapes[name])) + (rows,) + (() if time is None else (time,))
            values = thinned(array[where], axes, stride)
            check_finite(values, path, name, rows.start)
            mean, deviation = (scales or {}).get(name, (0.0, 1.0))
            channels.append((values - np.float32(mean)) / np.float32(deviation))
        return np.stack(channels, axis=1)

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        with readable(path), h5py.File(path) as file:
            rows = slice(start, stop)
            return state(file, inputs, input_time, rows), state(file, outputs, target_time, rows)

    count = shapes[outputs[0]][0]
    tests = test_rows(path, count)
    return {"train": part(read, tests, count), "test": part(read, 0, tests)}


def _stacked_shape(file: h5py.File, path: Path, name: str, ndim: int) -> tuple[int, ...]:
    """Shape of a variable without an axis of length 1 before its rows."""
    array = held_numbers(file, path, name, OTHER)
    shape = array.shape[1:] if array.ndim == ndim + 1 and array.shape[0] == 1 else array.shape
    if len(shape) != ndim:
        raise PareError(
            f"{path}: {name} has shape {array.shape}, expected {ndim} axes, the rows first; set the reader's options "
            "'axes' (of the grid) and 'input_time' (none where there is no axis of time)"
        )
    return shape


def _check_alike(path: Path, shapes: dict[str, tuple[int, ...]], axes: int) -> None:
    if len({(shape[0], shape[-axes:]) for shape in shapes.values()}) > 1:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise PareError(
            f"{path}: {found} differ in rows or grid; expected the same for all. Put the publisher's file there"
        )
