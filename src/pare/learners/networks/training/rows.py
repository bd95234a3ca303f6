"""Batches of the rows of a training."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_convert

from pare.learners.networks.training.background import drawn_ahead
from pare.storage.store import Rows


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
    return DataLoader(rows, batch_size, sampler=order, collate_fn=default_convert, pin_memory=pinned)  # type: ignore[arg-type]


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
