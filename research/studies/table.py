"""A table of a benchmark."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Table:
    """Columns and what is to be predicted.

    Attributes:
        x: ``(rows, columns)`` float32; of a category its number.
        y: classes ``(rows,)`` int64, or numbers ``(rows, 1)`` float32.
        categories: levels of each column; None for numbers.
    """

    x: np.ndarray
    y: np.ndarray
    categories: list[list[str] | None] = field(default_factory=list)
