"""Readers: raw files of a task as samples, by the publisher's parts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arff
import numpy as np
from pydantic import PositiveInt

from pare.arrays.samples import Samples
from pare.config.errors import PareError
from pare.raw.matlab import MatFields
from pare.raw.tables import ARFF, DESCRIPTION

_FETCH = "fetch it: kedro run --pipeline=ingest --params task=<task>"


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
    fields = MatFields(_one_file(folder, pattern), ("coeff", "sol"), stride)
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
            _check_finite(values, fields.path, name, start)
        return part["coeff"][:, None], part["sol"][:, None]

    return Samples(count=rows or shape[0], read=read)


def _one_file(folder: Path, pattern: str) -> Path:
    """The file that matches; two of them would leave open which one the results come from."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise PareError(f"no file {pattern} in {folder}; {_FETCH}")
    if len(found) > 1:
        raise PareError(f"{folder} holds {', '.join(p.name for p in found)}: keep one that matches {pattern}")
    return found[0]


def _check_finite(values: np.ndarray, path: Path, name: str, start: int) -> None:
    bad = ~np.isfinite(values).all(axis=(1, 2))
    if bad.any():
        row = start + int(bad.argmax())
        raise PareError(f"{path}: {name} is not finite in row {row}; the file is damaged, remove it and {_FETCH}")


def arff_table(folder: Path, target: str | None = None) -> dict[str, Samples]:
    """A numeric table of OpenML with a nominal target.

    Missing values stay, as NaN; rows without a label are dropped, and so are the columns that OpenML says to
    ignore.

    Args:
        folder: holds ``dataset.arff`` and, where OpenML was asked, ``dataset.json``.
        target: the column to predict; by default the one that ``dataset.json`` names.

    Returns:
        ``all``: features ``(rows, features)`` float32 and class codes ``(rows,)`` int64, numbered in the
        order in which the ARFF declares the classes.

    Raises:
        PareError: if the file is missing or damaged, the target is absent or not nominal, or a feature is not
            numeric.
    """
    path = folder / ARFF
    description = _table_description(folder)
    attributes, rows = _load_arff(path)
    kinds = dict(attributes)
    target = target or description.get("default_target")
    if target not in kinds:
        raise PareError(
            f"{path} has no target column {target!r}; set the reader's option 'target' to one of: {', '.join(kinds)}"
        )
    if not isinstance(kinds[target], list):
        raise PareError(f"{path}: target {target!r} is {kinds[target]}; expected a nominal column, {{class, …}}")
    features = [name for name in kinds if name != target and name not in description.get("ignored", [])]
    other = [name for name in features if kinds[name] not in ("NUMERIC", "REAL", "INTEGER")]
    if other:
        raise PareError(f"{path}: only numeric tables can be read so far; not numeric: {', '.join(other)}")
    label, *columns = [list(kinds).index(name) for name in (target, *features)]
    labelled = [row for row in rows if row[label] is not None]
    # None, which stands for a missing value, becomes NaN.
    x = np.array([[row[i] for i in columns] for row in labelled], dtype=np.float32)
    y = np.array([row[label] for row in labelled], dtype=np.int64)

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return x[start:stop], y[start:stop]

    return {"all": Samples(count=len(y), read=read, columns=features, classes=kinds[target])}


def _load_arff(path: Path) -> tuple[list[tuple[str, Any]], list[list[Any]]]:
    """Attributes ``(name, type or classes)`` and rows, nominal values as codes, by OpenML's own parser."""
    if not path.is_file():
        raise PareError(f"{path} is missing; {_FETCH}")
    try:
        with path.open(encoding="utf-8") as stream:
            content = arff.load(stream, encode_nominal=True)
    except (arff.ArffException, ValueError) as error:
        raise PareError(f"{path} is damaged or cut short ({error}); remove it and {_FETCH}") from error
    if not content["data"]:
        raise PareError(f"{path} is cut short: it has no rows; remove it and {_FETCH}")
    return content["attributes"], content["data"]


def _table_description(folder: Path) -> dict[str, Any]:
    """What OpenML says of the table; empty where an ARFF was put into the folder by hand."""
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PareError(f"{path} is damaged ({error}); remove it and {_FETCH}") from error


READERS: dict[str, Callable[..., dict[str, Samples]]] = {"arff_table": arff_table, "darcy_mat": darcy_mat}
