"""Features of tables: scaled columns, chosen ones of many, and the similarity of rows to some training rows.

All are modules, so that a model carries the statistics that it was fitted with.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

ScalingName = Literal["standard", "normal", "robust"]
QUANTILES = 257  # points of an empirical distribution
TAIL = 1e-3  # ranks are kept this far from 0 and 1: the normal scores then end at ±3.1
BEND = 3.0  # robust values are bent smoothly towards ±3
LANDMARKS = 1000  # at most so many training rows; 2000 give 2 % less error on 3000 rows in more than twice the time
GAUSSIAN, LAPLACE = (0.03, 0.3), (0.1, 0.3)  # sharpness of each kernel, where the median distance is 1
ROUNDING = 1e-10  # share of the squares of a column below which it does not vary
SMALLEST = 1e-6  # axes below this share of the largest eigenvalue are left out


class Scaling(nn.Module):
    """Scale numbers column by column; missing values (NaN) stay missing.

    ``standard``: mean 0, standard deviation 1. ``normal``: normal scores of the ranks among the training rows.
    ``robust``: median 0, interquartile range that of a normal distribution, bent smoothly towards ±3 (the numerical
    preprocessing of RealMLP, Holzmüller et al. 2024, arXiv 2407.04491).

    Args:
        name: which one.
        columns: columns of the table.
    """

    knots: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, name: ScalingName, columns: int) -> None:
        super().__init__()
        self.name = name
        self.register_buffer("centre", torch.zeros(columns))
        self.register_buffer("scale", torch.ones(columns))
        if name == "normal":
            self.register_buffer("knots", torch.zeros(QUANTILES, columns))

    def calibrate(self, x: np.ndarray) -> None:
        """Take the statistics of training rows, ``(rows, columns)``; a column without any value stays as it is."""
        known = x[:, ~np.isnan(x).all(0)].astype(np.float64)
        where = torch.from_numpy(~np.isnan(x).all(0))
        if self.name == "standard":
            centre, scale = np.nanmean(known, 0), np.nanstd(known, 0)
        else:
            low, centre, high = np.nanquantile(known, [0.25, 0.5, 0.75], axis=0)
            scale = np.where(high > low, (high - low) / 1.349, np.nanstd(known, 0))
        if self.name == "normal":
            knots = np.nanquantile(known, np.linspace(0, 1, QUANTILES), axis=0)
            self.knots[:, where] = torch.from_numpy(knots).float()
        self.centre[where] = torch.from_numpy(centre).float()
        self.scale[where] = torch.from_numpy(np.where(scale > 0, scale, 1.0)).float()

    def forward(self, x: Tensor) -> Tensor:
        """``(rows, columns)`` to the same shape."""
        if self.name == "normal":
            return torch.special.ndtri(self._ranks(x).clamp(TAIL, 1 - TAIL)).where(~x.isnan(), x)
        scaled = (x - self.centre) / self.scale
        return scaled if self.name == "standard" else scaled / (1 + (scaled / BEND) ** 2).sqrt()

    def _ranks(self, x: Tensor) -> Tensor:
        """Share of training rows below each value; the middle of the step where a value occurs often."""
        knots, values = self.knots.T.contiguous(), x.T.contiguous().nan_to_num(0.0)
        return ((_position(knots, values, right=False) + _position(knots, values, right=True)) / 2).T


def _position(knots: Tensor, values: Tensor, *, right: bool) -> Tensor:
    """Position in [0, 1] of values ``(columns, rows)`` among sorted knots ``(columns, knots)``, linear between them."""
    last = knots.shape[1] - 1
    upper = torch.searchsorted(knots, values, right=right)
    low, high = (upper - 1).clamp(0, last), upper.clamp(0, last)
    below, above = knots.gather(1, low), knots.gather(1, high)
    part = torch.where(above > below, (values - below) / (above - below).clamp_min(1e-30), 0.0).clamp(0, 1)
    exact = high if not right else low
    return torch.where(above > below, low + part * (high - low), exact.to(values.dtype)) / last


class ChosenValues(nn.Module):
    """The values of a wide row that say most of the answer, each by itself: numbers, and categories as 0 or 1.

    Args:
        categories: number of categories per column, 0 for numbers.
        count: number of chosen values.

    Attributes:
        column: the column of each chosen value, ``(count,)``, ascending.
        code: the code of its category, ``(count,)``; -1 for a number.
    """

    column: Tensor
    code: Tensor

    def __init__(self, categories: Sequence[int], count: int) -> None:
        super().__init__()
        self.categories = np.array(categories)
        self.register_buffer("column", torch.arange(count))
        self.register_buffer("code", torch.full((count,), -1))

    def choose(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Choose by rows ``(rows, columns)``, their targets and weights, as `relevance` takes them."""
        column = np.repeat(np.arange(len(self.categories)), self.categories.clip(1))
        first = np.repeat(self.categories.clip(1).cumsum() - self.categories.clip(1), self.categories.clip(1))
        code = np.where(self.categories[column] > 0, np.arange(len(column)) - first, -1)
        scores = relevance(
            _values(torch.from_numpy(x), torch.from_numpy(column), torch.from_numpy(code)).numpy(), y, weights
        )
        best = np.sort(np.argsort(-scores, kind="stable")[: len(self.column)])
        self.column.copy_(torch.from_numpy(column[best]))
        self.code.copy_(torch.from_numpy(code[best]))

    def forward(self, x: Tensor) -> Tensor:
        """``(rows, columns)`` to ``(rows, count)``; missing values (NaN) stay missing."""
        return _values(x, self.column, self.code)


