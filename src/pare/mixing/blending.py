"""Mixing source and target tokens without scoring them: mixup and CutMix on embeddings (paper, table 4).

Shapes: ``batch`` samples, ``tokens`` patches a sample, ``width`` of a patch embedding.
"""

from math import prod, sqrt

import torch
from torch import Tensor


def mixup(target: Tensor, source: Tensor, share: float) -> Tensor:
    """Weighted mean of the tokens in each slot (Zhang et al., 2018, on embeddings).

    Args:
        target: target tokens, ``(batch, tokens, width)``.
        source: source tokens, the same shape.
        share: weight of the source, in 0..1.

    Returns:
        Mixed tokens, ``(batch, tokens, width)``, of the dtype of the target tokens.
    """
    return torch.lerp(target, source.to(target.dtype), share)


def cutmix(
    target: Tensor, source: Tensor, share: float, grid: tuple[int, ...], generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor, float]:
    """Replace one block of neighbouring tokens by the source's tokens of the same slots (Yun et al., 2019).

    The block has the grid's proportions and, up to rounding, the given share of its tokens. Its position is drawn for
    every sample.

    Args:
        target: target tokens, ``(batch, tokens, width)``.
        source: source tokens, the same shape.
        share: share of the tokens that the block covers, in 0..1.
        grid: tokens along each axis; their product is ``tokens``.
        generator: of the positions; a CPU generator makes the same blocks on any device.

    Returns:
        Mixed tokens, ``(batch, tokens, width)``, of the dtype of the target tokens; a boolean mask of the slots that
        now hold a source token, ``(batch, tokens)``; and the share of the tokens that the block covers.

    Raises:
        ValueError: if the grid has another number of tokens.
    """
    if prod(grid) != target.shape[1]:
        raise ValueError(f"grid {grid} has {prod(grid)} tokens, target has {target.shape[1]}: both must match")
    scale = share if len(grid) == 1 else sqrt(share)
    edges = [round(points * scale) for points in grid]
    inside = torch.ones(len(target), *grid, dtype=torch.bool)
    for axis, (points, edge) in enumerate(zip(grid, edges, strict=True)):
        first = torch.randint(points - edge + 1, (len(target), 1), generator=generator)
        position = torch.arange(points)
        along = (position >= first) & (position < first + edge)
        inside &= along.view(len(target), *[points if a == axis else 1 for a in range(len(grid))])
    replaced = inside.flatten(1).to(target.device)
    return torch.where(replaced[..., None], source.to(target.dtype), target), replaced, prod(edges) / prod(grid)
