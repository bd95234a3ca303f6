import numpy as np
import torch

from pare.models.points import Points


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
    monkeypatch.setattr("pare.models.points.MOST", 20)
    x, points = series(2, 50), Points(2, 50)
    features = points(x)
    assert points.features == 20
    torch.testing.assert_close(features, x.unflatten(2, (10, 5)).mean(-1).flatten(1))


def test_series_that_are_all_alike_have_features_of_zero():
    x, points = torch.full((4, 1, 9), 5.0), Points(1, 9)
    points.calibrate(x)
    assert points(x).abs().max() == 0
