"""Rows that are left out to choose penalties, widths and shares: those that belong together are left out together."""

from collections.abc import Sequence

import numpy as np

from pare.config.schema import SplitConfig
from pare.preparation.split import folds_of
from pare.storage.store import Rows

FOLDS = 5
Part = tuple[Rows, np.ndarray]  # rows of a split, and the numbers of those that are used
Folds = Sequence[tuple[np.ndarray, np.ndarray]]  # numbers of rows to fit, and of rows that are left out


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
        split: says whether rows are in order.
        groups: of the rows, ``(rows,)``; None where they have none.
        rows: how many there are, at least 2.
        folds: at most so many.

    Returns:
        None where rows are in no order and of no group, or all of one: any folds will do.
    """
    own = None if groups is None or len(np.unique(groups)) < 2 else groups
    if own is None and not split.ordered:
        return None
    return list(folds_of(np.arange(rows), None, own, min(folds, rows), ordered=split.ordered))
