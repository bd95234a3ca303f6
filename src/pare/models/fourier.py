"""Convolutions as wide as a periodic grid: each of its lowest frequencies has weights of its own."""

import torch
from torch import Tensor, nn

SMALL = 0.1  # at the start, so that the convolutions of a few points come first


class FourierConvolution(nn.Module):
    """Mixes the channels of each of the lowest frequencies (Li et al., *Fourier Neural Operator*, ICLR 2021).

    The transforms are products with sines and cosines: only few frequencies are needed, and products, unlike fast
    transforms, exist in bfloat16 and in ONNX.

    Args:
        incoming: channels of the input.
        outgoing: channels of the output.
        axes: of the grid, which has no ends.
        modes: frequencies of each sign along an axis, the mean among them; where a grid has fewer, those that it has.
    """

    def __init__(self, incoming: int, outgoing: int, axes: int, modes: int) -> None:
        super().__init__()
        self.modes = modes
        frequencies = (*[2 * modes - 1] * (axes - 1), modes)  # along one axis half of them say all of a real field
        spread = SMALL / (incoming * outgoing) ** 0.5
        self.weight = nn.Parameter(spread * torch.randn(2, incoming, outgoing, *frequencies))

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, incoming, *grid)`` to ``(batch, outgoing, *grid)``."""
        *others, last = [(points, min(self.modes, (points + 1) // 2)) for points in x.shape[2:]]
        frequencies = [torch.arange(1 - modes, modes, device=x.device) for _, modes in others]
        frequencies.append(torch.arange(last[1], device=x.device))
        angles = [_angles(points, own) for own, (points, _) in zip(frequencies, (*others, last), strict=True)]

        real, imaginary = x, torch.zeros_like(x)
        for axis, angle in enumerate(angles, 2):
            real, imaginary = _turned(real, imaginary, -angle, axis)
        real, imaginary = self._mixed(real, imaginary, [len(own) for own in frequencies])
        both_signs = torch.where(frequencies[-1] > 0, 2, 1) / x[0, 0].numel()
        real, imaginary = real * both_signs, imaginary * both_signs
        for axis, angle in enumerate(angles, 2):
            real, imaginary = _turned(real, imaginary, angle.T, axis)
        return real

    def _mixed(self, real: Tensor, imaginary: Tensor, counts: list[int]) -> tuple[Tensor, Tensor]:
        """Complex products with the weights of the frequencies that there are."""
        weight: Tensor = self.weight
        for axis, count in enumerate(counts, 3):
            first = 0 if axis == weight.dim() - 1 else self.modes - 1 - count // 2  # of both signs: those in the middle
            weight = weight.narrow(axis, first, count)
        a, b = (torch.einsum("bi...,io...->bo...", real, part) for part in weight)
        c, d = (torch.einsum("bi...,io...->bo...", imaginary, part) for part in weight)
        return a - d, b + c


def _angles(points: int, frequencies: Tensor) -> Tensor:
    """Of each frequency at each point, ``(points, frequencies)``."""
    places = torch.arange(points, device=frequencies.device)
    return torch.outer(places, frequencies) % points * (2 * torch.pi / points)  # whole numbers: exact


def _turned(real: Tensor, imaginary: Tensor, angles: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Sums along an axis of complex numbers that are turned by ``angles`` ``(old points, new points)``."""
    cosines, sines = angles.cos().to(real), angles.sin().to(real)
    return (
        _along(axis, real, cosines) - _along(axis, imaginary, sines),
        _along(axis, real, sines) + _along(axis, imaginary, cosines),
    )


def _along(axis: int, x: Tensor, matrix: Tensor) -> Tensor:
    return (x.movedim(axis, -1) @ matrix).movedim(-1, axis)
