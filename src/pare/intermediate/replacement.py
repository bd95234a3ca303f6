"""Replacing target patches by source patches (paper, section 3.3 and Algorithm 1).

Shapes: ``batch`` samples, ``tokens`` patches a sample, ``width`` of a patch embedding, k tokens replaced.
"""

from functools import partial

import torch
from torch import Tensor

from pare.intermediate.selection import relaxed_top_k


def replace_patches(
    target: Tensor,
    source: Tensor,
    target_scores: Tensor,
    source_scores: Tensor,
    k: int,
    *,
    tau: float = 0.9,
    noise: bool = True,
    exact_rounds: int = 8,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Replace the k target tokens of lowest score by the k source tokens of highest score.

    The i-th taken source token (in order of position) goes to the i-th freed target slot, so both parents keep
    their reading order. As in Algorithm 1 the masks multiply the tokens that stay or are taken: those tokens decide
    the gradient of the masks, and through them of all the scores.

    Args:
        target: target tokens, ``(batch, tokens, width)``.
        source: source tokens, ``(batch, tokens, width)``.
        target_scores: importance of the target tokens, ``(batch, tokens)``.
        source_scores: importance of the source tokens, ``(batch, tokens)``.
        k: how many target tokens of each sample are replaced.
        tau: temperature of the relaxed selection.
        noise: whether Gumbel noise is added to the scores.
        exact_rounds: exact rounds of the relaxed selection, see ``relaxed_top_k``.
        generator: source of the noise.

    Returns:
        The mixed tokens, ``(batch, tokens, width)``, and a boolean mask of the slots that now hold a source token,
        ``(batch, tokens)``. With k = 0 and k = tokens the mixed tokens are ``target`` and ``source`` themselves.

    Raises:
        ValueError: if the shapes disagree or k is outside 0..tokens.
    """
    if target.shape != source.shape or target.dim() != 3:
        raise ValueError(
            f"target has shape {tuple(target.shape)} and source {tuple(source.shape)}; "
            "both must be the same (batch, tokens, width)"
        )
    if not target_scores.shape == source_scores.shape == target.shape[:2]:
        raise ValueError(
            f"scores have shapes {tuple(target_scores.shape)} (target) and {tuple(source_scores.shape)} (source); "
            f"both must be {tuple(target.shape[:2])} like the tokens"
        )
    tokens = target.shape[1]
    if not 0 <= k <= tokens:
        raise ValueError(f"k={k} of {tokens} tokens cannot be replaced; k must lie in 0..{tokens}")
    if k in (0, tokens):
        mixed = source if k else target
        return mixed, torch.full_like(target_scores, k > 0, dtype=torch.bool)

    select = partial(relaxed_top_k, tau=tau, noise=noise, exact_rounds=exact_rounds, generator=generator)
    kept = select(target_scores, tokens - k)
    taken = select(source_scores, k)
    replaced = kept == 0
    origin = _origin(kept, taken)
    token = torch.where(replaced[..., None], source.gather(1, origin[..., None].expand_as(source)), target)
    # Every weight is 1: this factor only leads the gradient to the masks.
    weight = torch.where(replaced, taken.gather(1, origin), kept)
    return token * weight[..., None].to(token.dtype), replaced


def _origin(kept: Tensor, taken: Tensor) -> Tensor:
    """Position of the source token that belongs to each slot, a permutation of each row, ``(batch, tokens)``.

    Pairs the i-th freed slot with the i-th taken token, and the kept slots with the tokens left over, which nobody
    reads: a permutation has a fixed size, a list of the taken ones alone would make the host wait for its length.
    """
    freed_first = kept.argsort(dim=1, stable=True)
    taken_first = taken.argsort(dim=1, stable=True, descending=True)
    return torch.empty_like(freed_first).scatter_(1, freed_first, taken_first)
