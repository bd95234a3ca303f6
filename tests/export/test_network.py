"""Raw rows become inputs as `Preparation.inputs` makes them."""

import numpy as np
import pytest
import torch

from pare.data.preparation import Preparation
from pare.export.network import Prepared

RNG = np.random.default_rng(0)
MOMENTS = {"x_mean": np.array([4, 0], np.float32), "x_scale": np.array([2, 1], np.float32)}
BY_CHANNEL = {name: value.reshape(2, 1, 1) for name, value in MOMENTS.items()}
TABLE = np.array([[3, 0], [5, 2], [np.nan, np.nan], [1, 1], [2, 0]], np.float32)


@pytest.mark.parametrize(
    ("x", "statistics", "seen", "coordinates"),
    [
        (TABLE, MOMENTS, {1: [0, 2]}, False),
        (TABLE, {}, {0: [3, 5, 2], 1: []}, False),
        (RNG.normal(size=(4, 2, 3, 5)).astype(np.float32), BY_CHANNEL, {}, True),
        (RNG.normal(size=(4, 1, 7)).astype(np.float32), {}, {}, True),
        (RNG.normal(size=(4, 1, 7)).astype(np.float32), {}, {}, False),
    ],
)
def test_scaled_with_unseen_categories_missing_and_with_coordinates(x, statistics, seen, coordinates):
    preparation = Preparation(None, None, None, seen, coordinates=coordinates, statistics=statistics)
    found = Prepared(preparation, x.shape[1:])(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, preparation.inputs(x), rtol=1e-6)
