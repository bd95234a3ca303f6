"""Fourier layers for fields on a line without ends: every point sees every other, at any distance.

They are those of a Fourier neural operator (Li et al., 2021), with a convolution of three points for what is near, and
with what came in added to what goes out (He et al., 2016).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 32  # channels of the layers
LAYERS = 2  # in a block


class FourierLayer(nn.Module):
    """``x + gelu(S(x) + C(x))``: S multiplies low frequencies, C is a convolution around the ends; single precision.

    Args:
        channels: channels in and out.
        modes: frequencies that are kept, both signs counted.
    """

    def __init__(self, channels: int, modes: int) -> None:
        from neuralop.layers.spectral_convolution import SpectralConv  # noqa: PLC0415 - slow to import

        super().__init__()
        self.spectral = SpectralConv(channels, channels, (modes,), bias=False)
        self.near = nn.Conv1d(channels, channels, 3, padding=1, padding_mode="circular")

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, points)`` to the same shape."""
        with torch.autocast(x.device.type, enabled=False):  # transforms know no half precision
            x = x.float()
            return x + F.gelu(self.spectral(x) + self.near(x))


def fourier_block(incoming: int, modes: int) -> nn.Sequential:
    """Channels to `WIDTH` at each point, then Fourier layers.

    Args:
        incoming: channels that come in.
        modes: as for `FourierLayer`.
    """
    return nn.Sequential(pointwise(incoming, WIDTH), *(FourierLayer(WIDTH, modes) for _ in range(LAYERS)))


def pointwise(incoming: int, outgoing: int) -> nn.Sequential:
    """A network of two layers for the channels of each point of a line."""
    return nn.Sequential(nn.Conv1d(incoming, 2 * WIDTH, 1), nn.GELU(), nn.Conv1d(2 * WIDTH, outgoing, 1))
