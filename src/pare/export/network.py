"""A trained model with all that is done before and behind it, as one network."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pare.preparation import Preparation
from pare.preparation.model_input import append_coordinates
from pare.training import TrainedModel


class Prepared(nn.Module):
    """Raw rows as the model takes them: `Preparation.inputs` as a network.

    Args:
        preparation: what training did to raw rows.
        shape: of a raw row, ``(features,)`` or ``(channels, *grid)``.
    """

    x_mean: Tensor | None
    x_scale: Tensor
    seen: Tensor | None
    numeric: Tensor
    places: Tensor | None

    def __init__(self, preparation: Preparation, shape: Sequence[int]) -> None:
        super().__init__()
        for name in ("x_mean", "x_scale"):
            array = preparation.statistics.get(name)
            self.register_buffer(name, None if array is None else torch.from_numpy(array))
        self.register_buffer("seen", _seen(preparation, shape[0]) if preparation.seen else None)
        self.register_buffer("numeric", torch.tensor([column not in preparation.seen for column in range(shape[0])]))
        self.register_buffer("places", _places(shape) if preparation.coordinates else None)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, *shape)``, scaled; categories that training never saw become NaN, coordinates are appended."""
        if self.x_mean is not None:
            x = (x - self.x_mean) / self.x_scale
        if self.seen is not None:
            known = (x.unsqueeze(-1) == self.seen).any(-1)
            x = torch.where(known | self.numeric, x, torch.nan)
        if self.places is not None:
            x = torch.cat([x, self.places.expand(x.shape[0], *self.places.shape)], 1)
        return x


def _seen(preparation: Preparation, columns: int) -> Tensor:
    """Codes of the categories that training rows have, ``(columns, most)``, filled up with NaN."""
    seen = torch.full((columns, max(map(len, preparation.seen.values()))), torch.nan)
    for column, codes in preparation.seen.items():
        seen[column, : len(codes)] = torch.tensor(codes)
    return seen


def _places(shape: Sequence[int]) -> Tensor:
    """The channels that say where each point is, ``(axes, *grid)``."""
    return torch.from_numpy(append_coordinates(np.zeros((1, *shape), np.float32))[0, shape[0] :])


class Answers(nn.Module):
    """From raw rows to probabilities, or to numbers or fields in physical units.

    Args:
        trained: the model, which is moved to the CPU.
        shape: of a raw row.
        ending: what the outputs, at the temperature of the validation rows, still pass.
    """

    def __init__(self, trained: TrainedModel, shape: Sequence[int], ending: nn.Module) -> None:
        super().__init__()
        self.prepared, self.model, self.ending = Prepared(trained.preparation, shape), trained.model.cpu(), ending
        self.temperature = trained.calibration.temperature if trained.calibration else 1.0

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, *shape)`` to answers, ``(batch, …)``."""
        x, symmetries = self.prepared(x), self.model.symmetries
        output = symmetries.averaged_at_once(self.model.predict, x) if symmetries else self.model.predict(x)
        answers: Tensor = self.ending(output / self.temperature)
        return answers
