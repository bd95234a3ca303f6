"""Running moments against numpy's, which sees all rows at once."""

import numpy as np
import pytest

from pare.config import PareError
from pare.data.preparation import Preparation
from pare.data.preparation.normalisation import EPSILON, RunningMoments
from pare.storage.store import ArrayStore, write_store

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


COLUMNS = ["mass", "site"]
RAW = np.array([[3.0, 0], [5.0, 2], [np.nan, np.nan]], np.float32)


@pytest.fixture
def store(tmp_path):
    """A number with mean 4 and scale 2, and three categories of which training has the first two."""

    def write(**description):
        write_store(
            tmp_path / "x.h5",
            rows={"train": 3},
            blocks=[("train", {"x": np.array([[0, 1], [1, 0], [2, np.nan]], np.float32), "y": np.zeros(3)})],
            statistics={"x_mean": np.array([4.0, 0]), "x_scale": np.array([2.0, 1]), "y_mean": np.zeros(1)},
            fingerprint="f",
            description={"categories": [0, 3], "columns": COLUMNS, "classes": ["no", "yes"], **description},
        )
        return ArrayStore(tmp_path / "x.h5")

    return write


def test_rows_are_scaled_and_categories_that_training_never_saw_are_missing(store, tmp_path):
    made = Preparation.of(store(levels=[None, ["a", "b", "c"]]), coordinates=False)
    made.save(tmp_path)
    read = Preparation.load(tmp_path)
    for preparation in (made, read):
        expected = [[-0.5, 0], [0.5, np.nan], [np.nan, np.nan]]
        np.testing.assert_array_equal(preparation.inputs(RAW), np.array(expected, np.float32))
        assert preparation.categories == [None, ["a", "b", "c"]]
        assert (preparation.columns, preparation.classes) == (COLUMNS, ["no", "yes"])
        assert set(preparation.statistics) == {"x_mean", "x_scale"}


def test_fields_get_coordinates(tmp_path):
    preparation = Preparation(None, None, None, {}, coordinates=True, statistics={})
    preparation.save(tmp_path)
    x = Preparation.load(tmp_path).inputs(np.zeros((2, 1, 3), np.float32))
    np.testing.assert_array_equal(x, [[[0, 0, 0], [0, 0.5, 1]]] * 2)


def test_inputs_become_raw_rows_again():
    statistics = {"x_mean": np.full((1, 1), 4, np.float32), "x_scale": np.full((1, 1), 2, np.float32)}
    preparation = Preparation(None, None, None, {}, coordinates=True, statistics=statistics)
    raw = np.array([[[1, 2, 3]], [[7, 5, 9]]], np.float32)
    np.testing.assert_array_equal(preparation.raw(preparation.inputs(raw)), raw)


def test_a_model_input_of_an_older_version_is_to_be_prepared_again(store):
    with pytest.raises(PareError, match="does not name its categories, as older versions wrote it; run"):
        Preparation.of(store(), coordinates=False)
