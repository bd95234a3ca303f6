"""The loss around a trained model's weights, on a plane of two random directions (paper, figure 1a).

The directions are filter-normalised (Li et al. 2018, section 4), so that models whose weights differ in size can be
compared: one step along an axis changes every filter by its own norm.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.func import functional_call

from pare.learners.model import Model
from pare.learners.networks.models import CrossModalModel
from pare.learners.networks.training.losses import Loss, build_loss
from pare.paper.analysis.compared import network_of

PREDICTING = ("embedder", "backbone", "predictor")  # the parts that a target prediction passes


def filter_normalised_direction(model: CrossModalModel, generator: torch.Generator) -> dict[str, Tensor]:
    """A Gaussian direction in which every filter has the norm of the model's own.

    A filter is a row of a weight matrix, the weights of one output. Biases and the scales of layer norms stay where
    they are, as in Li et al.'s code, and so do frozen weights and those that no target prediction depends on.

    Args:
        model: the trained model.
        generator: generator of the direction, on the CPU, so that it is the same on every device.

    Returns:
        A tensor of the parameter's shape by the parameter's name.
    """
    direction = {}
    for name, weight in model.named_parameters():
        if name.split(".")[0] in PREDICTING and weight.requires_grad and weight.dim() > 1:
            draw = torch.randn(weight.shape, generator=generator).to(weight.device)
            scale = _filter_norms(weight) / _filter_norms(draw).clamp_min(torch.finfo(draw.dtype).tiny)
            direction[name] = draw * scale
    return direction


def _filter_norms(weight: Tensor) -> Tensor:
    """Norm of each filter, shaped to multiply the weight, ``(filters, 1, …)``."""
    return weight.detach().flatten(1).norm(dim=1).view(-1, *[1] * (weight.dim() - 1))


def mean_loss(predict: Callable[[Tensor], Tensor], loss: Loss, x: Tensor, y: Tensor, batch_size: int) -> float:
    """Loss of some rows, the mean over batches weighted by their size.

    Args:
        predict: samples to predictions.
        loss: the task's loss.
        x: samples, ``(rows, …)``.
        y: their labels or fields, ``(rows, …)``.
        batch_size: rows at a time.
    """
    batches = zip(x.split(batch_size), y.split(batch_size), strict=True)
    return sum(float(loss(predict(part), truth)) * len(part) for part, truth in batches) / len(x)


def loss_landscapes(
    models: Mapping[str, Model],
    rows: Mapping[str, np.ndarray],
    axis: np.ndarray,
    seed: int,
    device: torch.device,
) -> pd.DataFrame:
    """The task's loss on a square of weights around each model; all models share their random draws.

    Args:
        models: trained models by name.
        rows: samples ``x`` and their ``y``, ``(rows, …)``.
        axis: steps along both directions, in filter norms, ``(points,)``; 0 is the trained model.
        seed: seed of the directions.
        device: where to compute.

    Returns:
        ``method``, ``a`` and ``b`` (the steps along both directions) and ``loss``, one line for each point.
    """
    x, y = (torch.from_numpy(rows[name]).to(device) for name in ("x", "y"))
    lines = []
    with Progress(transient=True) as progress, torch.inference_mode():
        bar = progress.add_task("loss landscape", total=len(models) * len(axis) ** 2)
        for method, trained in models.items():
            generator = torch.Generator().manual_seed(seed)
            model, training = network_of(trained).to(device), trained.run.training
            loss = build_loss(
                trained.run.task.loss, trained.run.task.output.kind, positive_weight=training.positive_weight
            )
            first, second = (filter_normalised_direction(model, generator) for _ in range(2))
            for a in axis:
                along = {name: model.get_parameter(name) + float(a) * step for name, step in first.items()}
                for b in axis:
                    weights = {name: weight + float(b) * second[name] for name, weight in along.items()}
                    value = mean_loss(_with(model, weights), loss, x, y, training.batch_size)
                    lines.append({"method": method, "a": a, "b": b, "loss": value})
                    progress.advance(bar)
    return pd.DataFrame(lines)


def _with(model: nn.Module, weights: dict[str, Tensor]) -> Callable[[Tensor], Tensor]:
    """The model's prediction with other weights; its own stay untouched."""
    return lambda x: functional_call(model, weights, (x,))
