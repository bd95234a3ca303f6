"""What every metric asks of the batches that it is given, and how some hold them all."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from pare.config.errors import PareError


class UndefinedMetric(PareError):
    """A metric that has no value for these rows, such as AUROC of one class; others of the task may have one."""


def check_classes(logits: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Check a batch of class predictions.

    Args:
        logits: ``(batch, classes)``.
        labels: class numbers from 0, ``(batch,)``.
        classes: number of classes.

    Returns:
        Both, without gradient, the labels as integers.

    Raises:
        PareError: if a prediction is not finite, or a label is no class of the task.
        ValueError: if the shapes do not fit.
    """
    if logits.ndim != 2 or logits.shape[1] != classes or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)}, labels {tuple(labels.shape)}: "
            f"expected (batch, {classes}) and (batch,)"
        )
    require_finite(logits)
    strange = labels[(labels < 0) | (labels >= classes)]
    if len(strange):
        raise PareError(f"labels must lie in 0..{classes - 1}, found {int(strange[0])}; correct the task's classes")
    return logits.detach(), labels.long()


def check_numbers(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Check a batch of numbers or fields.

    Args:
        prediction: ``(batch, …)``.
        target: the same shape; NaN where it is masked.

    Returns:
        Both in float64 without gradient, with 0 where the target is masked, and where it is valid (not masked).

    Raises:
        PareError: if a prediction is not finite, or the target is infinite.
        ValueError: if the shapes differ.
    """
    if prediction.shape != target.shape:
        raise ValueError(
            f"prediction has shape {tuple(prediction.shape)}, target has {tuple(target.shape)}: both must match"
        )
    require_finite(prediction)
    infinite = int(target.isinf().sum())
    if infinite:
        raise PareError(f"the truth must be finite, or NaN where it is masked; found {infinite} infinite values")
    valid = ~target.isnan()
    return prediction.detach().double().where(valid, 0), target.double().where(valid, 0), valid


def check_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """Check a batch of predictions of labels that are 0 or 1.

    Args:
        logits: ``(batch, …)``.
        labels: 0 or 1, or NaN where they are masked, the same shape.

    Returns:
        Where the labels are valid, ``(batch, …)``.

    Raises:
        PareError: if a prediction is not finite, or a label is neither 0 nor 1.
        ValueError: if the shapes differ.
    """
    if logits.shape != labels.shape:
        raise ValueError(f"logits have shape {tuple(logits.shape)}, labels {tuple(labels.shape)}: both must match")
    require_finite(logits)
    valid = ~labels.isnan()
    strange = labels[valid & (labels != 0) & (labels != 1)]
    if len(strange):
        raise PareError(
            f"labels must be 0 or 1, found {strange[0].item():.4g}; correct the reader, or choose another metric"
        )
    return valid


def require_finite(prediction: Tensor) -> None:
    """Refuse predictions that are NaN or infinite."""
    bad = int((~prediction.isfinite()).sum())
    if bad:
        raise PareError(
            f"predictions must be finite, found {bad} NaN or infinite values among {prediction.numel()}: "
            f"the training diverged; lower the learning rate or clip the gradient"
        )


def require_samples(count: int | Tensor) -> None:
    """Refuse to compute a metric of nothing."""
    if not int(torch.as_tensor(count)):
        raise UndefinedMetric(
            "a metric needs at least one valid sample, found none; enlarge the part it is computed on"
        )


class AllTogether(Metric):
    """Base of metrics that are no mean over samples: it holds all predictions and truths until it is computed."""

    is_differentiable = False
    full_state_update = False
    predictions: list[Tensor]
    truths: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("predictions", [], dist_reduce_fx="cat")
        self.add_state("truths", [], dist_reduce_fx="cat")

    def hold(self, prediction: Tensor, target: Tensor) -> None:
        """Keep a batch, ``(batch, …)`` each."""
        self.predictions.append(prediction)
        self.truths.append(target)

    def held(self) -> tuple[Tensor, Tensor]:
        """All predictions and truths on the CPU; PareError where there is none."""
        require_samples(len(self.truths))  # batches; of several processes torchmetrics makes one tensor
        return dim_zero_cat(self.predictions).cpu(), dim_zero_cat(self.truths).cpu()
