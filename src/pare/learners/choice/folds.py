"""Rows on which candidates are compared, each held out of one fold, no test row among them; and fits to the others."""

import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from accelerate import PartialState

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.schema import Task
from pare.data.preparation.split import folds_of
from pare.evaluation.scoring import predict_rows
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.start.cross_validation import groups_of
from pare.storage.atomic import atomic_path
from pare.storage.checksums import is_whole
from pare.storage.fingerprint import fingerprint
from pare.storage.hdf5 import read_predictions, write_predictions
from pare.storage.store import SPLITS, ArrayStore, Block, write_store

BLOCK_ROWS = 64
FEWEST = 5  # held-out rows, or groups of rows
Parts = dict[str, np.ndarray]  # numbers of rows by split; the training rows are counted first, then the validation rows
Held = dict[str, np.ndarray]  # prediction, truth, perhaps group, each (rows, …), and the seconds of the fit


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
    pool = [store.rows(split) for split in SPLITS[:2]]
    held = [rows for rows in pool if len(rows)]  # a file has no arrays of a part without rows
    spread = task.classes and not pool[0].has_own_groups
    labels = np.concatenate([rows.array("y") for rows in held]) if spread else None
    groups = groups_of([(rows, np.arange(len(rows))) for rows in held])
    cut = partial(folds_of, labels=labels, groups=groups, ordered=task.split.ordered)
    numbers, inner, parts = np.arange(sum(map(len, pool))), max(2, round(1 / task.split.validation)), []
    pooled = numbers if folds > 1 else numbers[len(pool[0]) :]
    found, needed = len(pooled if groups is None else np.unique(groups[pooled])), max(folds, FEWEST)
    if found < needed:
        raise PareError(
            f"a choice compares candidates on held-out rows and needs at least {needed} different ones, or groups "
            f"of rows; the task has {found}; use one method, such as method=probe"
        )
    cuts = cut(numbers, folds=folds) if folds > 1 else [np.split(numbers, [len(pool[0])])]
    for rest, held_out in cuts:
        if len(rest if groups is None else np.unique(groups[rest])) < 2:
            raise PareError(
                "a choice needs training rows of at least two groups, found one; bring more groups, or use one method, "
                "such as method=probe"
            )
        train, validation = list(cut(rest, folds=min(inner, len(rest))))[-1 if task.split.ordered else 0]
        parts.append({"train": train, "validation": validation, "test": held_out})
    return parts


def write_fold(folder: Path, store: ArrayStore, parts: Parts, *, compress: bool) -> ArrayStore:
    """The rows of a fold as a model input of its own in a file of the folder, unless it is there.

    Inputs keep the statistics by which the training rows were scaled.
    """
    digest = fingerprint(store.fingerprint, {name: rows.tolist() for name, rows in parts.items()})
    path = folder / f"fold_{digest}.h5"
    if not is_whole(path):
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
    first = 0
    for source in map(store.rows, SPLITS[:2]):
        for name, rows in parts.items():
            own = np.sort(rows[(rows >= first) & (rows < first + len(source))]) - first
            for start in range(0, len(own), BLOCK_ROWS):
                yield name, source.__getitems__(own[start : start + BLOCK_ROWS].tolist())
        first += len(source)


def held_out(run: Run, data: Data, parts: Parts, folder: Path) -> Held:
    """Fit a candidate to a fold and predict its held-out rows, unless the folder has just these predictions.

    Args:
        run: the candidate.
        data: the model input that the fold is cut from, and the source.
        parts: rows of the fold.
        folder: folder of the choice.

    Raises:
        PareError: where the fit fails.
    """
    fold = Data(write_fold(folder, data.store, parts, compress=run.task.input.compress), data.source)
    path = folder / run.method_name / f"{fingerprint(run.decisive(), *fold.fingerprints)}.h5"
    if not is_whole(path):
        work, started = path.with_suffix(""), time.perf_counter()
        shutil.rmtree(work, ignore_errors=True)  # a killed choice left it, and its seconds are not known
        model = Fit(run, fold).model(work)
        seconds = np.array(time.perf_counter() - started)
        write_predictions(path, predicted(model, fold, "test") | {"seconds": seconds})
        shutil.rmtree(work, ignore_errors=True)
    return read_predictions(path)


def fitted(run: Run, data: Data, path: Path) -> Held | None:
    """Fit a candidate to all rows, or go on where an interrupted fit ended, and write the model.

    Args:
        run: the candidate.
        data: what it learns from.
        path: folder of the model.

    Returns:
        What a network predicts for the validation rows, which chose its epoch and taught it nothing; None of a model
        without epochs, and of a network that kept its solved start, as these learnt from them.

    Raises:
        PareError: where the fit fails.
    """
    Fit(run, data).write(path)
    model = Model.load(path)
    if not model.record["best_epoch"]:
        return None
    return predicted(model, data, "validation") | {"seconds": np.array(model.record["train_seconds"])}


def predicted(model: Model, data: Data, split: str) -> Held:
    """Outputs of a model for the rows of a split, as `predict_rows`; PareError where they are not finite."""
    arrays = predict_rows(partial(model.outputs, device=PartialState().device), data.store.rows(split))
    if not np.isfinite(arrays["prediction"]).all():
        raise PareError("it predicts numbers that are not finite")
    return arrays
