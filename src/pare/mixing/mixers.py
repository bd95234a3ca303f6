"""Every way of mixing other tokens into the target's, by the name that ``mixing.mixer`` has for it (paper, table 4).

A mixer is a function of a `MixingStep` that returns a `Mixture`; `MIXERS` lists them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pare.config.hyperparameters import MixingConfig
from pare.mixing.blending import cutmix, mixup
from pare.mixing.replacement import replace_patches


@dataclass(frozen=True)
class MixingStep:
    """What a mixer is given in one step of the training.

    Attributes:
        target: target tokens, ``(batch, tokens, width)``.
        other: tokens to mix in, the same shape.
        k: how many tokens of each sample to replace, more than 0.
        grid: tokens along each axis; their product is ``tokens``.
        gate: scores tokens ``(batch, tokens, width)`` in (0, 1), ``(batch, tokens)``.
        settings: those of the method.
        generator: of every random choice.
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
        share: of what is not the target's.
        replaced: which slots were replaced, ``(batch, tokens)``; None where all were blended.
        scores: of the gate for the target's and the other tokens, ``(batch, tokens)`` each; None where it was not
            used.
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
