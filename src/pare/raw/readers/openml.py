"""Tables of OpenML."""

import json
from pathlib import Path
from typing import Any

import arff
import numpy as np

from pare.arrays.samples import Samples
from pare.config.errors import PareError
from pare.raw.openml import ARFF, DESCRIPTION
from pare.raw.readers.files import FETCH


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
        raise PareError(f"{path} is missing; {FETCH}")
    try:
        with path.open(encoding="utf-8") as stream:
            content = arff.load(stream, encode_nominal=True)
    except (arff.ArffException, ValueError) as error:
        raise PareError(f"{path} is damaged or cut short ({error}); remove it and {FETCH}") from error
    if not content["data"]:
        raise PareError(f"{path} is cut short: it has no rows; remove it and {FETCH}")
    return content["attributes"], content["data"]


def _table_description(folder: Path) -> dict[str, Any]:
    """What OpenML says of the table; empty where an ARFF was put into the folder by hand."""
    path = folder / DESCRIPTION
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PareError(f"{path} is damaged ({error}); remove it and {FETCH}") from error
