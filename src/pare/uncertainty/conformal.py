"""Split conformal prediction: how far truths lie from predictions, told by rows that were not learnt from.

Sources: Papadopoulos et al. 2002 for one score a row, Angelopoulos et al. 2022 (conformal risk control) for many.
"""

from math import ceil

import numpy as np

from pare.config.errors import PareError

DIGITS = 6  # of a rank: 0.9 · 30 is 27.000000000000004 in floating point


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """The smallest score that is large enough for new rows.

    If the rows and a new one could be exchanged, the expected share of the new row's scores that are at most this
    one is ``coverage`` or more. With one score a row that is the probability that it is.

    Args:
        scores: how strange each row is, ``(rows, scores)``.
        coverage: the share, between 0 and 1.

    Raises:
        PareError: where the coverage is no share, or the rows are too few for it.
    """
    rows, count = scores.shape
    needed = fewest_rows(coverage)
    if rows < needed:
        most = f"; or ask for a coverage of at most {rows / (rows + 1):.4g}" if rows else ""
        raise PareError(
            f"a coverage of {coverage:g} needs {needed} validation rows that calibrate, found {rows}; train again with "
            f"more of them: enlarge split.validation of the task, or give an estimator more rows, of which it holds "
            f"out a tenth{most}"
        )
    # Of one score a row, the rank is ⌈coverage · (rows + 1)⌉; of many, each counts as a part of its row.
    rank = ceil(round(count * coverage * (rows + 1), DIGITS))
    return float(np.partition(scores.ravel(), rank - 1)[rank - 1])


def fewest_rows(coverage: float) -> int:
    """The fewest rows of which one can be large enough; PareError where the coverage is not between 0 and 1."""
    if not 0 < coverage < 1:
        raise PareError(f"a coverage lies between 0 and 1, found {coverage:g}; 0.9 covers nine of ten truths")
    return ceil(round(coverage / (1 - coverage), DIGITS))
