"""MiniRocket's features and the points of series."""

import numpy as np
import pytest
import torch
from aeon.transformations.collection.convolution_based import MiniRocket

from pare.learners.networks.models.series_features import LENGTH, Kernels, Points


def walks(channels: int, points: int, rows: int = 20) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, channels, points)).cumsum(-1).astype(np.float32)


@pytest.mark.parametrize(("channels", "points"), [(1, LENGTH), (1, 150), (3, 29), (12, 100)])
def test_features_are_those_of_aeon(channels, points):
    """With the channels and biases that aeon drew; at a threshold rounding may decide otherwise."""
    x = walks(channels, points)
    rocket = MiniRocket(random_state=0)
    expected = rocket.fit_transform(x)
    counts, read, dilations, biases_per_dilation, biases = rocket.parameters
    kernels = Kernels(channels, points)
    assert kernels.dilations == dilations.tolist()
    assert kernels.counts == biases_per_dilation.tolist()
    assert kernels.features == expected.shape[1]
    kernels.reads.zero_()
    for row, channels_read in zip(kernels.reads.flatten(0, 1), np.split(read, counts.cumsum()[:-1]), strict=True):
        row[torch.from_numpy(channels_read).long()] = 1.0
    kernels.biases.copy_(torch.from_numpy(biases))
    differences = np.abs(kernels.shares(torch.from_numpy(x)).numpy() - expected)
    assert (differences > 1e-4).mean() < 1e-4


def test_biases_are_quantiles_so_that_the_features_do_not_depend_on_the_scale():
    x = torch.from_numpy(walks(2, 60))
    kernels, other = Kernels(2, 60), Kernels(2, 60)
    kernels.calibrate(x)
    other.calibrate(7 * x)
    differences = (kernels.shares(x) - other.shares(7 * x)).abs()
    assert (differences > 1e-4).float().mean() < 1e-3
    assert 0.3 < kernels.shares(x).mean() < 0.7


def test_rounding_decides_no_feature_of_series_whose_points_tie():
    steps = torch.from_numpy(np.random.default_rng(0).integers(-2, 3, (20, 1, 60)).cumsum(-1)).float()
    x = steps / steps.std()
    kernels = Kernels(1, 60)
    kernels.calibrate(x)
    rounded = x * (1 + 1e-6 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    assert ((kernels.shares(x) - kernels.shares(rounded)).abs() > 1e-4).float().mean() < 1e-3


def test_features_of_the_training_rows_are_standardised():
    x = torch.from_numpy(walks(1, 80))
    kernels = Kernels(1, 80)
    kernels.calibrate(x)
    features = kernels(x)
    torch.testing.assert_close(features.mean(0), torch.zeros(kernels.features), atol=1e-4, rtol=0)
    assert (features.std(0, correction=0) < 1.001).all()


def test_a_kernel_reads_a_few_channels_that_the_seed_decides():
    reads = Kernels(30, 50).reads
    assert 1 <= reads.sum(2).min() <= reads.sum(2).max() <= 10
    assert torch.equal(reads, Kernels(30, 50).reads)
    assert not torch.equal(reads, Kernels(30, 50, seed=1).reads)


def series(channels: int, points: int) -> torch.Tensor:
    walks = np.random.default_rng(0).normal(size=(30, channels, points)).cumsum(-1)
    return torch.from_numpy(walks * 7 + 3).float()


def test_points_vary_by_one_around_the_mean_of_the_training_rows_and_keep_their_ratios():
    x, points = series(2, 50), Points(2, 50)
    points.calibrate(x)
    features = points(x)
    assert features.shape == (30, points.features) == (30, 100)
    torch.testing.assert_close(features.mean(0), torch.zeros(100), atol=1e-5, rtol=0)
    torch.testing.assert_close(features.square().mean(), torch.tensor(1.0))
    centred = (x - x.mean(0)).flatten(1)
    torch.testing.assert_close(features / features[0, 0], centred / centred[0, 0], rtol=1e-3, atol=1e-4)


def test_long_series_are_averaged_over_neighbours(monkeypatch):
    monkeypatch.setattr("pare.learners.networks.models.series_features.POINT_FEATURES", 20)
    x, points = series(2, 50), Points(2, 50)
    features = points(x)
    assert points.features == 20
    torch.testing.assert_close(features, x.unflatten(2, (10, 5)).mean(-1).flatten(1))


def test_series_that_are_all_alike_have_features_of_zero():
    x, points = torch.full((4, 1, 9), 5.0), Points(1, 9)
    points.calibrate(x)
    assert points(x).abs().max() == 0
