"""The paper's relaxed top-k as its pseudocode has it (Algorithm 1): one softmax per selected token.

The reference for tests and benchmarks of ``pare.relaxed_top_k``; plain autograd, nothing optimised.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def iterative_kappa(scores: Tensor, k: int, tau: float) -> Tensor:
    """Relaxed k-hot vector of already perturbed scores, ``(batch, tokens)``, after k rounds of softmax."""
    tiny = torch.finfo(scores.dtype).tiny
    kappa = torch.zeros_like(scores)
    for _ in range(k):
        share = (scores / tau).softmax(-1)
        kappa = kappa + share
        scores = scores + (1 - share).clamp(min=tiny).log()  # -inf would turn the gradient into NaN
    return kappa


def iterative_top_ks(scores: Tensor, ks: Sequence[int], tau: float = 0.9, *, noise: bool = True, **_: object) -> Tensor:
    """Straight-through masks of the k largest kappa, ``(groups, batch, tokens)``; called as ``relaxed_top_ks``."""
    if noise:
        scores = scores - torch.empty_like(scores).exponential_().log()
    kappa = torch.stack([iterative_kappa(group, k, tau) for group, k in zip(scores, ks, strict=True)])
    hard = torch.zeros_like(kappa)
    for marks, group, k in zip(hard, kappa, ks, strict=True):
        marks.scatter_(-1, group.topk(k, dim=-1).indices, 1.0)
    return hard + kappa - kappa.detach()
