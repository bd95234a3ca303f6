"""The points of a series as a linear model takes them, such as the absorption at each wavelength of a spectrum."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOST = 10_000  # features; longer series are averaged over neighbouring points


class Points(nn.Module):
    """Series to their points, all divided by one number so that they vary by 1 in the mean over training rows.

    Args:
        channels: of a series.
        points: of a series.

    Attributes:
        features: how many there are.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int, points: int) -> None:
        super().__init__()
        self.step = max(1, min(points, -(-channels * points // MOST)))
        self.features = channels * (points // self.step)
        self.register_buffer("mean", torch.zeros(self.features))
        self.register_buffer("spread", torch.ones(()))

    @torch.no_grad()
    def calibrate(self, x: Tensor) -> None:
        """Take mean and spread of training series ``(rows, channels, points)``."""
        values = self._averaged(x)
        self.mean.copy_(values.mean(0))
        self.spread.copy_((values - self.mean).square().mean().sqrt().clamp_min(1e-12))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, points)`` to ``(batch, features)``."""
        return (self._averaged(x) - self.mean) / self.spread

    def _averaged(self, x: Tensor) -> Tensor:
        return F.avg_pool1d(x, self.step).flatten(1)
