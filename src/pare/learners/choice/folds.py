"""Rows on which candidates are compared: each is held out of one fold, and no test row is among them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.config.schema import SplitConfig, Task
from pare.data.preparation.split import folds_of
from pare.learners.networks.start.cross_validation import groups_of
from pare.storage.atomic import atomic_path
from pare.storage.checksums import is_whole
from pare.storage.fingerprint import fingerprint
from pare.storage.store import ArrayStore, Block, write_store

BLOCK_ROWS = 64
FEWEST, FEWEST_HELD = 10, 5  # rows in all, and validation rows where these alone are held out
Parts = dict[str, np.ndarray]  # numbers of rows by split; the training rows are counted first, then the validation rows


def fold_parts(store: ArrayStore, task: Task, folds: int) -> list[Parts]:
    """The parts of each fold: rows to learn from, rows for validation, and held-out rows as ``test``.

    Training and validation rows take part. A single fold holds the validation rows out. Groups and equal rows stay
    whole. Classes are spread evenly, but not over groups. Rows in order make consecutive folds.

    Args:
        store: the model input.
        task: sets the part of the remaining rows that validates.
        folds: at least 1.

    Raises:
        PareError: with too few rows, or groups.
    """
    pool = [store.rows(split) for split in ("train", "validation")]
    held = [rows for rows in pool if len(rows)]  # a file has no arrays of a part without rows
    spread = task.classes and not pool[0].has_own_groups
    labels = np.concatenate([rows.array("y") for rows in held]) if spread else None
    groups = groups_of([(rows, np.arange(len(rows))) for rows in held])
    numbers = np.arange(sum(map(len, pool)))
    _check_enough([len(rows) for rows in pool], groups, folds)
    cuts = [(numbers[: len(pool[0])], numbers[len(pool[0]) :])]
    if folds > 1:
        cuts = list(folds_of(numbers, labels, groups, folds, ordered=task.split.ordered))
    return [_parts(rest, held_out, labels, groups, task.split) for rest, held_out in cuts]


def _check_enough(rows: list[int], groups: np.ndarray | None, folds: int) -> None:
    units, needed, what = sum(rows), FEWEST, "rows"
    if groups is not None:
        units, needed, what = len(np.unique(groups)), max(folds, FEWEST_HELD), "different rows, or groups of rows,"
    elif folds == 1:
        units, needed, what = rows[1], FEWEST_HELD, "validation rows"
    if units < needed:
        raise PareError(
            f"a choice compares candidates on held-out rows and needs at least {needed} {what}, the task has {units}; "
            "use one method, such as method=probe"
        )


def _parts(
    rest: np.ndarray, held: np.ndarray, labels: np.ndarray | None, groups: np.ndarray | None, split: SplitConfig
) -> Parts:
    folds = min(max(2, round(1 / split.validation)), len(rest))
    cuts = list(folds_of(rest, labels, groups, folds, ordered=split.ordered))
    train, chosen = cuts[-1 if split.ordered else 0]  # rows in order hold out the last ones
    return {"train": train, "validation": chosen, "test": held}


def write_fold(path: Path, store: ArrayStore, parts: Parts, *, compress: bool) -> ArrayStore:
    """The rows of a fold as a model input of its own, unless it is there.

    Inputs keep the statistics by which the training rows were scaled.
    """
    digest = fingerprint(store.fingerprint, {name: rows.tolist() for name, rows in parts.items()})
    if not is_whole(path) or ArrayStore(path).fingerprint != digest:
        with atomic_path(path) as unfinished:
            write_store(
                unfinished,
                rows={name: len(rows) for name, rows in parts.items()},
                blocks=_blocks(store, parts),
                statistics=store.statistics,
                fingerprint=digest,
                description=store.description,
                compress=compress,
            )
    return ArrayStore(path)


def _blocks(store: ArrayStore, parts: Parts) -> Iterator[Block]:
    train, validation = store.rows("train"), store.rows("validation")
    for name, rows in parts.items():
        for start in range(0, len(rows), BLOCK_ROWS):
            numbers = np.sort(rows)[start : start + BLOCK_ROWS]
            known = numbers < len(train)
            for source, wanted in ((train, numbers[known]), (validation, numbers[~known] - len(train))):
                if len(wanted):
                    yield name, source.__getitems__(wanted.tolist())
