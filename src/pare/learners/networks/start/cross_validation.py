"""Folds that choose penalties, widths and weights, and whether a loss is clearly smaller than another.

Rows that belong together are left out together.
"""

from collections.abc import Sequence

import numpy as np

from pare.config.schema import SplitConfig
from pare.data.preparation.split import folds_of
from pare.storage.store import Rows

FOLDS = 5
Part = tuple[Rows, np.ndarray]  # rows of a split, and the numbers of those that are used
Folds = Sequence[tuple[np.ndarray, np.ndarray]]  # numbers of rows to fit, and of held-out rows
CLEARLY = 2.0  # standard errors of many rows: an epoch without any gain passes with 2.3 %, the best of five with 10 %


def groups_of(parts: Sequence[Part]) -> np.ndarray | None:
    """Number of the group of each row of the parts, ``(rows,)``; None where rows have none."""
    groups = [of_rows[chosen] for rows, chosen in parts if (of_rows := rows.groups) is not None]
    return np.concatenate(groups) if groups else None


def weights_of(parts: Sequence[Part]) -> np.ndarray | None:
    """How much each row of the parts counts, ``(rows,)``; None where all count alike."""
    weights = [of_rows[chosen] for rows, chosen in parts if (of_rows := rows.weights) is not None]
    return np.concatenate(weights) if weights else None


def folds_that_keep(split: SplitConfig, groups: np.ndarray | None, rows: int, folds: int = FOLDS) -> Folds | None:
    """Folds in which groups stay whole, and rows in the order of time are blocks.

    Args:
        split: the task's split, ordered or not.
        groups: group of each row, ``(rows,)``; None without groups.
        rows: number of rows, at least 2.
        folds: most folds.

    Returns:
        None if any folds will do: rows in no order, without groups or all in one.
    """
    own = None if groups is None or len(np.unique(groups)) < 2 else groups
    if own is None and not split.ordered:
        return None
    return list(folds_of(np.arange(rows), None, own, min(folds, rows), ordered=split.ordered))


def clearly_smaller(
    losses: Sequence[float] | np.ndarray,
    than: Sequence[float] | np.ndarray,
    groups: np.ndarray | None = None,
    errors: float = CLEARLY,
) -> bool:
    """Whether the mean loss fell by more than chance explains, by a one-sided paired t-test.

    Args:
        losses: loss of each row, ``(rows,)``.
        than: losses of the same rows before.
        groups: group of each row, ``(rows,)``, such as a patient; a group counts as one row. None: no groups.
        errors: standard errors that the mean has to fall by where rows are many. Few rows need more, so that losses
            that did not fall pass as rarely: 2 standard errors are 2.87 of 5 rows.
    """
    from scipy.special import ndtr, stdtrit  # noqa: PLC0415 - slow to import

    falls = np.subtract(than, losses)
    if groups is not None:
        _, numbers = np.unique(groups, return_inverse=True)
        sums = np.bincount(numbers.reshape(-1), falls)
        falls = sums * len(sums) / len(falls)  # same mean as the rows'
    if len(falls) < 2:
        return False
    quantile = stdtrit(len(falls) - 1, ndtr(errors))  # Student's, of the probability that a normal has at ``errors``
    return bool(falls.mean() > quantile * falls.std(ddof=1) / len(falls) ** 0.5)
