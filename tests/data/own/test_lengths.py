"""Series of any lengths, compared with what scipy makes of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import interp1d

from pare.config.errors import PareError
from pare.data.own.lengths import Lengths, channel_values

SERIES = np.random.default_rng(0).normal(size=(3, 17)).astype(np.float32)


@pytest.mark.parametrize("points", [5, 17, 40])
def test_resampled_series_keep_their_ends_and_are_linear_between_their_points(points):
    expected = interp1d(np.arange(17), SERIES)(np.linspace(0, 16, points))
    np.testing.assert_allclose(
        Lengths(points=points, lengths="resampled").stacked([SERIES])[0], expected, rtol=1e-5, atol=1e-6
    )


def test_padded_series_are_followed_by_their_mean_and_longer_ones_are_cut():
    padded = Lengths(points=20).stacked([SERIES])[0]
    np.testing.assert_array_equal(padded[:, :17], SERIES)
    np.testing.assert_allclose(padded[:, 17:], np.outer(SERIES.mean(axis=1), np.ones(3)), rtol=1e-6)
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(Lengths(points=5).stacked([SERIES])[0], SERIES[:, :5])


def test_padded_series_are_followed_by_what_is_asked_for():
    np.testing.assert_array_equal(Lengths(points=18, fill=(1, 2, 3)).stacked([SERIES])[0][:, 17], [1, 2, 3])
    with pytest.raises(PareError, match="'fill' has 1 value, the series have 3 channels"):
        Lengths(points=18, fill=(1,)).stacked([SERIES])[0]


@pytest.mark.parametrize("lengths", ["padded", "resampled"])
def test_a_single_point_is_a_constant_series(lengths):
    np.testing.assert_array_equal(
        Lengths(points=4, lengths=lengths).stacked([SERIES[:, :1]])[0], np.repeat(SERIES[:, :1], 4, axis=1)
    )


def test_channels_are_columns_in_the_order_that_is_asked_for():
    frame = pd.DataFrame({"b": [1, 2], "c": ["x", "y"], "a": ["3", "4.5"]})
    np.testing.assert_array_equal(channel_values(frame, ["a", "b"], "t"), np.array([[3, 4.5], [1, 2]], np.float32))


@pytest.mark.parametrize("value", ["n.d.", None, np.inf, 1e300])
def test_a_value_that_is_no_number_is_named(value):
    frame = pd.DataFrame({"a": [0, 1, 2], "b": [1, value, 3]})
    with pytest.raises(PareError, match=r"^t: column 'b' holds .* in row 2; a channel"):
        channel_values(frame, ["a", "b"], "t")
    with pytest.raises(PareError, match="column 'c' is unknown"):
        channel_values(frame, ["c"], "t")
