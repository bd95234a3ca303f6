"""Models for fields: a convolutional path around the encoder, and an anchor to which it adds.

Patches that a linear layer predicts do not meet at their edges. Here convolutions lead down to the tokens and up
again, as in a U-Net (Ronneberger et al., 2015): the encoder is its bottleneck, and nothing passes by at that level.
Level l, from 0, has the points of the grid divided by spacing * 2 ** l, rounded up; the spacing is 2, on small grids 1.
On lines without ends there is one level, of Fourier layers in place of convolutions. The anchor is a regression that is
solved before the network is trained.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.learners.networks.models.backbones import Backbone
from pare.learners.networks.models.calibration import Calibration
from pare.learners.networks.models.embedders import Embedded, rescale
from pare.learners.networks.models.folding import cropped, fold, padded, resized, unfold
from pare.learners.networks.models.model import CrossModalModel, build_source_predictor, build_units
from pare.learners.networks.models.predictors import Features, Gate
from pare.learners.networks.models.spectral import WIDTH, fourier_block, pointwise

WIDTHS = (16, 32, 64, 64, 64)  # channels of the levels
COARSEST = 16  # points of the grid, at most, that become one of the last level
FEW = 32  # points along the longest axis; a first level with fewer has all


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


def spacing_of(points: Sequence[int]) -> int:
    """How many points of a grid, along each axis, become the channels of one before the first level."""
    return 2 if -(-max(points) // 2) >= FEW else 1


def levels_of(patch: int, spacing: int) -> int:
    """How many levels lead to a patch, whose edge the points of each divide."""
    count = 0
    while spacing * 2**count <= COARSEST and patch % (spacing * 2**count) == 0:
        count += 1
    return count


class ConvolutionalEmbedder(nn.Module):
    """Convolutions and pooling down to one token a patch.

    Args:
        channels: channels of a sample.
        grid: tokens along each axis.
        patch: edge of a patch in grid points, a multiple of the spacing.
        width: width of a token.
        spacing: as from `spacing_of`.
        padding: what convolutions see beyond the ends, as torch's ``padding_mode``.
        modes: frequencies of Fourier layers on a line, both signs counted; 0: convolutions.
    """

    def __init__(
        self,
        channels: int,
        grid: tuple[int, ...],
        patch: int,
        width: int,
        spacing: int,
        *,
        padding: str = "zeros",
        modes: int = 0,
    ) -> None:
        super().__init__()
        widths, axes = _widths(patch, spacing, modes), len(grid)
        if not widths:
            raise ValueError(f"a patch has {patch} points along an axis, which cannot be halved; use an even number")
        self.spacing = spacing
        self.points = patch // (spacing * 2 ** (len(widths) - 1))  # points of the coarsest level along a token's edge
        incoming = (channels * spacing**axes, *widths[:-1])
        pairs = zip(incoming, widths, strict=True)
        self.blocks = nn.ModuleList(_block(*pair, axes, padding, modes) for pair in pairs)
        self.projection = _layer("Conv", axes)(widths[-1], width, self.points, self.points)

    def forward(self, x: Tensor) -> Embedded:
        """``(batch, channels, *grid points)`` to tokens ``(batch, tokens, width)``; levels go around the encoder."""
        x = fold(x, self.spacing)
        around: list[Tensor] = []
        for block in self.blocks:
            x = block(x if not around else _pooled(around[-1]))
            around.append(x)
        return Embedded(self.projection(padded(x, self.points)).flatten(2).transpose(1, 2), tuple(around))

    def calibrate(self, calibration: Calibration) -> None:
        """Give the tokens the spread of the encoder's own."""
        with torch.no_grad():
            rescale(self.projection, calibration.source.std() / self(calibration.x).tokens.std())


