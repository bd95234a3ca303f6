"""Rows in which candidates are compared: each is held out of one fold, and no test row is among them.

Where rows are many, the time of a fit is measured by fits to few of them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.config.schema import SplitConfig, Task
from pare.data.preparation.split import folds_of
from pare.learners.networks.start.cross_validation import groups_of
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import fingerprint
from pare.storage.store import ArrayStore, Block, Rows, write_store

BLOCK_ROWS = 64
FIFTHS = 5  # a fifth of the rows is held out where one fold is asked for and validation rows are too few
FEWEST = 2 * FIFTHS  # rows
Cut = tuple[np.ndarray, np.ndarray]  # numbers of rows to learn from, and of others
Parts = dict[str, np.ndarray]  # numbers of rows by split; the training rows are counted first, then the validation rows
MANY = 4000  # rows to learn from, above which a fit may take longer than all minutes
TIMED = (100, 200, 600)  # rows that are fitted to know it; the first fit pays for what is imported


def fold_parts(store: ArrayStore, task: Task, folds: int) -> list[Parts]:
    """The parts of each fold: rows to learn from, rows for validation, and held-out rows as ``test``.

    Training and validation rows take part. A single fold holds the validation rows out, or a fifth of all rows if they
    are fewer than five. Groups and equal rows stay whole. Classes are spread evenly, but not over groups. Rows
    in order make consecutive folds.

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
    _check_enough(len(numbers), groups, folds, "groups of rows" if pool[0].has_own_groups else "different rows")
    if holds_validation_out(store, folds):
        cuts = [(numbers[: len(pool[0])], numbers[len(pool[0]) :])]
    else:
        every = list(folds_of(numbers, labels, groups, folds if folds > 1 else FIFTHS, ordered=task.split.ordered))
        cuts = every if folds > 1 else [_one_of(every, task.split)]
    return [_parts(rest, held, labels, groups, task.split) for rest, held in cuts]


def holds_validation_out(store: ArrayStore, folds: int) -> bool:
    """Whether the validation rows are the held-out rows: with one fold, if they are enough."""
    return folds == 1 and len(store.rows("validation")) >= FIFTHS


def _check_enough(rows: int, groups: np.ndarray | None, folds: int, of_groups: str) -> None:
    units, what = (rows, "rows") if groups is None else (len(np.unique(groups)), of_groups)
    needed = FEWEST if groups is None else max(folds, FIFTHS)
    if units < needed:
        raise PareError(
            f"a choice compares candidates on held-out rows and needs at least {needed} {what} for training and "
            f"validation, the task has {units}; use one method, such as method=probe with --pipelines=pare_train"
        )


def _parts(
    rest: np.ndarray, held: np.ndarray, labels: np.ndarray | None, groups: np.ndarray | None, split: SplitConfig
) -> Parts:
    folds = min(max(2, round(1 / split.validation)), len(rest))
    train, chosen = _one_of(list(folds_of(rest, labels, groups, folds, ordered=split.ordered)), split)
    return {"train": train, "validation": chosen, "test": held}


def _one_of(cuts: list[Cut], split: SplitConfig) -> Cut:
    """One cut for all; rows in order hold out the last ones."""
    return cuts[-1 if split.ordered else 0]


def fewer(parts: Parts, rows: int) -> Parts:
    """So many rows to learn from, and the same fraction of the others, drawn at random."""
    share, rng = rows / (len(parts["train"]) + len(parts["validation"])), np.random.default_rng(0)
    return {name: rng.permutation(numbers)[: round(share * len(numbers))] for name, numbers in parts.items()}


def write_fold(path: Path, store: ArrayStore, parts: Parts, *, compress: bool) -> ArrayStore:
    """The rows of a fold as a model input of its own, unless it is there.

    Inputs keep the statistics by which the training rows were scaled.
    """
    digest = fingerprint(store.fingerprint, {name: rows.tolist() for name, rows in parts.items()})
    if not path.is_file() or ArrayStore(path).fingerprint != digest:
        with atomic_path(path) as unfinished:
            write_store(
                unfinished,
                rows={name: len(rows) for name, rows in parts.items()},
                blocks=_blocks([store.rows(split) for split in ("train", "validation")], parts),
                statistics=store.statistics,
                fingerprint=digest,
                description=store.description,
                compress=compress,
            )
    return ArrayStore(path)


def _blocks(pool: list[Rows], parts: Parts) -> Iterator[Block]:
    first = len(pool[0])
    for name, rows in parts.items():
        for start in range(0, len(rows), BLOCK_ROWS):
            numbers = np.sort(rows)[start : start + BLOCK_ROWS]
            sources = ((pool[0], numbers[numbers < first]), (pool[1], numbers[numbers >= first] - first))
            for source, wanted in sources:
                if len(wanted):
                    yield name, source.__getitems__(wanted.tolist())


def are_many(parts: Parts) -> bool:
    """Whether the rows to learn from are so many that the time of a fit is measured first."""
    return _learnt(parts) > MANY


def few_rows(store: ArrayStore, parts: Parts, folder: Path) -> list[ArrayStore]:
    """Model inputs with as many of a fold's rows as are timed, the fewest first."""
    return [write_fold(folder / f"{rows}.h5", store, fewer(parts, rows), compress=False) for rows in TIMED]


def expected_seconds(seconds: Sequence[float], parts: Parts) -> float:
    """Seconds of a fit to a fold, on a straight line through the last two fits to `TIMED` rows; for some too few."""
    for_a_row = max(0.0, seconds[-1] - seconds[-2]) / (TIMED[-1] - TIMED[-2])
    return seconds[-1] + for_a_row * (_learnt(parts) - TIMED[-1])


def _learnt(parts: Parts) -> int:
    return len(parts["train"]) + len(parts["validation"])
