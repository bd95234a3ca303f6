"""Running moments against numpy's, which sees all rows at once."""

import numpy as np
import pytest

from pare.storage.statistics import EPSILON, RunningMoments

RNG = np.random.default_rng(0)


def gathered(rows, sizes):
    moments = RunningMoments()
    for block in np.split(rows, np.cumsum(sizes)[:-1]):
        moments.update(block)
    return moments.result()


@pytest.mark.parametrize("sizes", [[60], [1] * 60, [7, 0, 53], [59, 1]])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 5)])
def test_mean_and_scale_are_numpys_whatever_the_blocks(shape, sizes):
    rows = RNG.normal(3, 2, (60, *shape))
    mean, scale = gathered(rows, sizes)
    assert mean.shape == scale.shape == shape
    assert mean.dtype == scale.dtype == np.float32
    np.testing.assert_allclose(mean, rows.mean(0), rtol=1e-6)
    np.testing.assert_allclose(scale, rows.std(0, ddof=1) + EPSILON, rtol=1e-6)


def test_the_bounds_are_numpys_whatever_the_blocks():
    rows = RNG.normal(size=(60, 4))
    rows[::7, 1], rows[:, 3] = np.nan, np.nan
    moments = RunningMoments()
    for block in np.split(rows, [0, 7, 50]):
        moments.update(block)
    np.testing.assert_array_equal(moments.least[:3], np.nanmin(rows[:, :3], axis=0))
    np.testing.assert_array_equal(moments.greatest[:3], np.nanmax(rows[:, :3], axis=0))
    assert (moments.least[3], moments.greatest[3]) == (np.inf, -np.inf)


def test_missing_values_are_left_out_position_by_position():
    rows = RNG.normal(size=(40, 6))
    rows[RNG.random(rows.shape) < 0.3] = np.nan
    rows[:10, 0] = np.nan  # a whole block without a value at this position
    mean, scale = gathered(rows, [10, 10, 20])
    np.testing.assert_allclose(mean, np.nanmean(rows, 0), rtol=1e-6)
    np.testing.assert_allclose(scale, np.nanstd(rows, 0, ddof=1) + EPSILON, rtol=1e-6)


def test_digits_survive_a_mean_that_is_much_larger_than_the_spread():
    rows = 1e8 + RNG.normal(size=(1000, 3))
    _, scale = gathered(rows, [100] * 10)
    np.testing.assert_allclose(scale, rows.std(0, ddof=1) + EPSILON, rtol=1e-6)
    # the textbook formula in the same precision does lose them
    naive = np.sqrt((rows**2).mean(0) - rows.mean(0) ** 2)
    assert not np.allclose(naive, rows.std(0), rtol=1e-3)


def test_float32_rows_are_summed_in_double_precision():
    rows = (1e4 + RNG.normal(size=(5000, 2))).astype(np.float32)
    mean, scale = gathered(rows, [64] * 78 + [8])
    np.testing.assert_allclose(mean, rows.astype(np.float64).mean(0), rtol=1e-7)
    np.testing.assert_allclose(scale, rows.astype(np.float64).std(0, ddof=1) + EPSILON, rtol=1e-6)


def test_the_order_of_blocks_does_not_matter():
    rows = RNG.normal(size=(30, 4))
    forwards = gathered(rows, [4, 6, 20])
    backwards = gathered(rows[::-1], [20, 6, 4])
    np.testing.assert_allclose(forwards, backwards, rtol=1e-6)


@pytest.mark.parametrize("rows", [np.full((5, 2), 3.0), np.full((1, 2), 3.0)])
def test_a_position_that_never_changes_has_a_finite_scale(rows):
    mean, scale = gathered(rows, [len(rows)])
    np.testing.assert_allclose(mean, 3)
    np.testing.assert_allclose(scale, EPSILON)


def test_a_position_without_any_value_stays_finite():
    mean, scale = gathered(np.full((5, 2), np.nan), [2, 3])
    np.testing.assert_array_equal(mean, 0)
    np.testing.assert_allclose(scale, EPSILON)


@pytest.mark.parametrize("size", [1e-12, 1e-30, 1e-4])
def test_a_channel_of_small_numbers_is_scaled_by_its_own_spread_beside_others(size):
    rows = RNG.normal(size=(50, 2, 3))
    rows[:, 0, 2] = 0  # as at a wall
    rows[:, 0] *= size
    _, scale = gathered(rows, [20, 30])
    np.testing.assert_allclose(scale[0, :2], rows[:, 0, :2].std(0, ddof=1), rtol=1e-4)
    np.testing.assert_allclose(scale[1], rows[:, 1].std(0, ddof=1) + EPSILON, rtol=1e-6)
    assert 0 < scale[0, 2] < 1e-4 * size


def test_rounding_of_a_large_constant_is_no_spread():
    rows = np.float32(30) + np.float32(2e-6) * RNG.integers(0, 2, (40, 3)).astype(np.float32)
    _, scale = gathered(rows, [40])
    assert np.all(scale >= EPSILON)
