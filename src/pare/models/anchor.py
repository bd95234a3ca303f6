"""A linear map that is solved before a network for fields is trained, and to whose predictions the network adds."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Anchor(nn.Module):
    """Fields as a linear map of the whole input, in as many directions as fit it; zero until it is set.

    Args:
        inputs: numbers of a sample.
        shape: ``(channels, *grid)`` of the field.
    """

    mean: Tensor
    directions: Tensor
    fields: Tensor
    constant: Tensor

    def __init__(self, inputs: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("directions", torch.zeros(1, inputs))
        self.register_buffer("fields", torch.zeros(1, *shape))
        self.register_buffer("constant", torch.zeros(shape))

    def set(self, mean: np.ndarray, directions: np.ndarray, fields: np.ndarray, constant: np.ndarray) -> None:
        """Take a solution.

        Args:
            mean: of the inputs, ``(inputs,)``.
            directions: of the input that are read, ``(directions, inputs)``.
            fields: what a unit along each direction adds, ``(directions, *shape)``.
            constant: the field of the mean input, ``(*shape)``.
        """
        for name, value in (("mean", mean), ("directions", directions), ("fields", fields), ("constant", constant)):
            setattr(self, name, torch.as_tensor(value, dtype=torch.float32, device=self.mean.device))

    def forward(self, x: Tensor) -> Tensor:
        """Samples ``(batch, …)`` to fields ``(batch, *shape)`` in physical units, in single precision."""
        with torch.autocast(x.device.type, enabled=False):
            amounts = (x.float().flatten(1) - self.mean) @ self.directions.T
            return (amounts @ self.fields.flatten(1)).unflatten(1, self.constant.shape) + self.constant

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name in ("directions", "fields"):  # as many directions as were saved
            if (value := state_dict.get(f"{prefix}{name}")) is not None:
                setattr(self, name, torch.empty_like(value, device=self.mean.device))
        super()._load_from_state_dict(state_dict, prefix, *args)
