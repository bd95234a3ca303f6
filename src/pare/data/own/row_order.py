"""Whether rows are in an order that a random split would break: sorted columns, and neighbours that are alike."""

from math import prod
from shlex import quote

import numpy as np
import pandas as pd

from pare.config.words import listed
from pare.data.own.columns import FEW_ROWS

MOST_ROWS, MOST_COLUMNS = 10_000, 100  # that are looked at: the first rows, and columns in even steps
LEAST_OTHERS = 5  # rows without the most frequent value, else a column may be sorted by chance
ALIKE, SURPRISING = 0.4, 4.0  # correlation of neighbours that matters, and that in standard errors


def order_remark(free: pd.DataFrame, answers: np.ndarray) -> str | None:
    """What to say of the order of a table's rows; None where it says nothing.

    All combinations of some levels, as in a designed experiment, may be in any order.

    Args:
        free: columns that may be features.
        answers: class of each row, ``(rows,)``, or numbers ``(rows, columns)``.
    """
    if prod(free[name].nunique() for name in free) == len(free):
        return None
    free, answers = free.iloc[:MOST_ROWS], answers[:MOST_ROWS]
    columns = {str(name): _numbers(free[name]) for name in free}
    columns = {name: values for name, values in columns.items() if (np.diff(values) != 1).any()}  # no numbers of rows
    if names := [name for name in columns if _is_sorted(columns[name], is_number=_is_number(free[name]))]:
        return (
            f"rows are sorted by {listed(names)}; where that is the order of time, say --ordered, and where equal ones "
            f"belong together, --groups {quote(names[0])}"
        )
    if not columns:
        return None
    return neighbours_remark(np.stack([*columns.values()], axis=1), answers, [*columns])


def neighbours_remark(x: np.ndarray, answers: np.ndarray, names: list[str] | None = None) -> str | None:
    """What to say of rows that are like the row before, beyond what a random order would give; None: they are not.

    With classes a row's inputs are compared with those of the row of its class before it, so that a table may be sorted
    by the answer. Numbers that rise or fall from row to row explain any order.

    Args:
        x: inputs ``(rows, columns)``, NaN where missing.
        answers: classes ``(rows,)`` or numbers ``(rows, columns)``.
        names: names of the columns; None: they have none.
    """
    if len(x) < FEW_ROWS:
        return None
    x = x[:, :: -(-x.shape[1] // MOST_COLUMNS)]
    if answers.ndim == 1:
        alike = _correlation(x, answers)
    else:
        steps = np.diff(answers, axis=0)
        if ((steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)).any():
            return None
        alike = _correlation(np.concatenate([x, answers], axis=1), np.zeros(len(x)))
    found = np.flatnonzero(alike > max(ALIKE, SURPRISING / len(x) ** 0.5))
    if not len(found):
        return None
    named = [names[i] for i in found if i < x.shape[1]] if names else []
    where = f" in {listed(named)}" if named else ""
    return (
        f"rows next to each other are alike{where}: a random split tests on neighbours of training rows. Say --ordered "
        "if they are in the order of time, or --groups NAME if several are of one person or recording"
    )


def _is_number(column: pd.Series) -> bool:
    return column.dtype.kind in "iuf"


def _numbers(column: pd.Series) -> np.ndarray:
    """The numbers of a column, or codes of its texts, ``(rows,)`` float64."""
    if _is_number(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isfinite(numbers), numbers, np.nan)  # the reader refuses those that are infinite
    codes = pd.factorize(column)[0].astype(np.float64)
    return np.where(codes < 0, np.nan, codes)


def _is_sorted(values: np.ndarray, *, is_number: bool) -> bool:
    """Whether numbers rise or fall, or repeated values are next to each other."""
    known, counts = np.unique(values, return_counts=True)
    if np.isnan(values).any() or len(values) - counts.max(initial=0) < LEAST_OTHERS:
        return False
    steps = np.diff(values)
    if is_number and ((steps >= 0).all() or (steps <= 0).all()):
        return True
    return len(known) <= len(values) / 2 and np.count_nonzero(steps) == len(known) - 1


def _correlation(values: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Rank correlation of each column with that of the row of its stratum before, ``(columns,)``."""
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

    order = np.argsort(strata, kind="stable")
    ranks = rankdata(np.nan_to_num(values[order], nan=-np.inf), axis=0)
    ranks -= pd.DataFrame(ranks).groupby(strata[order]).transform("mean").to_numpy()
    same = strata[order][1:] == strata[order][:-1]
    now, before = ranks[1:][same], ranks[:-1][same]
    spread = (now**2).sum(0)
    return np.divide((now * before).sum(0), spread, out=np.zeros(values.shape[1]), where=spread > 0)
