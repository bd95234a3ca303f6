"""Features of series for linear heads: MiniRocket's, and the points themselves.

MiniRocket counts how often fixed convolutions of a series exceed a bias (Dempster et al. 2021, arXiv 2012.08791). The
points serve a linear model where the place counts, such as the absorption at each wavelength of a spectrum.
"""

from itertools import combinations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

LENGTH, TRIPLES = 9, tuple(combinations(range(9), 3))  # a kernel is -1, but 2 at three of its points
FEATURES, MOST_DILATIONS, MOST_CHANNELS = 10_000, 32, 9  # MiniRocket's own defaults
GOLDEN = (5**0.5 + 1) / 2
ROUNDING = 1e-4  # spreads of responses by which a bias is above those that it ties with, so that rounding decides none
POINT_FEATURES = 10_000  # at most; longer series are averaged over neighbouring points


class Kernels(nn.Module):
    """Series to features, standardised by some training rows.

    Every kernel reads, at each dilation, a random few of the channels. Biases are quantiles of the convolution of a
    training series, so that the features do not depend on the scale of the series.

    Args:
        channels: channels of a series.
        points: points of a series, at least `LENGTH`.
        seed: seed of the channels that a kernel reads, and of the series that biases come from.

    Attributes:
        features: number of features.
    """

    reads: Tensor
    biases: Tensor
    mean: Tensor
    std: Tensor
    weights: Tensor

    def __init__(self, channels: int, points: int, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self.dilations, self.counts = dilations_of(points)
        self.features = len(TRIPLES) * sum(self.counts)
        weights = torch.full((len(TRIPLES), LENGTH), -1.0)
        for kernel, triple in enumerate(TRIPLES):
            weights[kernel, list(triple)] = 2.0
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("reads", self._drawn_channels(channels))
        self.register_buffer("biases", torch.zeros(self.features))
        self.register_buffer("mean", torch.zeros(self.features))
        self.register_buffer("std", torch.ones(self.features))

    def _drawn_channels(self, channels: int) -> Tensor:
        """Which channels each kernel reads at each dilation, ``(dilations, kernels, channels)`` of 0 and 1."""
        rng = np.random.default_rng(self.seed)
        reads = torch.zeros(len(self.dilations), len(TRIPLES), channels)
        for read in reads.flatten(0, 1):
            count = int(2 ** rng.uniform(0, np.log2(min(channels, MOST_CHANNELS) + 1)))
            read[torch.from_numpy(rng.choice(channels, count, replace=False))] = 1.0
        return reads

    @torch.no_grad()
    def calibrate(self, x: Tensor) -> None:
        """Take biases from training series ``(rows, channels, points)``, then mean and spread of the features."""
        rng = np.random.default_rng(self.seed)
        levels = torch.tensor([i * GOLDEN % 1 for i in range(1, self.features + 1)], dtype=x.dtype).to(x.device)
        first = 0
        for number, count in enumerate(self.counts):
            drawn = x[torch.from_numpy(rng.integers(len(x), size=len(TRIPLES)))]
            for kernel, response in enumerate(self._responses(drawn, number).diagonal(0, 0, 1).T):
                place = slice(first + kernel * count, first + (kernel + 1) * count)
                biases = torch.quantile(response, levels[place].to(response.dtype))
                self.biases[place] = biases + ROUNDING * response.std()
            first += count * len(TRIPLES)
        shares = self.shares(x)
        self.mean.copy_(shares.mean(0))
        self.std.copy_(shares.std(0, correction=0).clamp_min(1e-3))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, points)`` to ``(batch, features)``."""
        return (self.shares(x) - self.mean) / self.std

    def shares(self, x: Tensor) -> Tensor:
        """The share of points at which a convolution exceeds its bias, ``(batch, features)``."""
        parts, first = [], 0
        for number, count in enumerate(self.counts):
            last = first + count * len(TRIPLES)
            biases = self.biases[first:last].view(len(TRIPLES), count)
            parts.append(self._shares(self._responses(x, number), biases, number).flatten(1))
            first = last
        return torch.cat(parts, 1)

    def _responses(self, x: Tensor, number: int) -> Tensor:
        """Convolutions at a dilation, padded with zeros, ``(batch, kernels, points)``."""
        dilation = self.dilations[number]
        weights = self.reads[number, :, :, None] * self.weights[:, None]
        exact = torch.float64 if x.is_cuda else torch.float32  # convolutions of float32 are TF32 on a GPU
        with torch.autocast(x.device.type, enabled=False):
            return F.conv1d(x.to(exact), weights.to(exact), padding=LENGTH // 2 * dilation, dilation=dilation)

    def _shares(self, responses: Tensor, biases: Tensor, number: int) -> Tensor:
        """``(batch, kernels, biases)``; every other kernel leaves out the points that padding reaches."""
        ends = LENGTH // 2 * self.dilations[number]
        padded, inner = responses, responses[..., ends : responses.shape[-1] - ends]
        shares = [
            torch.stack([(part[:, start::2] > bias[start::2, None]).float().mean(-1) for bias in biases.T], 2)
            for start, part in ((number % 2, padded), (1 - number % 2, inner))
        ]
        halves = shares if number % 2 == 0 else shares[::-1]
        return torch.stack(halves, 2).flatten(1, 2)


def dilations_of(points: int) -> tuple[list[int], list[int]]:
    """Dilations for series of so many points, and how many biases a kernel has at each."""
    per_kernel = FEATURES // len(TRIPLES)
    exponent = np.log2((points - 1) / (LENGTH - 1))
    grid = np.logspace(0, exponent, min(per_kernel, MOST_DILATIONS), base=2).astype(int)
    dilations, counts = np.unique(grid, return_counts=True)
    counts = (counts * per_kernel / len(grid)).astype(int)
    for extra in range(per_kernel - counts.sum()):
        counts[extra % len(counts)] += 1
    return dilations.tolist(), counts.tolist()


class Points(nn.Module):
    """Series to their points, all divided by one number so that they vary by 1 in the mean over training rows.

    Args:
        channels: channels of a series.
        points: points of a series.

    Attributes:
        features: number of features.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int, points: int) -> None:
        super().__init__()
        self.step = max(1, min(points, -(-channels * points // POINT_FEATURES)))
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
