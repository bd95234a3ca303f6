"""What is said of rows in memory next to what they hold: which belong together, and how much each counts."""

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d


def seed_of(random_state: Any) -> int:
    """A whole number as it is; one that is drawn from a state of random numbers, None being numpy's own."""
    state = check_random_state(random_state)
    return int(random_state) if isinstance(random_state, Integral) else int(state.randint(2**31 - 1))


def group_numbers(groups: Any, rows: int) -> np.ndarray | None:
    """The number of each row's group, ``(rows,)``; None where there are none.

    Raises:
        ValueError: where a row has no group, or all have the same.
    """
    if groups is None:
        return None
    groups = column_or_1d(groups)
    if len(groups) != rows:
        raise ValueError(f"X has {rows} rows and groups {len(groups)}; expected a group of each row")
    numbers, names = pd.factorize(groups)
    if (numbers < 0).any():
        raise ValueError(f"the group of row {int(numbers.argmin())} is missing; expected a group of each row")
    if len(names) < 2:
        raise ValueError(f"all rows are of the group '{names[0]}'; at least two groups are needed, or none")
    return numbers


def rows_that_count(sample_weight: Any, *arrays: Any) -> tuple[Any, ...]:
    """Leave out rows whose weight is 0.

    Args:
        sample_weight: of the rows, ``(rows,)``; None: all count alike.
        arrays: of the rows, such as ``X``; None stays None.

    Returns:
        The weights that are left, ``(rows,)`` float32, or None where they are equal; then the arrays.

    Raises:
        ValueError: where a weight is missing, negative or infinite, or all are 0.
    """
    if sample_weight is None:
        return None, *arrays
    weights = column_or_1d(sample_weight, dtype=np.float32)
    check_consistent_length(weights, *arrays)
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise ValueError("sample_weight must be numbers of at least 0, not all of them zero, one for each row")
    counted = np.flatnonzero(weights)
    if len(counted) < len(weights):
        arrays = tuple(array if array is None else _safe_indexing(array, counted) for array in arrays)
        weights = weights[counted]
    return (None if np.ptp(weights) == 0 else weights), *arrays
