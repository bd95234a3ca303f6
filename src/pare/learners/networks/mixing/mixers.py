"""Ways of mixing other tokens into the target's, by the name that ``mixing.mixer`` has for them (paper, table 4).

A mixer is a function of a `MixingStep` that returns a `Mixture`; `MIXERS` lists them. Shapes: ``batch`` samples,
``tokens`` patches a sample, ``width`` of a patch embedding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt

import torch
from torch import Tensor

from pare.config.hyperparameters import MixingConfig
from pare.learners.networks.mixing.replacement import replace_patches


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
        generator: draws the positions; a CPU generator makes the same blocks on any device.

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
        generator: draws every random choice.
    """

    target: Tensor
    other: Tensor
    k: int
    grid: tuple[int, ...]
    gate: Callable[[Tensor], Tensor]
    settings: MixingConfig
    generator: torch.Generator | None = None

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
        generator=step.generator,
    )
    return Mixture(tokens, step.share, replaced, scores)


def blend_all_tokens(step: MixingStep) -> Mixture:
    """A weighted mean in every slot."""
    return Mixture(mixup(step.target, step.other, step.share), step.share)


def replace_block(step: MixingStep) -> Mixture:
    """One block of neighbouring tokens, of about k."""
    tokens, replaced, share = cutmix(step.target, step.other, step.share, step.grid, step.generator)
    return Mixture(tokens, share, replaced)


MIXERS: dict[str, Callable[[MixingStep], Mixture]] = {
    "replace": replace_tokens,
    "mixup": blend_all_tokens,
    "cutmix": replace_block,
}
