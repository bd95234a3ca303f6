"""Batches of a split, each read at once."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from pare.storage.store import Rows


class TrainingRows:
    """The training rows that are used, and what the anchor says of each.

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
    rows: "Rows | Subset[Any] | TrainingRows", batch_size: int, *, shuffle: bool = False, seed: int | None = None
) -> "DataLoader[dict[str, Tensor]]":
    """Batches ``{"x": (batch, …), "y": (batch, …)}`` of a split.

    Args:
        rows: of the split.
        batch_size: rows of a batch.
        shuffle: whether their order is random.
        seed: of that order; none: torch's, or that of accelerate.
    """
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return DataLoader(rows, batch_size, shuffle=shuffle, generator=generator, collate_fn=_as_tensors)  # type: ignore[arg-type]


def _as_tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch.items()}
