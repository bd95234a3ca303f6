"""Replacing target patches by source patches (paper, section 3.3 and Algorithm 1).

Shapes: ``batch`` samples, ``tokens`` patches a sample, ``width`` of a patch embedding, k tokens replaced.
"""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from pare.learners.networks.mixing.selection import relaxed_top_ks


def replace_patches(
    target: Tensor,
    source: Tensor,
    target_scores: Tensor,
    source_scores: Tensor,
    k: int,
    *,
    tau: float = 0.9,
    noise: bool | Tensor = True,
    exact_rounds: int = 8,
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
        noise: whether Gumbel noise is added to the scores; or the noise itself, ``(2, batch, tokens)``, of target and
            source.
        exact_rounds: exact rounds of the relaxed selection, see ``relaxed_top_k``.

    Returns:
        The mixed tokens, ``(batch, tokens, width)``, of the dtype of the target tokens, and a boolean mask of the
        slots that now hold a source token, ``(batch, tokens)``. For k = 0 or k = tokens the mixed tokens are the
        target's or the source's own; the scores do not matter and get no gradient.

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
        parent = source.to(target.dtype) if k else target
        return parent, torch.full_like(target_scores, k > 0, dtype=torch.bool)

    kept, taken = relaxed_top_ks(
        torch.stack([target_scores, source_scores]),
        [tokens - k, k],
        tau,
        noise=noise,
        exact_rounds=exact_rounds,
    )
    mixed: Tensor = _Mix.apply(target, source.to(target.dtype), kept, taken, k)
    return mixed, kept == 0


def _positions(mask: Tensor, ones: int) -> Tensor:
    """Positions of the ones of each row, then of the zeros, both ascending, ``(batch, tokens)``.

    Counted, not sorted, which takes several times as long.
    """
    is_one = mask != 0
    among_ones = is_one.cumsum(1)
    place = _arange_like(among_ones)
    place = torch.where(is_one, among_ones - 1, place - among_ones + ones)
    return _inverse(place)


class _Mix(torch.autograd.Function):
    """Kept target tokens in their slots and taken source tokens in the others, each times its mask of ones.

    The same in plain autograd holds four more tensors of the size of the tokens, and on a CPU their allocation
    costs more than the rest of the mixing step.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, target: Tensor, source: Tensor, kept: Tensor, taken: Tensor, k: int) -> Tensor:
        slot = _positions(kept == 0, k)
        # The staying slots are paired with the source tokens left over, which are not read: a permutation, unlike a
        # list, is inverted without adding up and never repeats a row.
        origin = torch.empty_like(slot).scatter_(1, slot, _positions(taken, k))
        mixed = _rows(source, origin)
        staying = _flat(slot[:, k:], mixed)
        mixed.flatten(0, 1).index_copy_(0, staying, target.flatten(0, 1).index_select(0, staying))
        ctx.save_for_backward(mixed, kept, taken, origin)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        mixed, kept, taken, origin = ctx.saved_tensors  # type: ignore[attr-defined]
        for_target, for_source, for_kept, for_taken, _ = ctx.needs_input_grad  # type: ignore[attr-defined]
        slot = _inverse(origin)
        to_target = to_source = to_kept = to_taken = product = None
        if for_kept or for_taken:
            product = grad * mixed
            to_weight = product.sum(-1)
            to_kept = kept * to_weight.to(kept.dtype)
            to_taken = taken * to_weight.gather(1, slot).to(taken.dtype)
        if for_target:  # into the memory of the product, which is no longer needed
            to_target = torch.mul(grad, kept[..., None].to(grad.dtype), out=product)
        if for_source:
            to_source = _rows(grad, slot).mul_(taken[..., None])
        return to_target, to_source, to_kept, to_taken, None


def _arange_like(positions: Tensor) -> Tensor:
    """0, 1, 2, … in each row, ``(batch, tokens)``."""
    return torch.arange(positions.shape[1], device=positions.device).expand_as(positions)


def _inverse(permutation: Tensor) -> Tensor:
    """Inverse of the permutation in each row, ``(batch, tokens)``."""
    return torch.empty_like(permutation).scatter_(1, permutation, _arange_like(permutation))


def _flat(position: Tensor, tokens: Tensor) -> Tensor:
    """Positions in the rows of a batch, ``(batch, n)``, as positions in the batch laid out as one row."""
    first = torch.arange(len(tokens), device=tokens.device)[:, None] * tokens.shape[1]
    return (first + position).flatten()


def _rows(tokens: Tensor, position: Tensor) -> Tensor:
    """The tokens at ``position``, ``(batch, tokens)``; copies whole rows, several times faster than ``gather``."""
    return tokens.flatten(0, 1).index_select(0, _flat(position, tokens)).view_as(tokens)
