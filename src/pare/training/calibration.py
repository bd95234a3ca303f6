"""What the embedder takes its scales from: training rows and tokens of the proxy."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pare.models.backbones import Backbone
from pare.preparation.normalisation import RunningMoments
from pare.storage.store import Rows, evenly_spaced
from pare.training.source_batches import SourceBatches

BLOCK_ROWS = 256


class TrainingCalibration:
    """The `pare.models.embedders.Calibration` of a training.

    Args:
        training: the training rows.
        chosen: numbers of those that are used.
        samples: how many set the scale of a random embedder.
        source: batches of the proxy.
        backbone: embeds them.
        seed: of their order.
    """

    def __init__(
        self, training: Rows, chosen: np.ndarray, samples: int, source: SourceBatches, backbone: Backbone, seed: int
    ) -> None:
        self.training, self.chosen, self.batches = training, chosen, source
        self.x: Tensor = torch.from_numpy(training.read(0, samples)["x"])
        inputs, _ = next(source.batches(len(self.x), np.random.default_rng(seed)))
        self.source: Tensor = backbone.embed_source(inputs).detach()

    def rows(self) -> np.ndarray:
        """All training samples that are used, ``(rows, …)``."""
        return self.training.array("x")[self.chosen]

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
        """Mean and standard deviation of the three colours that the encoder takes."""
        assert self.batches.pixels is not None
        return self.batches.pixels.image_mean, self.batches.pixels.image_std
