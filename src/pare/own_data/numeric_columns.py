"""Remarkable numbers of a table: columns in the order of the target, and numbers that may mean missing."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pare.raw.readers.columns import FEW_ROWS

FOLLOWS = 0.999  # rank correlation from which on a column says what the target says
LEAST_SHARE, MOST_SHARE = 0.05, 0.5  # of the rows, that a number which means missing may have
LEAST_OTHERS = 3  # numbers without which there is nothing to be far from


def followers(free: pd.DataFrame, targets: pd.DataFrame) -> list[str]:
    """Names of the columns whose order is that of a target, or the reverse, in the rows that have both.

    Args:
        free: the columns that may be features.
        targets: those to predict.
    """
    answers = [column for _, column in _numbers(targets)]
    return [name for name, column in _numbers(free) if any(_follows(column, answer) for answer in answers)]


def _numbers(frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    for name in frame:
        if frame[name].dtype.kind in "iuf":
            yield str(name), pd.Series(frame[name].to_numpy(dtype=float, na_value=np.nan))


def _follows(column: pd.Series, answer: pd.Series) -> bool:
    both = column.notna() & answer.notna()
    if both.sum() < FEW_ROWS or column[both].nunique() < LEAST_OTHERS or answer[both].nunique() < LEAST_OTHERS:
        return False
    return abs(column[both].rank().corr(answer[both].rank())) > FOLLOWS


def stand_ins(free: pd.DataFrame) -> Iterator[str]:
    """A sentence for each column in which one number repeats far outside all others, as if it meant missing.

    Args:
        free: the columns that may be features.
    """
    for name, column in _numbers(free):
        values, counts = np.unique(column.dropna(), return_counts=True)
        for end, where in ((0, "below"), (-1, "above")):
            if len(values) > LEAST_OTHERS and _is_far(values, end) and _repeats(counts[end], len(column)):
                number = f"{values[end]:.15g}"
                yield (
                    f"{name} is {number} in {counts[end]} of {len(column)} rows, far {where} all others; if it means "
                    f"missing, say --missing={number}"
                )


def _is_far(values: np.ndarray, end: int) -> bool:
    """Whether the first or the last of ascending numbers is farther from the others than twice their range."""
    others = np.delete(values, end)
    return bool(abs(values[end] - others[end]) > 2 * np.ptp(others))


def _repeats(count: int, rows: int) -> bool:
    return LEAST_SHARE * rows <= count < MOST_SHARE * rows
