"""Which rows are explained: those of the test part, or new ones from a file."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from pare.config.words import counted
from pare.explanation.regions import regions_of, typical_row
from pare.learners.networks.models.table_features import relevance
from pare.prediction.predict import Predictor
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
MOST_ROWS = 200  # explained: a fixed number, so that every machine gives the same
TIMED_ROWS = 16
MOST_COLUMNS, SCREENED_ROWS = 32, 1000  # explained columns of a wide table, and training rows that choose them
EXCHANGES = 5  # exchanges of a column among the rows


@dataclass(frozen=True)
class Question:
    """The rows that are to be explained.

    Attributes:
        what: description of the rows, in words.
        names: names of the rows, or their numbers from 1.
        read: ``read(start, stop)`` returns rows start to stop - 1 as the model takes them, ``(rows, …)`` float32, and
            what is true of them, or None for new rows.
        typical: what takes the place of what is hidden, one row ``(…)``.
        spread: variance of each number that is predicted, over all rows, ``(numbers,)``; None where none are.
        columns: numbers of the columns that are hidden, ascending; None: all, or the regions of other data.
    """

    what: str
    names: list[str]
    read: Callable[[int, int], tuple[np.ndarray, np.ndarray | None]]
    typical: np.ndarray
    spread: np.ndarray | None = None
    columns: list[int] | None = None


def ask_test_rows(model: Predictor, store: ArrayStore) -> Question:
    """The test rows; of more than 200 as many, evenly chosen.

    Args:
        model: model that is explained.
        store: its model input.
    """
    rows = store.rows("test")
    count = min(len(rows), MOST_ROWS)
    chosen = np.linspace(0, len(rows) - 1, count).round().astype(int).tolist()

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        batch = rows.__getitems__(chosen[start:stop])
        return batch["x"], batch["y"]

    numbers = model.task.output.kind == "regression"
    spread = rows.array("y")[chosen].var(axis=0, dtype=np.float64) if numbers else None
    what, names = _some(len(chosen), len(rows), "test row"), [str(row + 1) for row in chosen]
    return Question(what, names, read, _typical(model, store), spread, _columns(model, store))


def ask_new_rows(model: Predictor, store: ArrayStore, path: Path) -> Question:
    """The rows of a file; of more than 200 the first ones.

    Args:
        model: that is explained.
        store: its model input.
        path: path of the file.

    Raises:
        PareError: where the rows do not fit the task.
    """
    rows = model.open(path)
    names = [str(name) for name in rows.names[:MOST_ROWS]]
    what = f"{_some(len(names), len(rows.names))} of {path.name}"

    def read(start: int, stop: int) -> tuple[np.ndarray, None]:
        return model.inputs(rows, start, min(stop, len(names))), None

    return Question(what, names, read, _typical(model, store), columns=_columns(model, store))


def _some(chosen: int, count: int, what: str = "row") -> str:
    """The rows in words, and a warning where they are not all."""
    if chosen == count:
        return counted(count, what)
    some = f"{chosen:,} of {counted(count, what)}"
    logger.warning("Not all rows are explained, but %s: %d at most.", some, MOST_ROWS)
    return some


def _columns(model: Predictor, store: ArrayStore) -> list[int] | None:
    """Of a wide table the columns that go with the predictions of training rows most; None: all are hidden."""
    if not model.task.is_wide:
        return None
    x = store.rows("train").read(0, SCREENED_ROWS)["x"]
    shares = relevance(x, model.trained.outputs(x, model.device))
    logger.info("Of %s columns %d are explained, which go with the predictions most.", f"{len(shares):,}", MOST_COLUMNS)
    return sorted(np.argsort(-shares, kind="stable")[:MOST_COLUMNS].tolist())


def expected_seconds(model: Predictor, store: ArrayStore, question: Question) -> float:
    """About how long an explanation takes: a few predictions are timed.

    Args:
        model: that is explained.
        store: its model input.
        question: the rows.
    """
    x = store.rows("train").read(0, TIMED_ROWS)["x"]
    seconds = []
    for _ in range(2):  # the first call prepares itself
        start = perf_counter()
        model.trained.outputs(x, model.device)
        seconds.append(perf_counter() - start)
    regions = len(question.columns or regions_of(model.task, None))
    predictions = regions * (1 + (EXCHANGES if model.task.kind == "table" else 0))
    return min(seconds) / len(x) * predictions * len(question.names)


def _typical(model: Predictor, store: ArrayStore) -> np.ndarray:
    return typical_row(store.rows("train"), model.trained.preparation.seen)
