"""A regression that is solved before a network for fields is trained, and to whose predictions the network adds."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Anchor(nn.Module):
    """Fields as a linear map of the whole input, or of Gaussian kernels around inputs; zero until it is set.

    Sums over kernels cancel: they are in double precision, since in single the errors were 2 to 20,000 times as large.

    Args:
        inputs: numbers of a sample.
        shape: ``(channels, *grid)`` of the field.
    """

    mean: Tensor
    directions: Tensor
    fields: Tensor
    constant: Tensor
    width: Tensor
    squares: Tensor  # squared lengths of the directions, ``(directions,)``

    def __init__(self, inputs: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("directions", torch.zeros(1, inputs))
        self.register_buffer("fields", torch.zeros(1, *shape))
        self.register_buffer("constant", torch.zeros(shape))
        self.register_buffer("width", torch.zeros(()))
        self.register_buffer("squares", torch.zeros(1), persistent=False)
        self.has_kernels = False

    def set(
        self, mean: np.ndarray, directions: np.ndarray, fields: np.ndarray, constant: np.ndarray, width: float = 0.0
    ) -> None:
        """Take a solution.

        Args:
            mean: mean input, ``(inputs,)``.
            directions: directions of the input, or centres of the kernels, less the mean, ``(directions, inputs)``.
            fields: field that a unit along each direction, or a kernel of one, adds, ``(directions, *shape)``.
            constant: the field of the mean input, or far from all centres, ``(*shape)``.
            width: width of the kernels, 0 for a linear map.
        """
        self.has_kernels = width > 0
        values = {"mean": mean, "directions": directions, "fields": fields, "constant": constant, "width": width}
        for name, value in values.items():
            double = self.has_kernels and name in ("directions", "fields")
            dtype = torch.float64 if double else torch.float32
            setattr(self, name, torch.as_tensor(value, dtype=dtype, device=self.mean.device))
        self.squares = self.directions.square().sum(1)

    def forward(self, x: Tensor) -> Tensor:
        """Samples ``(batch, …)`` to fields ``(batch, *shape)`` in physical units, in single precision."""
        with torch.autocast(x.device.type, enabled=False):
            rows = (x.float().flatten(1) - self.mean).to(self.directions.dtype)
            amounts = rows @ self.directions.T
            if self.has_kernels:  # for few rows torch.cdist takes ten times as long as this product
                distances = (rows.square().sum(1, keepdim=True) + self.squares - 2 * amounts).clamp_min(0)
                amounts = (-distances / (2 * self.width**2)).exp()
            return (amounts @ self.fields.flatten(1)).float().unflatten(1, self.constant.shape) + self.constant

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        width = state_dict.setdefault(f"{prefix}width", torch.zeros(()))  # models that were saved without one
        self.has_kernels = bool(width > 0)
        for name in ("directions", "fields"):  # as many directions as were saved
            if (value := state_dict.get(f"{prefix}{name}")) is not None:
                setattr(self, name, torch.empty_like(value, device=self.mean.device))
        super()._load_from_state_dict(state_dict, prefix, *args)
        self.squares = self.directions.square().sum(1)