class ConvolutionalPredictor(nn.Module):
    """The features of the encoder up to a field, at each level joined with what passed by.

    Args:
        width: width of a token.
        grid: tokens along each axis.
        patch: edge of a patch in grid points, a multiple of the spacing.
        extent: points of the input along each axis.
        shape: ``(channels, *grid points)`` of the field; resized from ``extent`` where they differ.
        spacing: as from `spacing_of`.
        padding: what convolutions see beyond the ends, as torch's ``padding_mode``.
        modes: frequencies of Fourier layers on a line, both signs counted; 0: convolutions.
    """

    def __init__(
        self,
        width: int,
        grid: tuple[int, ...],
        patch: int,
        extent: tuple[int, ...],
        shape: tuple[int, ...],
        *,
        spacing: int,
        padding: str = "zeros",
        modes: int = 0,
    ) -> None:
        super().__init__()
        widths, axes = _widths(patch, spacing, modes), len(grid)
        points = patch // (spacing * 2 ** (len(widths) - 1))
        self.grid, self.patch, self.extent, self.shape, self.spacing = grid, patch, extent, shape, spacing
        self.back = _layer("ConvTranspose", axes)(width, widths[-1], points, points)
        self.norm = _layer("BatchNorm", axes)(widths[-1])
        self.blocks = nn.ModuleList(_block(2 * width, width, axes, padding, modes) for width in reversed(widths))
        self.up = nn.ModuleList(
            _layer("ConvTranspose", axes)(coarse, fine, 2, 2)
            for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        outputs = shape[0] * spacing**axes
        last = pointwise(widths[0], outputs) if modes else _layer("Conv", axes)(widths[0], outputs, 1)
        self.last: Any = last
        if spacing > 1:  # trainings on all points that begin so are much worse
            self.begin_at_zero()

    def begin_at_zero(self) -> None:
        """Add 0 to the solved anchor at first."""
        with torch.no_grad():
            for parameter in [*self.last.parameters()][-2:]:  # weight and bias of the last layer
                parameter.zero_()

    def forward(self, features: Features, around: tuple[Tensor, ...]) -> Tensor:
        """The last of the features and the embedder's levels to ``(batch, channels, *grid points)``."""
        x = self.norm(self.back(features[-1].transpose(1, 2).unflatten(2, self.grid)))
        for i, (block, level) in enumerate(zip(self.blocks, reversed(around), strict=True)):
            if i:
                x = self.up[i - 1](x)
            x = block(torch.cat([cropped(x, level.shape[2:]), level], 1))
        return resized(cropped(unfold(self.last(x), self.spacing), self.extent), self.shape[1:])

    def hide(self, around: tuple[Tensor, ...], replaced: Tensor) -> tuple[Tensor, ...]:
        """Levels ``(batch, channels, *points)``, weakened by the replaced part of each token, ``(batch, tokens)``."""
        kept = (1 - replaced).unflatten(1, self.grid).unsqueeze(1)
        hidden = []
        for level, features in enumerate(around):
            shares = kept
            for axis in range(len(self.grid)):
                shares = shares.repeat_interleave(self.patch // (self.spacing * 2**level), dim=2 + axis)
            hidden.append(features * cropped(shares, features.shape[2:]))
        return tuple(hidden)


def _widths(patch: int, spacing: int, modes: int) -> tuple[int, ...]:
    """Channels of each level that leads to a patch."""
    levels = levels_of(patch, spacing)
    return (WIDTH,) * min(levels, 1) if modes else WIDTHS[:levels]


def _block(incoming: int, outgoing: int, axes: int, padding: str, modes: int) -> nn.Sequential:
    """Fourier layers, or two convolutions of three points, each normalised over the batch."""
    if modes:
        return fourier_block(incoming, modes)
    layers: list[nn.Module] = []
    for channels in (incoming, outgoing):
        convolution = _layer("Conv", axes)(channels, outgoing, 3, padding=1, bias=False, padding_mode=padding)
        layers += [convolution, _layer("BatchNorm", axes)(outgoing), nn.GELU()]
    return nn.Sequential(*layers)


def _layer(name: str, axes: int) -> type[nn.Module]:
    """The layer of torch for so many axes."""
    return getattr(nn, f"{name}{axes}d")


def _pooled(x: Tensor) -> Tensor:
    """The largest of each two points along each axis; a last single point stays."""
    pooled: Tensor = _layer("MaxPool", x.dim() - 2)(2, ceil_mode=True)(x)
    return pooled


def build_convolutional_model(
    task: Task,
    backbone: Backbone,
    source_classes: int | None,
    gate: str = "linear",
    *,
    periodic: bool = False,
    frequencies: int = 0,
) -> CrossModalModel:
    """The model for a field, whose embedder and predictor begin random and whose anchor is not solved yet.

    Args:
        task: the target task.
        backbone: the source's encoder, made for the task's token grid.
        source_classes: classes of the proxy, or None where its labels are masks.
        gate: a key of `pare.learners.networks.models.predictors.GATES`.
        periodic: whether the grid has no ends: the last point along each axis is the neighbour of the first.
        frequencies: frequencies of each sign of Fourier layers, on a line without ends; 0: convolutions there as well.

    Raises:
        PareError: where patches cannot be halved, or the encoder changes the grid of tokens.
    """
    patch, grid, spacing = task.tokens.patch, task.grid, spacing_of(task.input.shape[1:])
    if not levels_of(patch, spacing) or task.tokens.resize:
        raise PareError(
            f"convolutions lead to patches of an even number of points of the grid, found tokens.patch={patch}, "
            f"tokens.resize={task.tokens.resize}; set tokens.patch to 8, 16 or 24 and tokens.resize to null, or "
            "start=random"
        )
    if backbone.out_grid != grid:
        raise PareError(
            f"the convolutions lead down to {grid} tokens, this encoder returns {backbone.out_grid}; use a source "
            "whose encoder is not hierarchical, e.g. source=minilm, or start=random"
        )
    modes = min(2 * frequencies, -(-task.input.shape[1] // spacing)) if periodic and len(grid) == 1 else 0
    kind: dict[str, Any] = {"padding": "circular" if periodic else "zeros", "modes": modes}
    return CrossModalModel(
        backbone,
        ConvolutionalEmbedder(task.input.shape[0], grid, patch, backbone.width, spacing, **kind),
        Gate(backbone.width, gate),
        ConvolutionalPredictor(
            *(backbone.out_width, grid, patch, task.input.shape[1:], task.output.shape),
            spacing=spacing,
            **kind,
        ),
        build_units(task),
        build_source_predictor(backbone, source_classes),
        anchor=Anchor(prod(task.input.shape), task.output.shape),
    )
