"""Series and images as pictures."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pare.config.mosaic import Mosaic, mosaic_of
from pare.learners.networks.models.pictures import Picture


@pytest.mark.parametrize(
    ("shape", "mosaic"),
    [
        ([1, 150], Mosaic(1, 1, (12, 12))),
        ([1, 24], Mosaic(1, 1, (5, 5))),
        ([12, 29], Mosaic(3, 4, (3, 3))),
        ([1, 8, 8], Mosaic(1, 1, (4, 4))),
        ([3, 32, 48], Mosaic(1, 1, (16, 16), colours=True)),
        ([2, 28, 28], Mosaic(1, 2, (14, 14))),
    ],
)
def test_the_mosaic_follows_the_shape(own_task, shape, mosaic):
    assert mosaic_of(own_task(shape)) == mosaic


def test_each_row_of_a_series_picture_is_one_window():
    points = 64  # windows of 8 points, one step apart: 57 windows
    picture = Picture(Mosaic(1, 1, (57, 8)), 1, 1)  # one pixel a value, so that nothing is resized
    series = torch.randn(2, 1, points)
    pixels = picture(series)
    for sample in range(2):
        for row in range(57):
            window = series[sample, 0, row : row + 8]
            torch.testing.assert_close(pixels[sample, 0, row], (window.clamp(-3, 3) / 3 + 1) / 2)


def test_the_scale_is_that_of_the_training_rows_so_that_amplitude_stays_visible():
    picture = Picture(Mosaic(1, 1, (4, 4)), 14, 1)
    picture.calibrate(np.array([10.0]), np.array([2.0]), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    wave = torch.sin(torch.linspace(0, 20, 100))[None, None]
    small, large = picture(10 + wave), picture(10 + 2 * wave)
    torch.testing.assert_close(large - 0.5, 2 * (small - 0.5), atol=1e-5, rtol=1e-4)


def test_channels_are_tiles_row_by_row_and_empty_tiles_are_black():
    picture = Picture(Mosaic(2, 2, (4, 4)), 14, 3)
    x = torch.stack([torch.full((8, 8), value) for value in (-1.0, 0.0, 1.0)])[None]
    pixels = picture(x)[0, 0]
    levels = [pixels[56 * row : 56 * row + 56, 56 * column : 56 * column + 56] for row in (0, 1) for column in (0, 1)]
    for tile, value in zip(levels, (0.449 - 0.226, 0.449, 0.449 + 0.226, 0.0), strict=True):
        torch.testing.assert_close(tile, torch.full((56, 56), value))


def test_colours_stay_colours_and_get_the_statistics_of_the_encoder():
    picture = Picture(Mosaic(1, 1, (4, 4), colours=True), 2, 3)
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    picture.calibrate(np.zeros(3), np.ones(3), mean, std)
    x = torch.randn(1, 3, 8, 8) * 0.5
    expected = (x * 0.226 + 0.449 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(picture(x), expected)


def test_short_series_are_resized_and_missing_points_are_the_mean():
    picture = Picture(Mosaic(1, 1, (2, 2)), 14, 1)
    series = torch.randn(1, 1, 10)
    longer = F.interpolate(series, size=32, mode="linear", align_corners=True)
    torch.testing.assert_close(picture(series), picture(longer))
    assert torch.allclose(picture(torch.full((1, 1, 40), float("nan"))), torch.tensor(0.5))
