"""How long a fit to many rows will take, measured by fits to few of them."""

from collections.abc import Sequence
from pathlib import Path

from pare.choice.folds import Parts, fewer, write_fold
from pare.storage.store import ArrayStore

MANY = 4000  # rows to learn from, above which a fit may take longer than all minutes
TIMED = (100, 200, 600)  # rows that are fitted to know it; the first fit pays for what is imported


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
