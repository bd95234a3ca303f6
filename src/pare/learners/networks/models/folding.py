"""Fields on other grids: coarser ones, with neighbouring points as channels of one point, and back; resized ones."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}  # torch's names, by the number of axes


def fold(x: Tensor, points: int) -> Tensor:
    """``(batch, channels, *grid)`` to ``(batch, channels * points ** axes, *grid / points)``.

    A field whose grid is no multiple of ``points`` is continued by its last values at its far ends.
    """
    x = padded(x, points)
    axes = x.dim() - 2
    for axis in range(axes):
        x = x.unflatten(2 + 2 * axis, (-1, points))
    inner = [3 + 2 * axis for axis in range(axes)]
    outer = [2 + 2 * axis for axis in range(axes)]
    return x.permute(0, 1, *inner, *outer).flatten(1, 1 + axes)


def unfold(x: Tensor, points: int | Sequence[int]) -> Tensor:
    """``(batch, channels * cell, *grid)`` to ``(batch, channels, *grid * points)``; a cell has points along each."""
    axes = x.dim() - 2
    x = x.unflatten(1, (-1, *([points] * axes if isinstance(points, int) else points)))
    order = [axis for i in range(axes) for axis in (2 + axes + i, 2 + i)]
    x = x.permute(0, 1, *order)
    for axis in range(axes):
        x = x.flatten(2 + axis, 3 + axis)
    return x


def padded(x: Tensor, multiple: int) -> Tensor:
    """A field continued by its last values at its far ends, so that each axis has a multiple of so many points."""
    padding = [added for n in reversed(x.shape[2:]) for added in (0, -n % multiple)]
    return F.pad(x, padding, mode="replicate") if any(padding) else x


def cropped(x: Tensor, grid: Sequence[int]) -> Tensor:
    """The first points along each axis, as many as the grid has."""
    for axis, points in enumerate(grid):
        x = x.narrow(2 + axis, 0, points)
    return x


def resized(x: Tensor, grid: Sequence[int]) -> Tensor:
    """A field on another grid of the same extent, between its points by linear interpolation."""
    if x.shape[2:] == tuple(grid):
        return x
    return F.interpolate(x, size=tuple(grid), mode=LINEAR[len(grid)], align_corners=False)


class Folded(nn.Module):
    """A network on the folded grid.

    Args:
        network: takes and returns ``channels * points ** axes`` channels in place of ``channels``.
        points: along each axis that become one.
    """

    def __init__(self, network: nn.Module, points: int) -> None:
        super().__init__()
        self.network, self.points = network, points

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, *grid)`` to ``(batch, outputs, *grid)``."""
        y = unfold(self.network(fold(x, self.points)), self.points)
        return cropped(y, x.shape[2:])
