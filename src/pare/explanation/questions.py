"""Which rows are explained: those of the test part, or new ones from a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from pare.config.words import counted
from pare.explanation.regions import regions_of
from pare.explanation.typical import typical_row
from pare.own_data.predict import Predictor
from pare.storage.store import ArrayStore

SECONDS = 120  # of explaining, about; so many rows are taken
FEWEST_ROWS, MOST_ROWS = 20, 1000  # but at least and at most these
TIMED_ROWS = 16
EXCHANGES = 5  # of a column among the rows


@dataclass(frozen=True)
class Question:
    """The rows that are to be explained.

    Attributes:
        what: they are, in words.
        names: of the rows.
        read: ``read(start, stop)`` returns rows start to stop - 1 as the model takes them, ``(rows, …)`` float32, and
            what is true of them, or None for new rows.
        typical: what takes the place of what is hidden, one row ``(…)``.
        spread: variance of each number that is predicted, over all rows, ``(numbers,)``; None where none are.
    """

    what: str
    names: list[str]
    read: Callable[[int, int], tuple[np.ndarray, np.ndarray | None]]
    typical: np.ndarray
    spread: np.ndarray | None = None


def ask_test_rows(model: Predictor, store: ArrayStore) -> Question:
    """The test rows; of many as many as two minutes allow, evenly chosen.

    Args:
        model: that is explained.
        store: its model input.
    """
    rows = store.rows("test")
    count = min(len(rows), affordable_rows(model, store))
    chosen = np.linspace(0, len(rows) - 1, count).round().astype(int).tolist()

    def read(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        batch = rows.__getitems__(chosen[start:stop])
        return batch["x"], batch["y"]

    numbers = model.task.output.kind == "regression"
    spread = rows.array("y")[chosen].var(axis=0, dtype=np.float64) if numbers else None
    what, names = _some(len(chosen), len(rows), "test row"), [str(row) for row in chosen]
    return Question(what, names, read, _typical(model, store), spread)


def ask_new_rows(model: Predictor, store: ArrayStore, path: Path) -> Question:
    """The rows of a file; of many the first ones, as many as two minutes allow.

    Args:
        model: that is explained.
        store: its model input.
        path: of the file.

    Raises:
        PareError: where the rows do not fit the task.
    """
    rows = model.open(path)
    names = rows.names[: affordable_rows(model, store)]
    what = f"{_some(len(names), len(rows.names))} of {path.name}"

    def read(start: int, stop: int) -> tuple[np.ndarray, None]:
        return model.inputs(rows, start, min(stop, len(names))), None

    return Question(what, names, read, _typical(model, store))


def _some(chosen: int, count: int, what: str = "row") -> str:
    return counted(count, what) if chosen == count else f"{chosen:,} of {counted(count, what)}"


def affordable_rows(model: Predictor, store: ArrayStore) -> int:
    """How many rows can be explained in two minutes, at least 20 and at most 1,000: a few predictions are timed.

    Args:
        model: that is explained.
        store: its model input.
    """
    x = store.rows("train").read(0, TIMED_ROWS)["x"]
    seconds = []
    for _ in range(2):  # the first call prepares itself
        start = perf_counter()
        model.trained.outputs(x, model.device)
        seconds.append(perf_counter() - start)
    predictions = len(regions_of(model.task, None)) * (1 + (EXCHANGES if model.task.kind == "table" else 0))
    return int(np.clip(SECONDS * len(x) / (min(seconds) * predictions), FEWEST_ROWS, MOST_ROWS))


def _typical(model: Predictor, store: ArrayStore) -> np.ndarray:
    return typical_row(store.rows("train"), model.trained.preparation.seen)
