"""Series and images as pictures for an image encoder.

A series becomes a grey picture whose rows are overlapping windows (TiViT, Roschmann et al. 2025, arXiv 2506.08641),
with a scale that is fixed for all samples, so that amplitude stays visible. Several channels become tiles of a mosaic.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pare.config.mosaic import Mosaic

SHORTEST = 32  # points of a series; a shorter one is resized
SPREAD = 3.0  # standard deviations of a series from grey to black or white
# Mean and spread of natural images in grey, to which the standardised values of an image are mapped (ImageNet).
GREY_MEAN, GREY_SPREAD = 0.449, 0.226


class Picture(nn.Module):
    """Samples to pixels, as the encoder's patch projection takes them.

    Args:
        mosaic: where the channels lie.
        patch: edge of the encoder's patches in pixels.
        channels: channels of a sample.
    """

    centre: Tensor
    scale: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, mosaic: Mosaic, patch: int, channels: int) -> None:
        super().__init__()
        self.mosaic, self.patch = mosaic, patch
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.register_buffer("std", torch.ones(3, 1, 1))

    def calibrate(self, centre: np.ndarray, scale: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> None:
        """Standardise the channels from now on, and give pixels the encoder's statistics.

        Args:
            centre: mean of each channel over the training rows.
            scale: standard deviation of each channel over the training rows.
            mean: the encoder's mean of each colour, where colours go from 0 to 1.
            std: the encoder's standard deviation of each colour.
        """
        self.centre.copy_(torch.as_tensor(centre))
        self.scale.copy_(torch.as_tensor(scale))
        self.mean.copy_(torch.as_tensor(mean).view(3, 1, 1))
        self.std.copy_(torch.as_tensor(std).view(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, *points)`` to ``(batch, 3, height, width)``."""
        return self.pixels(self.standardised(x))

    def standardised(self, x: Tensor) -> Tensor:
        """Channels of mean 0 and standard deviation 1, shaped as they were; missing values are the channel's mean."""
        shape = (-1, *[1] * (x.ndim - 2))
        return ((x - self.centre.view(shape)) / self.scale.view(shape)).nan_to_num(0.0)

    def pixels(self, x: Tensor) -> Tensor:
        """Standardised ``(batch, channels, *points)`` to ``(batch, 3, height, width)``."""
        pixels = self._mosaic(self._series(x) if x.ndim == 3 else self._image(x))
        return (pixels - self.mean) / self.std

    def _series(self, x: Tensor) -> Tensor:
        """``(batch, channels, points)`` to tiles in [0, 1], each row of a tile one window."""
        x = lengthened(x)
        window = round(x.shape[-1] ** 0.5)
        windows = x.unfold(2, window, max(1, window // 10))
        return self._resized(((windows / SPREAD).clamp(-1, 1) + 1) / 2)

    def _image(self, x: Tensor) -> Tensor:
        """``(batch, channels, height, width)`` to tiles in [0, 1]."""
        return self._resized((x * GREY_SPREAD + GREY_MEAN).clamp(0, 1))

    def _resized(self, tiles: Tensor) -> Tensor:
        size = tuple(n * self.patch for n in self.mosaic.tile)
        return F.interpolate(tiles, size=size, mode="bilinear", align_corners=False)

    def _mosaic(self, tiles: Tensor) -> Tensor:
        """``(batch, channels, height, width)`` to one picture with three colours, empty tiles black."""
        rows, columns = self.mosaic.rows, self.mosaic.columns
        if self.mosaic.colours:
            return tiles
        tiles = F.pad(tiles, (0, 0, 0, 0, 0, rows * columns - tiles.shape[1]))
        picture = tiles.unflatten(1, (rows, columns)).permute(0, 1, 3, 2, 4).flatten(1, 2).flatten(2, 3)
        return picture.unsqueeze(1).expand(-1, 3, -1, -1)


def shown_points(points: int) -> int:
    """Points of a series as it is shown: a short one is resized."""
    return max(points, SHORTEST)


def lengthened(x: Tensor) -> Tensor:
    """Series ``(batch, channels, points)`` with as many points as are shown."""
    return F.interpolate(x, size=shown_points(x.shape[-1]), mode="linear", align_corners=True)