def _values(x: Tensor, column: Tensor, code: Tensor) -> Tensor:
    """Values of rows ``(rows, columns)``: numbers where the code is -1, else 0 or 1 for that category."""
    values = x[:, column]
    return torch.where((code < 0) | values.isnan(), values, (values == code).to(x.dtype))


def relevance(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Share of the variance that each feature and the target have in common, 0 to 1, ``(features,)``.

    It orders features as the F-test does. Of several targets the largest share counts.

    Args:
        x: ``(rows, features)``; a missing value (NaN) counts as the mean.
        y: classes ``(rows,)``, or labels or numbers ``(rows, outputs)``.
        weights: weights of the rows, ``(rows,)``; None: all count alike.
    """
    weights = np.ones(len(x)) if weights is None else weights
    known = ~np.isnan(x)
    x = np.where(known, x, 0).astype(np.float64)
    squares = weights @ x**2
    centred = np.where(known, x - weights @ x / (weights @ known).clip(1e-12), 0)
    total = weights @ centred**2
    targets = (y[:, None] == np.unique(y)).astype(float) if y.ndim == 1 else y - np.average(y, 0, weights)
    common = (weights[:, None] * targets).T @ centred
    shares = common**2 / (weights @ targets**2).clip(1e-12)[:, None]
    explained = shares.sum(0) if y.ndim == 1 else shares.max(0)
    return np.divide(explained, total, out=np.zeros_like(total), where=total > ROUNDING * squares)


class Similarities(nn.Module):
    """Rows to features whose inner products are a kernel, as near as `LANDMARKS` training rows give it.

    The kernel is the mean of Gaussian kernels, which are smooth, and of Laplace kernels of the sum of absolute
    differences, which bend at a value of one column as trees do. Features are on the axes of Nyström's method (Williams
    and Seeger, 2001), with mean 0 over the landmarks; a ridge regression on them is kernel ridge regression.

    Args:
        columns: columns of a row.
        rows: training rows, of which at most `LANDMARKS` are landmarks.

    Attributes:
        features: number of features, one per landmark.
    """

    landmarks: Tensor
    medians: Tensor
    axes: Tensor
    mean: Tensor

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self.features = min(rows, LANDMARKS)
        self.register_buffer("landmarks", torch.zeros(self.features, columns))
        self.register_buffer("medians", torch.ones(2))
        self.register_buffer("axes", torch.zeros(self.features, self.features))
        self.register_buffer("mean", torch.zeros(self.features))

    @torch.no_grad()
    def calibrate(self, x: Tensor) -> None:
        """Take the landmarks, at most `features`, ``(rows, columns)``; the axes are solved in double precision."""
        self.landmarks[: len(x)] = x
        among = [distances[:, : len(x)] for distances in self._distances(x)]
        self.medians.copy_(torch.stack([distances.median().clamp_min(1e-6) for distances in among]))
        kernel = self.kernel(x)[:, : len(x)].cpu().double()
        values, vectors = torch.linalg.eigh(kernel)
        kept = values > SMALLEST * values[-1]
        axes = vectors * torch.where(kept, values, torch.inf).rsqrt()
        self.axes[: len(x), : len(x)] = axes.to(self.axes)
        self.mean[: len(x)] = (kernel @ axes).mean(0).to(self.mean)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, columns)`` to ``(batch, features)``, in full precision: small axes are large sums that cancel."""
        exact = torch.float64 if x.is_cuda else torch.float32  # products of float32 are TF32 in a step on a GPU
        with torch.autocast(x.device.type, enabled=False):
            return (self.kernel(x.float()).to(exact) @ self.axes.to(exact)).float() - self.mean

    def kernel(self, x: Tensor) -> Tensor:
        """Similarity of rows ``(batch, columns)`` to each landmark, 0 to 1, ``(batch, landmarks)``."""
        city, straight = (d / median for d, median in zip(self._distances(x), self.medians, strict=True))
        kernels = [torch.exp(-sharpness * straight.square()) for sharpness in GAUSSIAN]
        kernels += [torch.exp(-sharpness * city) for sharpness in LAPLACE]
        return torch.stack(kernels).mean(0)

    def _distances(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """City-block and Euclidean distances to each landmark, ``(batch, landmarks)`` each."""
        exact = "donot_use_mm_for_euclid_dist"
        return torch.cdist(x, self.landmarks, p=1), torch.cdist(x, self.landmarks, p=2, compute_mode=exact)
