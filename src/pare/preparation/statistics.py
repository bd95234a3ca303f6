"""Mean and standard deviation of training rows, gathered block by block."""

import numpy as np

EPSILON = 1e-5  # the value of NAS-Bench-360's point-wise normaliser; keeps constant positions finite


class RunningMoments:
    """Position-wise mean and sample standard deviation; missing values (NaN) are left out.

    Blocks are merged with the update of Chan, Golub and LeVeque (1979), which does not lose digits
    where the mean is much larger than the standard deviation.
    """

    def __init__(self) -> None:
        self.count: np.ndarray | float = 0.0
        self.mean: np.ndarray | float = 0.0
        self.squares: np.ndarray | float = 0.0

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

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and scale (standard deviation + 1e-5) per position, float32."""
        spread = np.sqrt(self.squares / np.maximum(np.asarray(self.count) - 1, 1))
        return np.asarray(self.mean, np.float32), np.asarray(spread + EPSILON, np.float32)
