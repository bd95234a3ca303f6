"""What training rows have at each place, which takes the place of what is hidden."""

from collections.abc import Collection

import numpy as np

from pare.preparation.normalisation import RunningMoments
from pare.storage.store import Rows

BLOCK_BYTES = 16 << 20


def typical_row(rows: Rows, categorical: Collection[int] = ()) -> np.ndarray:
    """The mean of all rows at each place, and the most frequent code of each column of categories.

    Args:
        rows: of the training part, as the model takes them; missing values (NaN) are left out.
        categorical: numbers of the columns that hold categories.

    Returns:
        One row, ``(…)`` float32.
    """
    moments, counts = RunningMoments(), {column: np.zeros(0, int) for column in categorical}
    step = max(1, BLOCK_BYTES // rows.array("x", 0, 1).nbytes)
    for start in range(0, len(rows), step):
        x = rows.array("x", start, start + step)
        moments.update(x)
        counts = {column: _added(count, x[:, column]) for column, count in counts.items()}
    typical, _ = moments.result()
    for column, count in counts.items():
        typical[column] = count.argmax() if count.any() else np.nan
    return typical


def _added(count: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """How often each code occurred, those of more rows added."""
    more = np.bincount(codes[~np.isnan(codes)].astype(int), minlength=len(count))
    more[: len(count)] += count
    return more
