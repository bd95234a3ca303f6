"""A table of a benchmark."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pare.storage.store import evenly_spaced

LEAST_OF_A_CLASS = 10


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


def table_of(frame: pd.DataFrame, target: str, *, classes: bool, rows: int, levels: int) -> Table:
    """A table of a frame, without rows of unknown answers, rare classes, and columns that say nothing.

    Args:
        frame: columns and answers.
        target: name of the column to predict.
        classes: whether it holds classes, of which those of less than ten rows are left out.
        rows: most rows, evenly spaced.
        levels: most names in a column.
    """
    frame = frame[frame[target].notna()]
    frame = frame.iloc[evenly_spaced(np.arange(len(frame)), rows)]
    if classes:
        counts = frame[target].map(frame[target].value_counts())
        frame = frame[(counts >= LEAST_OF_A_CLASS).to_numpy()]
    answers = frame.pop(target)
    y = pd.factorize(answers, sort=True)[0] if classes else answers.to_numpy(np.float32)[:, None]
    columns = [column for _, values in frame.items() if (column := _column(values, levels))]
    return Table(np.stack([x for x, _ in columns], 1), y, [names for _, names in columns])


def _column(values: pd.Series, most: int) -> tuple[np.ndarray, list[str] | None] | None:
    """Numbers, or numbers of categories and their names; None where the column says nothing."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return (values.to_numpy(np.float32), None) if values.nunique() > 1 else None
    codes, names = pd.factorize(values.astype(str).where(values.notna()), sort=True)
    if not 1 < len(names) <= most:
        return None
    return np.where(codes < 0, np.nan, codes).astype(np.float32), [str(name) for name in names]
