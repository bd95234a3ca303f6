"""What every reader asks of the files before it."""

from pathlib import Path

import numpy as np

from pare.config.errors import PareError

FETCH = "fetch it: kedro run --pipeline=ingest --params task=<task>"


def one_file(folder: Path, pattern: str) -> Path:
    """The file that matches; two of them would leave open which one the results come from.

    Raises:
        PareError: if no file matches, or several do.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise PareError(f"no file {pattern} in {folder}; {FETCH}")
    if len(found) > 1:
        raise PareError(f"{folder} holds {', '.join(p.name for p in found)}: keep one that matches {pattern}")
    return found[0]


def check_finite(values: np.ndarray, path: Path, name: str, start: int) -> None:
    """Refuse rows, ``(rows, …)`` from row ``start`` of ``name`` in ``path``, that are not finite.

    Raises:
        PareError: naming the file, the array and the first bad row.
    """
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if bad.any():
        row = start + int(bad.argmax())
        raise PareError(f"{path}: {name} is not finite in row {row}; the file is damaged, remove it and {FETCH}")
