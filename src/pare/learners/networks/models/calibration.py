"""What embedders take their scales from: the training rows, and samples of the proxy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from pare.learners.source_folders import PixelStatistics
from pare.storage.statistics import RunningMoments
from pare.storage.store import Rows, evenly_spaced

BLOCK_ROWS = 256


@dataclass(frozen=True)
class Calibration:
    """What an embedder may take its scales from, before it is trained or a head is solved.

    Attributes:
        training: the training rows.
        chosen: numbers of those that are used.
        x: some training samples, ``(samples, …)``.
        source: tokens of as many proxy samples, ``(samples, tokens, width)``.
        pixels: how the encoder's images are normalised; None for text.
    """

    training: Rows
    chosen: np.ndarray
    x: Tensor
    source: Tensor
    pixels: PixelStatistics | None

    def rows(self) -> np.ndarray:
        """All training samples that are used, ``(rows, …)``."""
        return self.training.array("x")[self.chosen]

    def answers(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Their targets ``(rows, …)`` and weights ``(rows,)``; None where all count alike."""
        weights = self.training.weights
        return self.training.array("y")[self.chosen], None if weights is None else weights[self.chosen]

    def some(self, most: int) -> np.ndarray:
        """At most so many of them, evenly spaced, ``(rows, …)``."""
        return self.training.__getitems__(evenly_spaced(self.chosen, most).tolist())["x"]

    def channels(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel over them, ``(channels,)`` each."""
        moments = RunningMoments()
        for start in range(0, len(self.chosen), BLOCK_ROWS):
            x = self.training.__getitems__(self.chosen[start : start + BLOCK_ROWS].tolist())["x"]
            moments.update(np.moveaxis(x, 1, -1).reshape(-1, x.shape[1]))
        return moments.result()

    def colours(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and standard deviation of the three colours that the encoder takes, where these go from 0 to 1."""
        assert self.pixels is not None
        return self.pixels.image_mean, self.pixels.image_std
