"""Predictors h^t and h^s: features to classes or fields (paper, section 3.1), and the gate (section 3.3)."""

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn

from pare.learners.networks.models.folding import cropped, resized, unfold

HIDDEN = 64  # units of a gate's hidden layer
Features = tuple[Tensor, ...]  # outputs of the encoder's layers that are read, ``(rows, tokens, width)`` each


class PooledPredictor(nn.Module):
    """Average the tokens, then one linear layer: logits of classes or labels, or numbers."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, outputs)

    def forward(self, features: Features, around: tuple[Tensor, ...] = ()) -> Tensor:
        """Features of the last layer, ``(batch, tokens, width)``, to ``(batch, outputs)``."""
        return self.linear(features[-1].mean(1))


class DensePredictor(nn.Module):
    """One linear layer per token gives its cell of the field; the cells are laid out as the grid.

    Args:
        width: width of a token.
        grid: tokens along each axis.
        cell: edge of the cell that a token predicts, in grid points.
        extent: points along each axis that the tokens cover before padding.
        shape: ``(channels, *grid points)`` of the output; resized from ``extent`` where they differ.
    """

    def __init__(
        self,
        width: int,
        grid: tuple[int, ...],
        cell: tuple[int, ...],
        extent: tuple[int, ...],
        shape: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.grid, self.cell, self.extent, self.shape = grid, cell, extent, shape
        self.linear = nn.Linear(width, shape[0] * prod(cell))

    def forward(self, features: Features, around: tuple[Tensor, ...] = ()) -> Tensor:
        """Features of the last layer, ``(batch, tokens, width)``, to ``(batch, channels, *grid points)``."""
        cells = self.linear(features[-1]).transpose(1, 2).unflatten(2, self.grid)
        return resized(cropped(unfold(cells, self.cell), self.extent), self.shape[1:])


class PhysicalUnits(nn.Module):
    """Undo the point-wise normalisation of outputs, so that predictions have physical units."""

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("scale", torch.ones(shape))

    def set(self, mean: Tensor, scale: Tensor) -> None:
        """Take the mean and the standard deviation of the outputs, ``(*shape)`` each."""
        self.mean.copy_(mean)
        self.scale.copy_(scale)

    def forward(self, normalised: Tensor) -> Tensor:
        """``(batch, *shape)`` in units of the standard deviation, to physical units, in float32."""
        return normalised.float() * self.scale + self.mean


def _mlp(hidden: nn.Linear, dropout: float) -> nn.Module:
    return nn.Sequential(hidden, nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden.out_features, 1))


# From a hidden layer, which need not be used, to a network that gives each token one number (table 6; the paper gives
# no sizes, these are its code's).
GATES: dict[str, Callable[[nn.Linear], nn.Module]] = {
    "linear": lambda hidden: nn.Linear(hidden.in_features, 1),  # the paper's choice
    "mlp": lambda hidden: _mlp(hidden, 0.0),
    "mlp_dropout": lambda hidden: _mlp(hidden, 0.5),
}


class Gate(nn.Module):
    """Score of a token, shared by source and target (section 3.3).

    Args:
        width: width of a token.
        kind: a key of `GATES`; a sigmoid follows.
    """

    def __init__(self, width: int, kind: str = "linear") -> None:
        super().__init__()
        # Drawn for every kind: the predictors' weights, drawn next, are then those of the committed results.
        hidden = nn.Linear(width, HIDDEN)
        self.layers = GATES[kind](hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(batch, tokens, width)`` to scores in (0, 1), ``(batch, tokens)``."""
        return self.layers(tokens).squeeze(-1).float().sigmoid()
