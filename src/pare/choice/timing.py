"""How long a fit to many rows will take, measured by fits to few of them."""

from collections.abc import Sequence
from pathlib import Path

from pare.choice.folds import Parts, fewer, write_fold
from pare.storage.store import ArrayStore

MANY = 4000  # rows to learn from, above which a fit may take longer than all minutes
TIMED = (250, 1000)  # rows that are fitted to know it


def are_many(parts: Parts) -> bool:
    """Whether the rows to learn from are so many that the time of a fit is measured first."""
    return _learnt(parts) > MANY


def few_rows(store: ArrayStore, parts: Parts, folder: Path) -> list[ArrayStore]:
    """Model inputs with as many of a fold's rows as are timed, the fewest first."""
    return [write_fold(folder / f"{rows}.h5", store, fewer(parts, rows), compress=False) for rows in TIMED]


def seconds_of_next(seconds: float) -> float:
    """At most so long takes the fit to most of the rows that are timed, by that to the fewest."""
    fewest, most = TIMED
    return seconds * most / fewest


def expected_seconds(seconds: Sequence[float], parts: Parts) -> float:
    """Seconds of a fit to a fold, by those of fits to `TIMED` rows: on a straight line, so for some it is too few.

    Of one such fit alone, each row takes as long as in it.
    """
    fewest, most = TIMED
    if len(seconds) == 1:
        return seconds[0] / fewest * _learnt(parts)
    for_a_row = max(0.0, seconds[1] - seconds[0]) / (most - fewest)
    return seconds[1] + for_a_row * (_learnt(parts) - most)


def _learnt(parts: Parts) -> int:
    return len(parts["train"]) + len(parts["validation"])
