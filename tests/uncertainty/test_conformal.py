"""What holds for any scores, by counting and by drawing many times."""

import numpy as np
import pytest

from pare.config import PareError
from pare.uncertainty import conformal_quantile, fewest_rows


def test_of_one_score_a_row_it_is_the_published_rank():
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 30.0))[:, None]  # 29 rows
    assert conformal_quantile(scores, 0.9) == 27  # ⌈0.9 · 30⌉
    assert conformal_quantile(scores, 0.91) == 28
    assert conformal_quantile(scores[:9], 0.9) == scores[:9].max()


def test_a_new_row_is_covered_as_often_as_was_asked_for():
    rng = np.random.default_rng(0)
    scores = rng.exponential(size=(20_000, 20, 1))
    covered = [drawn[-1] <= conformal_quantile(drawn[:-1], 0.8) for drawn in scores]
    assert np.mean(covered) == pytest.approx(16 / 20, abs=0.01)  # exactly ⌈0.8 · 20⌉ / 20


def test_of_many_scores_a_row_the_expected_share_is_covered():
    """Rows differ much from each other: pooling the scores as if they were independent would cover too few."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(3000):
        scores = rng.exponential(size=(13, 1)) * rng.exponential(size=(13, 40))
        shares.append((scores[-1] <= conformal_quantile(scores[:-1], 0.8)).mean())
    assert 0.79 < np.mean(shares) < 0.87


@pytest.mark.parametrize(("coverage", "rows"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_the_fewest_rows_are_those_of_the_largest_score(coverage, rows):
    assert fewest_rows(coverage) == rows
    assert conformal_quantile(np.arange(rows)[:, None], coverage) == rows - 1
    with pytest.raises(PareError, match=rf"needs {rows} validation rows that calibrate, found {rows - 1}"):
        conformal_quantile(np.arange(rows - 1)[:, None], coverage)


@pytest.mark.parametrize("coverage", [0, 1, 90])
def test_a_coverage_is_a_share(coverage):
    with pytest.raises(PareError, match="between 0 and 1"):
        conformal_quantile(np.ones((50, 1)), coverage)
