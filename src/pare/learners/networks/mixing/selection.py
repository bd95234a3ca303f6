"""Selecting k tokens with a gradient for their scores (paper, section 3.3 and Algorithm 1).

The paper selects by a relaxed subset operator (Xie and Ermon, 2019; Plötz and Roth, 2018): k rounds of softmax, each
without what the earlier ones took. Their sum kappa is the relaxed k-hot vector; the hard choice gets its gradient. Here
the first rounds are computed one by one. In the others every softmax is small, so they are computed at once: with the
round number as time, kappa_j = tau * log(1 + c * exp(s_j / tau)), where the one unknown c follows from sum(kappa) = k.

Shapes: ``batch`` rows are selected from independently, ``tokens`` are the candidates of one row.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.linalg import vecdot
from torch.nn.functional import logsigmoid

# A fixed number: stopping early would synchronise with the device. Of many spreads of the scores (0 to 1e12) and sizes
# (to 50,000 tokens) the worst took 13 steps to 1e-9; the usual scores take 5.
_NEWTON_STEPS = 16


def relaxed_top_k(
    scores: Tensor,
    k: int,
    tau: float = 0.9,
    *,
    noise: bool | Tensor = True,
    exact_rounds: int = 8,
) -> Tensor:
    """Mark the k largest scores after Gumbel noise, differentiably.

    Forward returns the hard top-k mask; backward uses the relaxed k-hot vector (straight-through). There is no
    host-device synchronisation. A score of +inf is always taken, one of -inf only when nothing else is left; both get
    no gradient, and for k = 0 or k = tokens no score gets one. A NaN score counts as larger than any other and makes
    the gradient of its whole row NaN, so that a diverged gate shows in the gradients.

    Args:
        scores: any floating-point dtype, ``(batch, tokens)``.
        k: how many tokens of each row are taken.
        tau: temperature of the softmax rounds, positive; the paper's is 0.9.
        noise: whether standard Gumbel noise is added to the scores; or that noise itself, see `gumbel`.
        exact_rounds: how many of the k rounds the gradient takes one by one; the others follow in closed form.

    Returns:
        1 where a token is taken and 0 elsewhere, k ones a row, ``(batch, tokens)``, of the dtype of the scores.

    Raises:
        ValueError: if the scores are not ``(batch, tokens)``, if k is outside 0..tokens, if tau is not positive or
            exact_rounds is negative.
    """
    if scores.dim() != 2:
        raise ValueError(f"scores have shape {tuple(scores.shape)}; expected (batch, tokens)")
    (mask,) = relaxed_top_ks(scores[None], [k], tau, noise=noise, exact_rounds=exact_rounds)
    return mask


def relaxed_top_ks(
    scores: Tensor,
    ks: Sequence[int],
    tau: float = 0.9,
    *,
    noise: bool | Tensor = True,
    exact_rounds: int = 8,
) -> Tensor:
    """Several groups of rows at once, each with its own k; otherwise ``relaxed_top_k``.

    The operator is a long chain of operations on small tensors: two groups together cost less than one after the
    other.

    Args:
        scores: ``(groups, batch, tokens)``.
        ks: how many tokens of each row of each group are taken.
        tau: as in ``relaxed_top_k``.
        noise: as in ``relaxed_top_k``.
        exact_rounds: as in ``relaxed_top_k``.

    Returns:
        The masks of the groups, ``(groups, batch, tokens)``.

    Raises:
        ValueError: as ``relaxed_top_k``.
    """
    tokens = scores.shape[-1]
    for k in ks:
        if not 0 <= k <= tokens:
            raise ValueError(f"k={k} of {tokens} tokens cannot be selected; k must lie in 0..{tokens}")
    if tau <= 0 or exact_rounds < 0:
        raise ValueError(f"tau={tau} must be positive and exact_rounds={exact_rounds} not negative")
    # float64: the shares of thousands of rounds add up, and half precision would tie most scores.
    perturbed = scores.to(_precision(scores.device))
    if noise is not False:
        perturbed = perturbed + (gumbel(scores.shape, device=scores.device) if noise is True else noise)
    mask: Tensor = _StraightThroughTopK.apply(perturbed, tuple(ks), tau, exact_rounds)
    return mask.to(scores.dtype)


def gumbel(shape: Sequence[int], *, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
    """Standard Gumbel noise of a shape, finite because ``exponential_`` never draws zero.

    Args:
        shape: its shape.
        device: where it is drawn.
        generator: draws it, on the same device; None: torch's own.
    """
    waiting_time = torch.empty(*shape, dtype=_precision(device), device=device).exponential_(generator=generator)
    return -waiting_time.log_()


def _precision(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


class _StraightThroughTopK(torch.autograd.Function):
    """Forward: the hard mask (kappa grows with the score, so it is not needed). Backward: through kappa."""

    @staticmethod
    def forward(ctx: FunctionCtx, scores: Tensor, ks: tuple[int, ...], tau: float, exact_rounds: int) -> Tensor:
        ctx.save_for_backward(scores)
        ctx.settings = (ks, tau, exact_rounds)  # type: ignore[attr-defined]
        mask = torch.zeros_like(scores)
        for group, k, marks in zip(scores, ks, mask, strict=True):
            marks.scatter_(-1, group.topk(k, dim=-1, sorted=False).indices, 1.0)
        return mask

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None, None]:
        (scores,) = ctx.saved_tensors  # type: ignore[attr-defined]
        ks, tau, exact_rounds = ctx.settings  # type: ignore[attr-defined]
        rows = scores.flatten(0, 1)
        k = torch.cat([group.new_full((len(group), 1), k) for group, k in zip(scores, ks, strict=True)])
        to_rows = _kappa_vjp(rows, grad.reshape(rows.shape), k, tau, min(exact_rounds, max(ks)))
        return to_rows.view_as(scores), None, None, None


def _kappa_vjp(scores: Tensor, grad: Tensor, k: Tensor, tau: float, exact_rounds: int) -> Tensor:
    """Vector-Jacobian product of the relaxed k-hot vectors of ``k`` tokens, ``(batch, 1)``, at ``scores``.

    Both ``scores`` and ``grad`` are ``(batch, tokens)``.
    """
    certain = scores == math.inf
    wanted = k - certain.sum(-1, keepdim=True)
    contested = scores.isinf().logical_not_().sum(-1, keepdim=True)
    scores = scores.masked_fill(certain, -math.inf)

    rounds = []
    for done in range(exact_rounds):
        taken, log_left = _take_round(scores, tau)
        happens = (done < wanted).to(scores.dtype)
        rounds.append((taken, happens))
        scores = torch.addcmul(scores, log_left, happens)
    adjoint = _closed_form_vjp(scores, grad, wanted - exact_rounds, tau)
    for taken, happens in reversed(rounds):
        adjoint = torch.addcmul(adjoint, _change_by_round(taken, grad, adjoint), happens / tau)

    no_choice = (wanted <= 0) | (wanted >= contested)
    return adjoint.masked_fill(no_choice, 0.0)


class _Round(NamedTuple):
    """One softmax round, ``(batch, tokens)`` except ``largest``."""

    share: Tensor
    largest: Tensor  # index of the largest share, (batch, 1)
    share_of_others: Tensor  # softmax without the largest


def _take_round(scores: Tensor, tau: float) -> tuple[_Round, Tensor]:
    """One round and log(1 - share), by which it lowers the scores.

    Only the largest share can come near 1, where 1 - share would lose all its digits: what it leaves is therefore
    computed from its lead over the others.
    """
    logits = scores / tau
    top, largest = logits.max(-1, keepdim=True)
    others = logits.scatter_(-1, largest, -math.inf)
    top_of_others = others.amax(-1, keepdim=True)
    share_of_others = (others - top_of_others).exp_()
    mass_of_others = share_of_others.sum(-1, keepdim=True)
    share_of_others /= mass_of_others
    lead = top - top_of_others - mass_of_others.log()
    share = (share_of_others * torch.sigmoid(-lead)).scatter_(-1, largest, torch.sigmoid(lead))
    log_left = torch.log1p(-share).scatter_(-1, largest, logsigmoid(-lead))
    return _Round(share, largest, share_of_others), log_left


def _change_by_round(taken: _Round, grad: Tensor, adjoint: Tensor) -> Tensor:
    """What the adjoint of the logits before a round has more than the ``adjoint`` after it; ``grad`` is its share's."""
    share, largest, share_of_others = taken
    pull = (share / (1 - share) * adjoint).scatter_(-1, largest, 0.0)
    pull_of_largest = share.gather(-1, largest) * adjoint.gather(-1, largest)
    common = pull.sum(-1, keepdim=True) - vecdot(share, grad)[:, None]
    change = (grad + common).mul_(share).sub_(pull).addcmul_(share_of_others, pull_of_largest)
    return change.scatter_add_(-1, largest, -pull_of_largest)


