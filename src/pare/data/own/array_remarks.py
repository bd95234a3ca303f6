"""What a first look says of arrays: channels that are the same everywhere, and rows that are like the row before."""

from collections.abc import Mapping

import numpy as np

from pare.config.errors import PareError
from pare.config.words import listed
from pare.data.own.findings import Question
from pare.data.own.row_order import MOST_ROWS, neighbours_remark
from pare.storage.samples import Samples

MOST_BYTES = 64 << 20  # size of the first rows, which are looked at


def array_remarks(parts: Mapping[str, Samples], question: Question) -> list[str]:
    """A sentence on each thing that the user should know of the rows.

    Args:
        parts: rows by part.
        question: whether rows have groups or an order of their own.

    Raises:
        PareError: if a number to predict is the same in every row.
    """
    samples = next(iter(parts.values()))
    rows = max(1, min(samples.count, MOST_ROWS, MOST_BYTES // samples.read(0, 1)[0].nbytes))
    x, y = samples.read(0, rows)
    if rows == samples.count > 1 and y.ndim == 2 and (y == y[0]).all(axis=0).any():
        value = y[0, (y == y[0]).all(axis=0)][0]
        raise PareError(
            f"{', '.join(question.target) or 'the target'} is {value:g} in every row; there is nothing to learn"
        )
    said = _constant(x, "every row" if rows == samples.count else f"each of the first {rows} rows")
    if "all" in parts and samples.groups is None and not question.ordered:
        answers = y if y.ndim == 1 else y.reshape(rows, -1)[:, : y.shape[1] if y.ndim == 2 else 0]  # no fields
        said.append(neighbours_remark(x.reshape(rows, -1), answers))
    return [remark for remark in said if remark]


def _constant(x: np.ndarray, where: str) -> list[str | None]:
    """What to say of features or channels in which all rows and points are equal or missing."""
    rest = (0, *range(2, x.ndim))
    still = np.flatnonzero((x.max(axis=rest) == x.min(axis=rest)) | np.isnan(x).all(axis=rest))
    if not len(still) or len(x) == 1:
        return []
    what = "feature" if x.ndim == 2 else "channel"
    if len(still) == x.shape[1]:
        return [f"the input is the same in {where}: nothing can be learnt from it"]
    return [
        f"the same in {where}: {what} {listed([str(i + 1) for i in still])} of the input; leave such out of the file"
    ]
