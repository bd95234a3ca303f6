"""Losses of the target task by name."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from pare.config.errors import unknown_name

Loss = Callable[[Tensor, Tensor], Tensor]


def relative_l2(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean over samples of ‖prediction − target‖₂ / ‖target‖₂, both ``(batch, …)``.

    NAS-Bench-360 sums over the batch instead; the mean makes the learning rate independent of its size.
    """
    difference = (prediction.float() - target).flatten(1).norm(dim=1)
    return (difference / target.flatten(1).norm(dim=1).clamp_min(torch.finfo(torch.float32).tiny)).mean()


def build_loss(name: str, class_weights: Tensor | None = None) -> Loss:
    """The loss of that name.

    Args:
        name: ``relative_l2`` or ``cross_entropy``.
        class_weights: weight per class, ``(classes,)``; cross entropy only.

    Raises:
        PareError: where the name is unknown.
    """
    losses: dict[str, Loss] = {
        "relative_l2": relative_l2,
        "cross_entropy": lambda prediction, target: F.cross_entropy(prediction.float(), target, weight=class_weights),
    }
    if name not in losses:
        raise unknown_name("loss", name, losses, "the task's YAML")
    return losses[name]
