"""Convolutions as wide as a periodic line: each of its lowest frequencies has weights of its own."""

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
        modes: frequencies, from 0, the mean; where a line has fewer, those that it has.
    """

    def __init__(self, incoming: int, outgoing: int, modes: int) -> None:
        super().__init__()
        spread = SMALL / (incoming * outgoing) ** 0.5
        self.weight = nn.Parameter(spread * torch.randn(2, incoming, outgoing, modes))  # real and imaginary parts

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, incoming, points)`` to ``(batch, outgoing, points)``."""
        points = x.shape[-1]
        frequencies = torch.arange(min(self.weight.shape[-1], (points + 1) // 2), device=x.device)
        turns = torch.outer(torch.arange(points, device=x.device), frequencies) % points  # whole numbers: exact
        angles = turns * (2 * torch.pi / points)
        cosines, sines = angles.cos().to(x), angles.sin().to(x)

        waves = torch.stack([x @ cosines, -(x @ sines)])
        weight = self.weight[..., : len(frequencies)]
        by_real, by_imaginary = (torch.einsum("pbik,iok->pbok", waves, part) for part in weight)
        both_signs = torch.where(frequencies > 0, 2, 1) / points
        real = (by_real[0] - by_imaginary[1]) * both_signs
        imaginary = (by_real[1] + by_imaginary[0]) * both_signs
        return real @ cosines.T - imaginary @ sines.T
