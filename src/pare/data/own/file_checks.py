"""Checks that readers share."""

from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.made_here import is_users

PARTS = ("train", "validation", "test")  # into which a publisher or a user may have divided the rows


def one_file(folder: Path, pattern: str) -> Path:
    """The file that matches; several would be ambiguous.

    Raises:
        PareError: if no file matches, or several do.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise PareError(f"no file {pattern} in {folder}; {FETCH}")
    if len(found) > 1:
        users = [path for path in found if is_users(path)]
        advice = (
            f"; to use {users[0].name} for this task, say in conf/local/tasks: "
            f"`{folder.name}: {{raw: {{files: [{users[0]}]}}}}`"
            if users
            else ""
        )
        raise PareError(f"{folder} holds {', '.join(p.name for p in found)}: keep one that matches {pattern}{advice}")
    return found[0]


def check_finite(values: np.ndarray, path: Path, name: str, start: int) -> None:
    """Refuse rows, ``(rows, …)`` from row ``start``, counted from 0, of ``name`` in ``path``, that are not finite.

    Raises:
        PareError: naming the file, the array and the first bad row.
    """
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if bad.any():
        row = start + int(bad.argmax()) + 1
        raise PareError(f"{path}: {name} is not finite in row {row}; the file is damaged, remove it and {FETCH}")


def check_shape(values: object, shape: tuple[int | None, ...], name: str) -> np.ndarray:
    """Refuse what is not an array of numbers of that shape; None is any number.

    Args:
        values: what the file holds.
        shape: what it should be, the rows first.
        name: what messages call it, e.g. file and array.

    Returns:
        The array.

    Raises:
        PareError: naming both shapes.
    """
    if (
        not isinstance(values, np.ndarray)
        or values.dtype.kind not in "biuf"
        or values.ndim != len(shape)
        or any(wanted not in (None, found) for wanted, found in zip(shape, values.shape, strict=True))
    ):
        found = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        wanted = ", ".join("rows" if n is None else str(n) for n in shape)
        raise PareError(f"{name} is {found}; expected numbers ({wanted}). Put the publisher's file there")
    return values


def class_codes(labels: object, count: int, name: str) -> np.ndarray:
    """Classes as numbers, one for each of ``count`` rows.

    Args:
        labels: a list or an array; whole numbers that are stored as floats are taken as well.
        count: number of rows.
        name: what messages call the labels.

    Returns:
        ``(rows,)`` int64.

    Raises:
        PareError: if there are more or fewer, or others than whole numbers.
    """
    if isinstance(labels, list) and all(isinstance(label, int) for label in labels):
        labels = np.array(labels)
    codes = check_shape(labels, (count,), name)
    with np.errstate(invalid="ignore"):  # NaN becomes some number, and is unequal to it
        whole = codes.astype(np.int64)
    if codes.dtype.kind not in "iuf" or (whole != codes).any():
        raise PareError(f"{name} holds other values than whole numbers. Put the publisher's file there")
    return whole
