"""Operations of torch that ONNX lacks, from those that it has."""

from collections.abc import Callable, Sequence
from functools import partial
from math import pi
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# Coefficients of Wichura (1988), algorithm AS 241, PPND7, from the lowest power; seven digits.
_CENTRE = (3.3871327179, 50.434271938, 159.29113202, 59.109374720), (1.0, 17.895169469, 78.757757664, 67.187563600)
_TAIL = (1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975)


def searchsorted(knots: Tensor, values: Tensor, *, right: bool = False) -> Tensor:
    """`torch.searchsorted` by counting: ``(…, knots)`` and ``(…, values)`` to positions ``(…, values)``."""
    knots, values = knots.unsqueeze(-2), values.unsqueeze(-1)
    return (knots <= values if right else knots < values).sum(-1)


def ndtri(levels: Tensor) -> Tensor:
    """`torch.special.ndtri`, the quantile function of the normal distribution, to seven digits.

    Args:
        levels: probabilities in (0, 1), not closer to either than 1e-10.
    """
    distance = levels - 0.5
    centre = distance * _ratio(_CENTRE, 0.180625 - distance**2)
    tail = _ratio(_TAIL, (-torch.minimum(levels, 1 - levels).log()).sqrt() - 1.6)
    return torch.where(distance.abs() <= 0.425, centre, tail * distance.sign())


def cdist(rows: Tensor, others: Tensor, p: float = 2.0, compute_mode: str = "") -> Tensor:
    """`torch.cdist`: ``(rows, columns)`` and ``(others, columns)`` to distances ``(rows, others)``."""
    return (rows.unsqueeze(1) - others).abs().pow(p).sum(-1).pow(1 / p)


def spectral(layer: nn.Module, x: Tensor, output_shape: None = None) -> Tensor:
    """A spectral convolution of neuraloperator on a line, by products of real matrices.

    Args:
        layer: the convolution; it divides by the points on the way to frequencies.
        x: ``(rows, channels, points)``.
        output_shape: none: as many points come out.
    """
    weight, points = torch.view_as_real(layer.weight.to_tensor()), x.shape[-1]  # type: ignore[operator, union-attr]
    numbers = torch.arange(weight.shape[2], device=x.device)
    angles = 2 * pi / points * numbers[:, None] * torch.arange(points, device=x.device)
    once = (numbers == 0) | (2 * numbers == points)  # frequencies that are their own mirror images
    cosines, sines, counts = angles.cos(), angles.sin(), torch.where(once, 1.0, 2.0)[:, None] / points
    real, imaginary = x @ cosines.T, -x @ sines.T
    parts = [torch.einsum("rif,iof->rof", part, weight[..., i]) for part in (real, imaginary) for i in (0, 1)]
    found = (parts[0] - parts[3]) @ (cosines * counts) - (parts[1] + parts[2]) @ (sines * counts)
    return found if layer.bias is None else found + layer.bias  # type: ignore[operator]


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], x: Tensor) -> Tensor:
    powers = torch.stack([x**power for power in range(4)], -1)
    above, below = (powers[..., : len(row)] @ powers.new_tensor(row) for row in coefficients)
    return above / below


REPLACED: dict[Callable, Callable] = {
    torch.searchsorted: searchsorted,
    torch.special.ndtri: ndtri,
    torch.cdist: cdist,
}


class InOnnx(TorchFunctionMode):
    """While a network is traced, its operations are those that ONNX has.

    Args:
        network: the network.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        # By name: the library takes a second to import, and few networks have its layers.
        self.lines = [part for part in network.modules() if type(part).__name__ == "SpectralConv" and part.order == 1]

    def __enter__(self) -> "InOnnx":
        for part in self.lines:
            part.forward = partial(spectral, part)
        super().__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        super().__exit__(*problem)
        for part in self.lines:
            del part.forward

    def __torch_function__(self, func: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return REPLACED.get(func, func)(*args, **(kwargs or {}))