def _closed_form_vjp(scores: Tensor, grad: Tensor, count: Tensor, tau: float) -> Tensor:
    """The product for the ``count`` remaining rounds, ``(batch, 1)``: p * (grad - <p, grad> / <p, 1>)."""
    logits = (scores - scores.amax(-1, keepdim=True)) / tau
    p = torch.sigmoid(logits + _log_c(logits, count.clamp(min=1) / tau))
    mean = vecdot(p, grad)[:, None] / p.sum(-1, keepdim=True)
    return torch.where(count > 0, p * (grad - mean), 0.0)


def _log_c(logits: Tensor, total: Tensor) -> Tensor:
    """Solve sum_j softplus(logits_j + log c) = total for log c, ``(batch, 1)``; the largest logit is 0.

    The sum is increasing and convex in log c, so Newton's method descends to the root from any point above it.
    Two such points: the largest logit alone cannot exceed the total, nor can, by Jensen's inequality, the softplus
    of the mean logit exceed the mean softplus.
    """
    above = torch.minimum(
        _inverse_softplus(total), _inverse_softplus(total / logits.shape[-1]) - logits.mean(-1, keepdim=True)
    )
    log_c = above
    for _ in range(_NEWTON_STEPS):
        shifted = logits + log_c
        # -logsigmoid(-x) is softplus(x), without its threshold and in half the time.
        excess = -logsigmoid(-shifted).sum(-1, keepdim=True) - total
        log_c = log_c - excess / torch.sigmoid(shifted).sum(-1, keepdim=True)
    return log_c


def _inverse_softplus(value: Tensor) -> Tensor:
    return value + torch.log(-torch.expm1(-value))
