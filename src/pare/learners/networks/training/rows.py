"""Rows of a training: batches of them, scales that the embedder takes from them, predictions of validation rows."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from pare.config.schema import Task
from pare.data.preparation.normalisation import RunningMoments
from pare.evaluation.calibration import Calibration
from pare.learners.networks.models.backbones import Backbone
from pare.learners.networks.models.threads import fastest_threads
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
    rows: "Rows | Subset[Any] | TrainingRows", batch_size: int, *, shuffle: bool = False, seed: int | None = None
) -> "DataLoader[dict[str, Tensor]]":
    """Batches ``{"x": (batch, …), "y": (batch, …)}`` of a split.

    Args:
        rows: rows of the split.
        batch_size: rows of a batch.
        shuffle: whether their order is random.
        seed: seed of that order; none: torch's, or accelerate's.
    """
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return DataLoader(rows, batch_size, shuffle=shuffle, generator=generator, collate_fn=_as_tensors)  # type: ignore[arg-type]


def _as_tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch.items()}


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


def held_out(model: nn.Module, rows: Rows, device: torch.device, task: Task, batch_size: int) -> Calibration | None:
    """Predict the validation rows as test rows are predicted: in single precision, averaged over symmetries.

    Args:
        model: a model that has not learnt from these rows.
        rows: rows of the validation split.
        device: where the model is.
        task: what is predicted.
        batch_size: rows at once.

    Returns:
        The model's calibration; None without rows, and for masks.
    """

    def predict(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), fastest_threads(model, ("outputs", len(x))):
            return model(torch.from_numpy(x).to(device)).float().cpu().numpy()

    model.eval()
    kind = task.output.kind
    if not len(rows) or (kind == "dense" and not task.compares_values):
        return None
    if kind == "dense":  # every other row, as neighbours may be alike
        halves = (range(first, len(rows), 2) for first in (0, 1))
        return Calibration.of_fields(*(_predicted(predict, rows, half, batch_size) for half in halves))
    predictions, truths = zip(*_predicted(predict, rows, range(len(rows)), batch_size), strict=True)
    return Calibration.of_rows(task, np.concatenate(predictions), np.concatenate(truths), rows.groups)


def _predicted(
    predict: Callable[[np.ndarray], np.ndarray], rows: Rows, chosen: Sequence[int], batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Predictions and truths of the chosen rows, by batches, ``(batch, …)`` each."""
    for start in range(0, len(chosen), batch_size):
        batch = rows.__getitems__(list(chosen[start : start + batch_size]))
        yield predict(batch["x"]), batch["y"]
