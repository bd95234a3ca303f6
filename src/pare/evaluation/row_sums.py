"""Metrics that are made of sums over rows, such as a mean; batches do not show, and draws of rows are quick."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pare.evaluation.checks import require_samples
from pare.storage.store import Rows

BATCH_ROWS = 64
BATCH_BYTES = 32 << 20  # a sample with many channels on a fine grid fills a batch alone

# Predictions and truth of all rows, each ``(rows, …)``, to the value.
Metric = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class RowSums:
    """A metric whose value follows from sums over rows.

    Attributes:
        terms: predictions and truth of some rows, each ``(rows, …)``, to what each row adds, ``(rows, numbers)``
            float64: then order and size of batches do not matter.
        value: sums of the terms, ``(numbers,)``, to the value.
    """

    terms: Callable[[np.ndarray, np.ndarray], np.ndarray]
    value: Callable[[np.ndarray], float]

    def __call__(self, prediction: np.ndarray, truth: np.ndarray) -> float:
        """The value of all rows; `UndefinedMetric` where there is none."""
        return self.value(sum(part.sum(axis=0) for part in self._parts(prediction, truth)))

    def of_rows(self, prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """What each row adds, ``(rows, numbers)``."""
        return np.concatenate([*self._parts(prediction, truth)])

    def _parts(self, prediction: np.ndarray, truth: np.ndarray) -> Iterator[np.ndarray]:
        require_samples(len(truth))
        for start, stop in batches(len(truth), truth[0].nbytes):
            yield self.terms(prediction[start:stop], truth[start:stop])


def mean(sums: np.ndarray) -> float:
    """A mean by the sum of its terms and their number."""
    require_samples(sums[1])
    return float(sums[0] / sums[1])


def batches(rows: int, row_bytes: int) -> Iterator[tuple[int, int]]:
    """First row, and the one after the last, of each batch of rows of so many bytes."""
    return _cut(rows, max(1, min(BATCH_ROWS, BATCH_BYTES // row_bytes)))


def blocks(rows: int, row_bytes: int) -> Iterator[tuple[int, int]]:
    """The same for blocks of whole batches that fit into `BATCH_BYTES` together, for what divides rows itself."""
    size = max(1, BATCH_BYTES // row_bytes)
    return _cut(rows, size - size % BATCH_ROWS if size > BATCH_ROWS else size)


def target_blocks(rows: Rows) -> Iterator[np.ndarray]:
    """Targets of rows, ``(block, …)``, one block after the other."""
    if len(rows):
        for start, stop in blocks(len(rows), rows.array("y", 0, 1).nbytes):
            yield rows.array("y", start, stop)


def _cut(rows: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, rows)) for start in range(0, rows, size))
