"""Which row goes to which part; always the same rows, whatever the seed of a run."""

import numpy as np
from sklearn.model_selection import train_test_split

from pare.config.errors import PareError
from pare.config.schema import Task

SPLIT_SEED = 0


def assign_parts(task: Task, part: str, labels: np.ndarray | None, *, validated: bool) -> np.ndarray:
    """Name the split of each row of one of the publisher's parts.

    Args:
        task: the task; its ``split`` and ``samples`` say how.
        part: ``train``, ``test`` or ``all``.
        labels: class of each row, ``(rows,)``; needed where the split is stratified.
        validated: whether a validation part is cut from the training rows.

    Returns:
        ``train``, ``validation`` or ``test`` per row, ``(rows,)``.

    Raises:
        PareError: where a class is too small to be split.
    """
    names = np.full(task.samples[part], "test" if part == "test" else "train", dtype="U10")  # type: ignore[index]
    rows = np.arange(len(names))
    if part == "all":
        rows = _cut(rows, names, "test", task.n_test, labels if task.split.stratified else None)
    if part != "test" and validated:
        n_validation = max(1, round(len(rows) * task.split.validation))
        _cut(rows, names, "validation", n_validation, labels if task.split.stratified else None)
    return names


def _cut(rows: np.ndarray, names: np.ndarray, name: str, n: int, labels: np.ndarray | None) -> np.ndarray:
    """Give ``n`` of the rows that name; return the others."""
    try:
        rest, cut = train_test_split(
            rows, test_size=n, random_state=SPLIT_SEED, stratify=None if labels is None else labels[rows]
        )
    except ValueError as error:
        raise PareError(f"cannot cut {n} {name} rows from {len(rows)}: {error}; change split in the task") from error
    names[cut] = name
    return np.sort(rest)
