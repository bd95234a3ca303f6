"""Target embedders f^t: raw samples of any shape to tokens (paper, section 3.1).

Only a projection is new; scale, positions and normalisation come from the encoder.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pare.config.schema import Task
from pare.learners.networks.models.calibration import Calibration
from pare.learners.networks.models.folding import fold, resized


class Embedded(NamedTuple):
    """What an embedder makes of a batch of samples.

    Attributes:
        tokens: those that enter the encoder, ``(rows, tokens, width)``; several rows a sample where the embedder has
            several views of it, all samples of the first view first.
        around: what reaches the predictor without passing the encoder, ``(rows, …)`` each.
    """

    tokens: Tensor
    around: tuple[Tensor, ...] = ()


class RandomEmbedder(nn.Module):
    """An embedder all of whose weights begin random."""

    @torch.no_grad()
    def calibrate(self, calibration: Calibration) -> None:
        """Give tokens the spread of the encoder's own."""
        rescale(self, calibration.source.std() / self(calibration.x).tokens.std())


class PatchEmbedder(RandomEmbedder):
    """Cut a field into patches and project each one; the grid is padded with zeros at its far ends.

    Args:
        channels: channels of a sample.
        grid: tokens along each axis.
        patch: edge of a patch in grid points.
        resize: edge to which the field is resized first, or None.
        width: width of a token.
    """

    def __init__(self, channels: int, grid: tuple[int, ...], patch: int, resize: int | None, width: int) -> None:
        super().__init__()
        self.grid, self.patch, self.resize = grid, patch, resize
        self.projection = nn.Linear(channels * patch ** len(grid), width)
        nn.init.normal_(self.projection.weight, std=self.projection.in_features**-0.5)
        nn.init.zeros_(self.projection.bias)

    def forward(self, x: Tensor) -> Embedded:
        """``(batch, channels, *grid points)`` to tokens ``(batch, tokens, width)``."""
        if self.resize:
            x = resized(x, [self.resize] * len(self.grid))
        padding = [
            p for n, size in zip(self.grid[::-1], x.shape[:1:-1], strict=True) for p in (0, n * self.patch - size)
        ]
        return Embedded(self.projection(fold(F.pad(x, padding), self.patch).flatten(2).transpose(1, 2)))


class FeatureEmbedder(RandomEmbedder):
    """One token per column of a table (FT-Transformer, Gorishniy et al. 2021).

    A number is value × direction + bias, a category its own vector + bias. A missing value (NaN) has a token of its
    own per column.

    Args:
        features: columns.
        width: width of a token.
        categories: number of categories per column, 0 for a column of numbers; empty where all are numbers.
    """

    offsets: Tensor
    categorical: Tensor

    def __init__(self, features: int, width: int, categories: Sequence[int] = ()) -> None:
        super().__init__()
        counts = torch.tensor(list(categories) or [0] * features)
        if len(counts) != features:
            raise ValueError(f"categories of {len(counts)} columns given, the table has {features}: both must match")
        self.register_buffer("categorical", counts > 0, persistent=False)
        self.register_buffer("offsets", counts.cumsum(0) - counts, persistent=False)
        if any(categories):
            self.levels = nn.Parameter(torch.randn(sum(categories), width) * 0.5**0.5)
        self.direction = nn.Parameter(torch.randn(features, width) * 0.5**0.5)
        self.bias = nn.Parameter(torch.randn(features, width) * 0.5**0.5)
        self.missing = nn.Parameter(torch.zeros(features, width))

    def forward(self, x: Tensor) -> Embedded:
        """``(batch, features)`` to tokens ``(batch, features, width)``."""
        absent = x.isnan().unsqueeze(-1)
        x = x.nan_to_num(0.0)
        present = x.unsqueeze(-1) * self.direction
        if hasattr(self, "levels"):
            codes = torch.where(self.categorical, x.long() + self.offsets, 0)
            present = torch.where(self.categorical.unsqueeze(-1), F.embedding(codes, self.levels), present)
        return Embedded(torch.where(absent, self.missing, present) + self.bias)


def build_embedder(task: Task, width: int, categories: Sequence[int] = ()) -> PatchEmbedder | FeatureEmbedder:
    """The target embedder that a task's tokens ask for; ``categories`` as `FeatureEmbedder` takes them."""
    if task.tokens.kind == "feature":
        return FeatureEmbedder(prod(task.input.shape), width, categories)
    return PatchEmbedder(task.input.shape[0], task.grid, task.tokens.patch, task.tokens.resize, width)


def rescale(embedder: nn.Module, factor: float | Tensor) -> None:
    """Multiply all weights of an embedder, and so its output, by a factor."""
    with torch.no_grad():
        for parameter in embedder.parameters():
            parameter.mul_(factor)
