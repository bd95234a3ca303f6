"""Darcy flow of NAS-Bench-360, in the MATLAB files of its publisher."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from h5py import is_hdf5
from pydantic import PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.data.formats.array_files import open_arrays
from pare.data.formats.stored_array import StoredArray
from pare.data.own.file_checks import check_finite, one_file
from pare.storage.samples import Samples

VARIABLES = ("coeff", "sol")


def darcy_mat(
    folder: Path,
    stride: PositiveInt = 5,
    train_rows: PositiveInt | None = None,
    test_rows: PositiveInt | None = None,
) -> dict[str, Samples]:
    """Darcy flow of NAS-Bench-360: coefficient fields to solution fields, both parts.

    Args:
        folder: holds ``piececonst_r…_smooth1.mat`` (train) and ``…_smooth2.mat`` (test), MATLAB 5 or 7.3.
        stride: keep every stride-th grid point; 5 makes 85 of 421.
        train_rows: the first rows of the training file; all by default.
        test_rows: the first rows of the test file; all by default.

    Returns:
        ``train`` and ``test``: coefficients and solutions, each ``(rows, 1, height, width)`` float32.

    Raises:
        PareError: if a file is missing or damaged, lacks a variable, has another grid or too few rows; on
            reading, if a value is not finite.
    """
    return {
        "train": _darcy_part(folder, "piececonst_r*_smooth1.mat", stride, train_rows),
        "test": _darcy_part(folder, "piececonst_r*_smooth2.mat", stride, test_rows),
    }


def _darcy_part(folder: Path, pattern: str, stride: int, rows: int | None) -> Samples:
    path = one_file(folder, pattern)
    stored = open_arrays(path)
    for name in VARIABLES:
        if name not in stored:
            raise unknown_name("variable", name, stored, f"{path}: put the publisher's file there")
    shape, other = (stored[name].shape for name in VARIABLES)
    if len(shape) != 3 or shape[1] != shape[2] or other != shape:
        raise PareError(
            f"{path}: coeff has shape {shape}, sol {other}; expected the same "
            "(samples, n, n) for both. Put the publisher's file there"
        )
    if (shape[1] - 1) % stride:
        raise PareError(
            f"{path}: {shape[1]} grid points cannot be thinned by stride {stride}, which must divide "
            f"{shape[1] - 1} to keep both boundaries; set the reader's option 'stride'"
        )
    if rows is not None and rows > shape[0]:
        raise PareError(f"{path} has {shape[0]} rows, the task asks for {rows}; ask for fewer or bring more")
    fields = {name: _thinned(stored[name], stride, whole=not is_hdf5(path)) for name in VARIABLES}

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = (fields[name](start, stop)[:, None] for name in VARIABLES)
        for name, values in zip(VARIABLES, (x, y), strict=True):
            check_finite(values, path, name, start)
        return x, y

    return Samples(count=rows or shape[0], read=read)


def _thinned(array: StoredArray, stride: int, *, whole: bool) -> Callable[[int, int], np.ndarray]:
    """Read rows at every stride-th point, float32; ``whole``: files without an index of rows are read at once."""

    def read(start: int, stop: int) -> np.ndarray:
        return array.read(start, stop)[:, ::stride, ::stride].astype(np.float32)

    if not whole:
        return read
    kept = read(0, array.shape[0])  # all that stays in memory
    return lambda start, stop: kept[start:stop]
