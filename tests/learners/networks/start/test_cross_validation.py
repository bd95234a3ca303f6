"""Folds of rows, and clear differences of losses."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t, ttest_rel

from pare.config.schema import SplitConfig
from pare.learners.networks.start.cross_validation import clearly_smaller, folds_that_keep, groups_of
from pare.storage.store import ArrayStore, write_store

GROUPS = np.array([3, 3, 5, 5, 5, 8, 8, 9, 9, 9])


@pytest.fixture
def parts(tmp_path):
    sizes = {"train": 6, "validation": 4}
    numbers = dict(zip(sizes, np.split(GROUPS, [6]), strict=True))
    blocks = [(name, {"x": np.zeros((n, 2)), "y": np.zeros(n), "group": numbers[name]}) for name, n in sizes.items()]
    write_store(tmp_path / "x.h5", rows=sizes, blocks=blocks, statistics={}, fingerprint="f", description={})
    store = ArrayStore(tmp_path / "x.h5")
    return [(store.rows("train"), np.array([5, 0, 2])), (store.rows("validation"), np.arange(4))]


def test_groups_are_those_of_the_rows_that_are_used(parts):
    assert groups_of(parts).tolist() == [8, 3, 5, 8, 9, 9, 9]


@pytest.mark.parametrize("ordered", [False, True])
def test_groups_stay_whole_and_each_row_is_left_out_once(ordered):
    folds = folds_that_keep(SplitConfig(ordered=ordered), GROUPS, len(GROUPS))
    assert len(folds) == 4
    assert not [held for fitted, held in folds if np.isin(GROUPS[held], GROUPS[fitted]).any()]
    assert sorted(np.concatenate([held for _, held in folds])) == [*range(10)]


def test_rows_in_order_are_cut_into_blocks():
    folds = folds_that_keep(SplitConfig(ordered=True), None, 10)
    assert [held.tolist() for _, held in folds] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


@pytest.mark.parametrize("groups", [None, np.full(10, 4)])
def test_other_rows_may_be_cut_anyhow(groups):
    assert folds_that_keep(SplitConfig(), groups, 10) is None


def test_a_fall_of_the_loss_counts_where_it_exceeds_twice_its_standard_error():
    rng = np.random.default_rng(0)
    losses, noise = rng.normal(1, 0.1, 100), rng.normal(0, 0.05, 100)
    error = (losses - (losses - 0.1 + noise)).std(ddof=1) / 10
    assert clearly_smaller(list(losses - 2.1 * error + noise - noise.mean()), list(losses))
    assert not clearly_smaller(list(losses - 1.9 * error + noise - noise.mean()), list(losses))
    assert not clearly_smaller([0.1], [5.0])


@pytest.mark.parametrize("errors", [2.0, 3.0])
@pytest.mark.parametrize("rows", [2, 3, 5, 10, 1000])
def test_a_fall_is_clear_where_the_paired_t_test_of_scipy_says_so(rows, errors):
    rng = np.random.default_rng(rows)
    before, noise = rng.normal(1, 0.1, rows), rng.normal(0, 0.05, rows)
    error = noise.std(ddof=1) / rows**0.5
    chance = norm.sf(errors)
    for fall in error * t.isf(chance, rows - 1) * np.array([0.99, 1.01]):
        after = before - fall + noise - noise.mean()
        expected = ttest_rel(after, before, alternative="less").pvalue < chance
        assert clearly_smaller(after, before, errors=errors) == expected
        assert clearly_smaller(np.repeat(after, 3), np.repeat(before, 3), np.repeat(range(rows), 3), errors) == expected


@pytest.mark.parametrize("rows", [3, 5, 10])
def test_losses_that_did_not_fall_pass_as_rarely_with_few_rows_as_with_many(rows):
    falls = np.random.default_rng(rows).normal(size=(4000, rows))
    passed = np.mean([clearly_smaller(-of_rows, np.zeros(rows)) for of_rows in falls])
    assert binomtest(int(passed * 4000), 4000, norm.sf(2.0)).pvalue > 1e-3


def test_rows_of_a_group_say_as_much_as_one():
    rng = np.random.default_rng(0)
    before, noise = rng.normal(1, 0.1, 40), rng.normal(0, 1, 40)
    groups = rng.permutation(np.repeat(np.arange(40), 5))
    for fall, clear in ((0.25, False), (0.4, True)):  # the standard error of the fall of 40 rows is about 0.15
        after = before - noise + noise.mean() - fall
        assert clearly_smaller(after, before) == clear
        assert clearly_smaller(after[groups], before[groups], groups + 7) == clear
        assert clearly_smaller(after[groups], before[groups])  # as if each said something of its own
