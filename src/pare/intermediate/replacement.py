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
        The mixed tokens, ``(batch, tokens, width)``, of the dtype of the target tokens, and a boolean mask of the
        slots that now hold a source token, ``(batch, tokens)``. With k = 0 and k = tokens the mixed tokens are the
        target and source tokens themselves and the scores, without a say, get no gradient.

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
        mixed = source.to(target.dtype) if k else target
        return mixed, torch.full_like(target_scores, k > 0, dtype=torch.bool)

    select = partial(relaxed_top_k, tau=tau, noise=noise, exact_rounds=exact_rounds, generator=generator)
    kept = select(target_scores, tokens - k)
    taken = select(source_scores, k)
    # Sorted in a stable way the freed slots and the taken tokens come first, each in order of position; k is known,
    # so nothing waits for the device to count them.
    freed = kept.argsort(dim=1, stable=True)[:, :k]
    moved = taken.argsort(dim=1, stable=True, descending=True)[:, :k]
    # Whole rows of (batch * tokens, width) are copied: several times faster than gather and scatter by element. The
    # products keep only the parents for the backward pass.
    first_row = torch.arange(len(target), device=target.device)[:, None] * tokens
    staying = (target * kept[..., None].to(target.dtype)).flatten(0, 1)
    coming = (source * taken[..., None].to(source.dtype)).flatten(0, 1).index_select(0, (first_row + moved).flatten())
    mixed = staying.index_copy(0, (first_row + freed).flatten(), coming.to(target.dtype))
    return mixed.view_as(target), kept == 0
