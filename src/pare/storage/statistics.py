"""Means and scales of rows that are read in blocks, and values in physical units again."""

from collections.abc import Mapping

import numpy as np

EPSILON = 1e-5  # the value of NAS-Bench-360's point-wise normaliser; keeps constant positions finite
SMALL = 1e-3  # standard deviation of a channel, below which EPSILON would count: it is then relative to that
RESOLUTION = 1e-6  # relative resolution of single precision; a smaller spread is rounding


class RunningMoments:
    """Position-wise mean and sample standard deviation, least and greatest value; missing values (NaN) are left out.

    Blocks are merged with the update of Chan, Golub and LeVeque (1979), which does not lose digits
    where the mean is much larger than the standard deviation.

    Attributes:
        least: least value of each position; infinite where none is known, as is ``greatest``.
    """

    def __init__(self) -> None:
        self.count: np.ndarray | float = 0.0
        self.mean: np.ndarray | float = 0.0
        self.squares: np.ndarray | float = 0.0
        self.least: np.ndarray | float = np.inf
        self.greatest: np.ndarray | float = -np.inf

    def update(self, rows: np.ndarray) -> None:
        """Take in rows, ``(rows, …)``."""
        rows = np.asarray(rows, dtype=np.float64)
        seen = ~np.isnan(rows)
        count = seen.sum(0)
        mean = np.where(seen, rows, 0).sum(0) / np.maximum(count, 1)
        squares = np.where(seen, (rows - mean) ** 2, 0).sum(0)
        total = np.maximum(self.count + count, 1)
        delta = mean - self.mean
        self.squares = self.squares + squares + delta**2 * self.count * count / total
        self.mean = self.mean + delta * count / total
        self.count = self.count + count
        self.least = np.fmin(self.least, np.fmin.reduce(rows, axis=0, initial=np.inf))
        self.greatest = np.fmax(self.greatest, np.fmax.reduce(rows, axis=0, initial=-np.inf))

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and scale (standard deviation + 1e-5) per position, float32.

        Where the standard deviation is below 1e-3 at all positions of a channel, as of permeabilities in square metres,
        1e-5 of the greatest is added.
        """
        spread = np.sqrt(self.squares / np.maximum(np.asarray(self.count) - 1, 1))
        greatest = spread.max(axis=tuple(range(1, spread.ndim)), keepdims=True)
        rounding = np.abs(self.mean).max(axis=tuple(range(1, spread.ndim)), keepdims=True) * RESOLUTION
        added = np.where((greatest > rounding) & (greatest < SMALL), EPSILON * greatest, EPSILON)
        return np.asarray(self.mean, np.float32), np.asarray(spread + added, np.float32)


def unscale_inputs(x: np.ndarray, statistics: Mapping[str, np.ndarray]) -> np.ndarray:
    """Inputs in physical units again, ``(rows, …)``; appended coordinates, which were never scaled, stay as they are.

    Args:
        x: as `prepared_inputs` returns them, ``(rows, …)``.
        statistics: statistics of a store; ``x_mean`` and ``x_scale`` are used.
    """
    x = x.copy()
    if "x_mean" in statistics:
        scaled = x[:, : len(statistics["x_mean"])]
        scaled[:] = scaled * statistics["x_scale"] + statistics["x_mean"]
    return x
