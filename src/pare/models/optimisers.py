"""Optimisers by name: those of torch, and Muon for the kernels of convolutions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from pare.config.hyperparameters import TrainingConfig

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WIDEST = 128  # rows or columns, the fewer, of a kernel as a matrix: the time of Muon grows as their cube


def build_optimiser(model: nn.Module, groups: Iterable[Mapping[str, Any]], training: TrainingConfig) -> Optimizer:
    """The optimiser that a training asks for.

    Args:
        model: whose weights learn.
        groups: of its parameters, as torch's optimisers take them; one without a rate has that of the training.
        training: names the optimiser and says how it learns.
    """
    if training.optimiser == "Muon":
        betas = (training.adam_beta1, training.adam_beta2)
        return muon(model, groups, training.learning_rate, training.weight_decay, betas)
    build = getattr(torch.optim, training.optimiser)
    optimiser: Optimizer = build(groups, lr=training.learning_rate, **training.optimiser_options)
    return optimiser


def muon(
    model: nn.Module,
    groups: Iterable[Mapping[str, Any]],
    learning_rate: float,
    weight_decay: float,
    betas: tuple[float, float],
) -> Optimizer:
    """Muon (Jordan et al., 2024) for the kernels of convolutions, and AdamW for all other weights.

    A kernel is a matrix with a row for each of its first channels. Its step is the orthogonal matrix nearest to the
    mean gradient: it changes all directions alike, where Adam's step follows the few that are large. The root mean
    square of a step is that of AdamW with the same rate (Liu et al., 2025, arXiv 2502.16982).

    Args:
        model: whose convolutions have kernels.
        groups: of parameters, as for `build_optimiser`.
        learning_rate: of groups that have none of their own.
        weight_decay: of all.
        betas: of AdamW.
    """
    from pytorch_optimizer import Muon  # noqa: PLC0415 - takes a second, and other optimisers need none

    kernels = _kernels(model)
    parts = []
    for group in groups:
        for among in (False, True):
            weights = [weight for weight in group["params"] if (id(weight) in kernels) == among]
            if weights:
                parts.append({"lr": learning_rate, **group, "params": weights, "use_muon": among})
    return Muon(
        parts,
        weight_decay=weight_decay,
        use_adjusted_lr=True,
        adamw_wd=weight_decay,
        adamw_betas=betas,
        adamw_eps=1e-8,
    )


def _kernels(model: nn.Module) -> set[int]:
    """The identity of each kernel that Muon learns."""
    weights: Sequence[torch.Tensor] = [m.weight for m in model.modules() if isinstance(m, CONVOLUTIONS)]
    return {id(weight) for weight in weights if min(len(weight), weight[0].numel()) <= WIDEST}
