"""Rows of a training: batches of them, and the scales that the embedder takes from them."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pare.data.preparation.normalisation import RunningMoments
from pare.learners.networks.models.backbones import Backbone
from pare.learners.networks.training.background import drawn_ahead
from pare.learners.networks.training.source_batches import SourceBatches
from pare.storage.store import Rows, evenly_spaced

BLOCK_ROWS = 256


class TrainingRows:
    """The training rows that are used, and the anchor's predictions for them.

    Args:
        rows: all training rows.
        chosen: numbers of those that are used.

    Attributes:
        anchor: predictions for them, ``(rows, …)``; None without an anchor.
    """

    def __init__(self, rows: Rows, chosen: np.ndarray) -> None:
        self.rows, self.chosen = rows, chosen
        self.anchor: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitems__(self, numbers: list[int]) -> dict[str, np.ndarray]:
        """A batch of rows, by their places among those that are used."""
        batch = self.rows.__getitems__(self.chosen[numbers].tolist())
        return batch if self.anchor is None else batch | {"anchor": self.anchor[numbers]}


def batch_loader(
    rows: "Rows | TrainingRows", batch_size: int, order: Sequence[int] | None = None
) -> "DataLoader[dict[str, Tensor]]":
    """Batches ``{"x": (batch, …), "y": (batch, …)}`` of a split.

    Args:
        rows: rows of the split.
        batch_size: rows of a batch.
        order: numbers of the rows in their order; None: all, as they are stored.
    """
    pinned = torch.cuda.is_available()  # the copy to a GPU then waits for nothing
    return DataLoader(rows, batch_size, sampler=order, collate_fn=_as_tensors, pin_memory=pinned)  # type: ignore[arg-type]


def _as_tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch.items()}


class Batches:
    """Batches of the training rows, whose order is another one in each epoch; all processes have whole batches.

    Args:
        rows: the training rows.
        size: rows of a batch; the last one of an epoch may have fewer.
        seed: seed of the orders.
    """

    def __init__(self, rows: TrainingRows, size: int, seed: int) -> None:
        self.rows, self.size, self.seed = rows, size, seed

    def __len__(self) -> int:
        """Batches of an epoch."""
        return ceil(len(self.rows) / self.size)

    def of_epoch(self, number: int, first: int = 0) -> Iterator[dict[str, Tensor]]:
        """The batches of an epoch, from one of them on; torch's generator changes, as it does for each loader.

        Args:
            number: number of the epoch, from 0.
            first: number of the first batch that is wanted, from 0.
        """
        order = torch.randperm(len(self.rows), generator=torch.Generator().manual_seed(self.seed + number))
        return drawn_ahead(iter(batch_loader(self.rows, self.size, order[first * self.size :].tolist())))


class TrainingCalibration:
    """The `pare.learners.networks.models.embedders.Calibration` of a training.

    Args:
        training: the training rows.
        chosen: numbers of those that are used.
        samples: how many set the scale of a random embedder.
        source: batches of the proxy.
        backbone: embeds them.
        seed: seed of their order.
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
