"""Darcy flow of NAS-Bench-360, in the MATLAB files of its publisher."""

from pathlib import Path

import numpy as np
from pydantic import PositiveInt

from pare.config.errors import PareError
from pare.data.formats.matlab import MatFields
from pare.data.own.file_checks import check_finite, one_file
from pare.storage.samples import Samples


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
    fields = MatFields(one_file(folder, pattern), ("coeff", "sol"), stride)
    shape = fields.shapes["coeff"]
    if len(shape) != 3 or shape[1] != shape[2] or fields.shapes["sol"] != shape:
        raise PareError(
            f"{fields.path}: coeff has shape {shape}, sol {fields.shapes['sol']}; expected the same "
            "(samples, n, n) for both. Put the publisher's file there"
        )
    if (shape[1] - 1) % stride:
        raise PareError(
            f"{fields.path}: {shape[1]} grid points cannot be thinned by stride {stride}, which must divide "
            f"{shape[1] - 1} to keep both boundaries; set the reader's option 'stride'"
        )
    if rows is not None and rows > shape[0]:
        raise PareError(f"{fields.path} has {shape[0]} rows, the task asks for {rows}; ask for fewer or bring more")

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        part = fields.read(start, stop)
        for name, values in part.items():
            check_finite(values, fields.path, name, start)
        return part["coeff"][:, None], part["sol"][:, None]

    return Samples(count=rows or shape[0], read=read)
