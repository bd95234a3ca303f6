"""Ways of mixing other tokens into the target's, by the name that ``mixing.mixer`` has for them (paper, table 4).

A mixer makes a `Mixture` of a `MixingStep`, whose random numbers it draws before; `MIXERS` lists them. Shapes:
``batch`` samples, ``tokens`` patches a sample, ``width`` of a patch embedding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from pare.config.hyperparameters import MixingConfig
from pare.learners.networks.draws import Draws
from pare.learners.networks.mixing.replacement import replace_patches
from pare.learners.networks.mixing.selection import gumbel


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
    target: Tensor, source: Tensor, share: float, grid: tuple[int, ...], corners: Tensor | None = None
) -> tuple[Tensor, Tensor, float]:
    """Replace one block of neighbouring tokens by the source's tokens of the same slots (Yun et al., 2019).

    The block has the grid's proportions and, up to rounding, the given share of its tokens.

    Args:
        target: target tokens, ``(batch, tokens, width)``.
        source: source tokens, the same shape.
        share: share of the tokens that the block covers, in 0..1.
        grid: tokens along each axis; their product is ``tokens``.
        corners: first token of each sample's block along each axis, ``(axes, batch)``; None: drawn by torch.

    Returns:
        Mixed tokens, ``(batch, tokens, width)``, of the dtype of the target tokens; a boolean mask of the slots that
        now hold a source token, ``(batch, tokens)``; and the share of the tokens that the block covers.

    Raises:
        ValueError: if the grid has another number of tokens.
    """
    if prod(grid) != target.shape[1]:
        raise ValueError(f"grid {grid} has {prod(grid)} tokens, target has {target.shape[1]}: both must match")
    edges = _edges(share, grid)
    if corners is None:
        drawn = partial(torch.randint, size=(len(target),), device=target.device)
        corners = torch.stack([drawn(points - edge + 1) for points, edge in zip(grid, edges, strict=True)])
    inside = torch.ones(len(target), *grid, dtype=torch.bool, device=target.device)
    for axis, (points, edge, first) in enumerate(zip(grid, edges, corners[..., None], strict=True)):
        position = torch.arange(points, device=target.device)
        along = (position >= first) & (position < first + edge)
        inside &= along.view(len(target), *[points if a == axis else 1 for a in range(len(grid))])
    replaced = inside.flatten(1)
    return torch.where(replaced[..., None], source.to(target.dtype), target), replaced, prod(edges) / prod(grid)


def _edges(share: float, grid: tuple[int, ...]) -> list[int]:
    """Tokens along each axis of a block that covers about a share of the grid."""
    scale = share ** (1 / len(grid))
    return [round(points * scale) for points in grid]


@dataclass(frozen=True)
class MixingStep:
    """Inputs of a mixer in one step of the training.

    Attributes:
        target: target tokens, ``(batch, tokens, width)``.
        other: tokens to mix in, the same shape.
        k: how many tokens of each sample to replace, more than 0.
        grid: tokens along each axis; their product is ``tokens``.
        gate: scores tokens ``(batch, tokens, width)`` in (0, 1), ``(batch, tokens)``.
        settings: the method's settings.
        noise: random numbers that the mixer drew; None: it needs none.
    """

    target: Tensor
    other: Tensor
    k: int
    grid: tuple[int, ...]
    gate: Callable[[Tensor], Tensor]
    settings: MixingConfig
    noise: Tensor | None = None

    @property
    def share(self) -> float:
        """Share of the tokens to replace, in 0..1."""
        return self.k / self.target.shape[1]


@dataclass(frozen=True)
class Mixture:
    """Mixed tokens and how they were mixed.

    Attributes:
        tokens: ``(batch, tokens, width)``.
        share: share of the tokens that are not the target's.
        replaced: which slots were replaced, ``(batch, tokens)``; None where all were blended.
        scores: the gate's scores of the target's and the other tokens, ``(batch, tokens)`` each; None without a gate.
    """

    tokens: Tensor
    share: float
    replaced: Tensor | None = None
    scores: tuple[Tensor, Tensor] | None = None

    def hidden(self, tokens: Tensor) -> Tensor:
        """Share of each of the ``tokens`` ``(rows, tokens, width)`` that is not the target's, ``(rows, tokens)``."""
        if self.replaced is None:
            return tokens.new_full(tokens.shape[:2], self.share)
        return self.replaced.to(tokens.dtype)


def replace_tokens(step: MixingStep) -> Mixture:
    """The k target tokens of lowest score by the k other tokens of highest, or as many at random (section 3.3)."""
    settings = step.settings
    scores = (step.gate(step.target), step.gate(step.other)) if settings.selector == "gate" else None
    equal = step.target.new_zeros(step.target.shape[:2])  # the noise turns equal scores into a random choice
    target_scores, other_scores = scores or (equal, equal)
    tokens, replaced = replace_patches(
        step.target,
        step.other,
        target_scores,
        other_scores,
        step.k,
        noise=True if step.noise is None else step.noise,
    )
    return Mixture(tokens, step.share, replaced, scores)


def blend_all_tokens(step: MixingStep) -> Mixture:
    """A weighted mean in every slot."""
    return Mixture(mixup(step.target, step.other, step.share), step.share)


def replace_block(step: MixingStep) -> Mixture:
    """One block of neighbouring tokens, of about k."""
    tokens, replaced, share = cutmix(step.target, step.other, step.share, step.grid, step.noise)
    return Mixture(tokens, share, replaced)


def _gumbel_of_tokens(draws: Draws, views: int, grid: tuple[int, ...], k: int) -> Tensor | None:
    """Noise of the scores, ``(2, rows, tokens)``; none where all tokens are replaced."""
    tokens = prod(grid)
    return draws(gumbel, 2, views, tokens, axis=2).flatten(1, 2) if k < tokens else None


def _corners(draws: Draws, views: int, grid: tuple[int, ...], k: int) -> Tensor:
    """Places of the blocks, ``(axes, rows)``."""
    lasts = [points - edge + 1 for points, edge in zip(grid, _edges(k / prod(grid), grid), strict=True)]
    return torch.stack([draws(partial(torch.randint, last), views, axis=1).flatten() for last in lasts])


class Mixer(NamedTuple):
    """A way of mixing.

    Attributes:
        mix: mixes the tokens of a step.
        draw: its random numbers, of the rows' draws, the rows of tokens that a sample has, the grid and k.
    """

    mix: Callable[[MixingStep], Mixture]
    draw: Callable[[Draws, int, tuple[int, ...], int], Tensor | None]


MIXERS: dict[str, Mixer] = {
    "replace": Mixer(replace_tokens, _gumbel_of_tokens),
    "mixup": Mixer(blend_all_tokens, lambda *_: None),
    "cutmix": Mixer(replace_block, _corners),
}
