"""Hydra (Dempster, Schmidt and Webb, 2023), by aeon: groups of random kernels that compete for each point."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from pare.baselines.problem import require

ROWS = 64  # transformed at a time, so that memory does not grow with the data
RARE = 4  # power of the share of zeros that is added to a standard deviation, as in the authors' code


class Hydra:
    """Features of series: the roots of counts, scaled by the training rows where they are not zero.

    Args:
        shape: ``(channels, length)`` of a series.
        groups: for each dilation.
        kernels: of a group.
        seed: of the kernels, and of the channels that each group adds up.
    """

    def __init__(self, shape: tuple[int, int], groups: int, kernels: int, seed: int = 0) -> None:
        library = require("aeon.transformations.collection.convolution_based")
        threads = torch.get_num_threads()  # aeon sets torch's threads to its jobs
        with torch.random.fork_rng(devices=[]):
            counts = library.HydraTransformer(kernels, groups, n_jobs=threads, random_state=seed, output_type="numpy")
            self.counts: Any = counts.fit(np.zeros((2, *shape)))
        self.mean = self.scale = np.zeros(0, np.float32)

    def fit_transform(self, series: np.ndarray) -> np.ndarray:
        """Take the scales from the training rows ``(rows, channels, length)``; their features."""
        roots = self._roots(series)
        self.mean = roots.mean(0)
        self.scale = roots.std(0, ddof=1) + (roots == 0).mean(0, dtype=np.float32) ** RARE + 1e-8
        return self._scaled(roots)

    def transform(self, series: np.ndarray) -> np.ndarray:
        """Features ``(rows, features)`` of series ``(rows, channels, length)``."""
        return self._scaled(self._roots(series))

    def _roots(self, series: np.ndarray) -> np.ndarray:
        parts = np.array_split(series, -(-len(series) // ROWS))
        return np.sqrt(np.concatenate([self.counts.transform(part) for part in parts]).clip(0))

    def _scaled(self, roots: np.ndarray) -> np.ndarray:
        return (roots - self.mean) * (roots != 0) / self.scale

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All that was drawn and learnt; the library has no file format."""
        drawn = self.counts._hydra
        channels = {f"channels_{i}": part.numpy() for i, part in enumerate(drawn.idx)}
        return {"weights": drawn.W.numpy(), "mean": self.mean, "scale": self.scale, **channels}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> "Hydra":
        """Take `arrays` of another in place of what was drawn here."""
        drawn = self.counts._hydra
        drawn.W = torch.from_numpy(arrays["weights"])
        drawn.idx = [torch.from_numpy(arrays[f"channels_{i}"]) for i in range(len(drawn.idx))]
        self.mean, self.scale = arrays["mean"], arrays["scale"]
        return self
