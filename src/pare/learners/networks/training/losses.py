"""Losses of the target task by name.

NaN targets are masked, such as padding: they are excluded from the loss, and the prediction there gets no gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pare.config.errors import PareError, unknown_name
from pare.config.schema import OutputConfig, Task
from pare.evaluation.row_sums import target_blocks
from pare.learners.networks.models.predictors import PhysicalUnits
from pare.learners.networks.start.field_start import FAINT
from pare.storage.store import Rows

Loss = Callable[[Tensor, Tensor], Tensor]
FIRST_STEP = "epoch 1, step 1"
LARGEST = 1e19  # in size, of which single precision has a square
FLAT = 0.01  # size of the differences of a flat field, in the size of the field


def relative_l2(prediction: Tensor, target: Tensor, *, typical: float = 0.0) -> Tensor:
    """Mean over samples of ‖prediction − target‖₂ / ‖target‖₂, both ``(batch, …)``.

    A field that is faint next to the others is compared with their typical size, as in the solved start.

    NAS-Bench-360 sums over the batch instead; the mean makes the learning rate independent of its size. PDEBench's
    nRMSE, √mean((prediction − target)²) / √mean(target²), is the same number: the counts under the roots cancel.
    """
    prediction, target, valid = _valid(prediction, target)
    size = _norm(target)
    size = torch.where(size < FAINT * typical, typical, size).clamp_min(torch.finfo(torch.float32).tiny)
    return _mean_over_samples(_norm(prediction - target) / size, valid)


def rmse(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean over samples of √mean((prediction − target)²), both ``(batch, …)``: the RMSE of PDEBench."""
    prediction, target, valid = _valid(prediction, target)
    points = valid.flatten(1).sum(dim=1).clamp_min(1)
    return _mean_over_samples(_norm(prediction - target) / points.sqrt(), valid)


def mse(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean of (prediction − target)² over all valid numbers of the batch, both ``(batch, …)``."""
    prediction, target, valid = _valid(prediction, target)
    return (prediction - target).square().sum() / valid.sum().clamp_min(1)


def mae(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean of |prediction − target| over all valid numbers of the batch, both ``(batch, …)``."""
    prediction, target, valid = _valid(prediction, target)
    return (prediction - target).abs().sum() / valid.sum().clamp_min(1)


def with_differences(loss: Loss, weight: float, of_slopes: Loss | None = None) -> Loss:
    """A loss of values that also compares the differences between neighbouring points along each axis of a field.

    Args:
        loss: loss of predictions and targets, ``(batch, channels, *grid)``.
        weight: weight of the loss of differences along one axis.
        of_slopes: loss of these differences, ``(batch, numbers)``; None: the same.
    """
    of_slopes = of_slopes or loss
    if not weight:
        return loss

    def total(prediction: Tensor, target: Tensor) -> Tensor:
        value = loss(prediction, target)
        # One more number, the same in both: a loss relative to the size of differences is finite for a flat field too.
        floor = FLAT * _norm(target.nan_to_num(0.0)).unsqueeze(1)
        for axis in range(2, target.dim()):
            slopes = (torch.cat([field.float().diff(dim=axis).flatten(1), floor], 1) for field in (prediction, target))
            value = value + weight * of_slopes(*slopes)
        return value

    return total


@dataclass(frozen=True)
class LossSpec:
    """How a loss is made and which outputs it suits.

    Attributes:
        kinds: the kinds of output that it compares.
        build: makes it from the class weights, ``(classes,)`` or None, the positive weight, and the typical size of a
            field.
    """

    kinds: tuple[str, ...]
    build: Callable[[Tensor | None, float, float], Loss]


def _cross_entropy(class_weights: Tensor | None, *_: float) -> Loss:
    """Cross entropy of logits ``(batch, classes)`` and class numbers ``(batch,)``; weights make a weighted mean."""
    return lambda prediction, target: F.cross_entropy(prediction.float(), target, weight=class_weights)


def _binary_cross_entropy(_: Tensor | None, positive_weight: float, __: float) -> Loss:
    """Binary cross entropy of logits and labels 0 or 1, both ``(batch, …)``, mean over all valid labels."""

    def loss(prediction: Tensor, target: Tensor) -> Tensor:
        prediction, target, valid = _valid(prediction, target)
        weight = prediction.new_full((), positive_weight)
        terms = F.binary_cross_entropy_with_logits(prediction, target, pos_weight=weight, reduction="none")
        return torch.where(valid, terms, 0).sum() / valid.sum().clamp_min(1)

    return loss


def _relative_l2(_: Tensor | None, __: float, typical: float) -> Loss:
    return partial(relative_l2, typical=typical)


LOSSES = {
    "cross_entropy": LossSpec(("classification",), _cross_entropy),
    "binary_cross_entropy": LossSpec(("multilabel", "dense"), _binary_cross_entropy),
    "mse": LossSpec(("regression", "dense"), lambda *_: mse),
    "mae": LossSpec(("regression", "dense"), lambda *_: mae),
    "rmse": LossSpec(("dense",), lambda *_: rmse),
    "nrmse": LossSpec(("dense",), _relative_l2),
    "relative_l2": LossSpec(("dense",), _relative_l2),
}


def build_loss(
    name: str,
    kind: str,
    *,
    class_weights: Tensor | None = None,
    positive_weight: float = 1.0,
    units: nn.Module | None = None,
    typical: float = 0.0,
) -> Loss:
    """The loss of that name.

    Args:
        name: a key of `LOSSES`.
        kind: the task's kind of output: ``classification``, ``multilabel``, ``regression`` or ``dense``.
        class_weights: weight per class, ``(classes,)``; cross entropy only.
        positive_weight: weight of labels that are 1; binary cross entropy only.
        units: the model's units. The numbers of a regression are compared in their standard deviations, so that a
            training does not depend on units, and several numbers count alike.
        typical: typical size of a field, its norm, with which faint ones are compared; relative losses only.

    Raises:
        PareError: where the name is unknown, the loss does not suit the output, or it takes no such weights.
    """
    if name not in LOSSES:
        raise unknown_name("loss", name, LOSSES, "the task's YAML")
    spec = LOSSES[name]
    if kind not in spec.kinds:
        suited = ", ".join(other for other, s in LOSSES.items() if kind in s.kinds)
        raise PareError(f"loss {name!r} suits {' and '.join(spec.kinds)}, the task predicts {kind}; use {suited}")
    if class_weights is not None and name != "cross_entropy":
        raise PareError(f"class weights belong to loss cross_entropy, found {name!r}; set training.class_weights=false")
    if positive_weight != 1 and name != "binary_cross_entropy":
        raise PareError(
            f"a positive weight belongs to loss binary_cross_entropy, found {name!r}; set training.positive_weight=1"
        )
    loss = spec.build(class_weights, positive_weight, typical)
    return _in_units_of(loss, units) if kind == "regression" and isinstance(units, PhysicalUnits) else loss


def typical_size(task: Task, rows: Rows, chosen: np.ndarray) -> float:
    """Root mean square of the norms of fields; 0 where the loss is not relative.

    Args:
        task: the task.
        rows: rows of the training part.
        chosen: numbers of those that are used.
    """
    if not task.compares_shares:
        return 0.0
    squares = [np.nansum(y.reshape(len(y), -1).astype(np.float64) ** 2, axis=1) for y in target_blocks(rows)]
    return float(np.concatenate(squares)[chosen].mean() ** 0.5)


def weights_of_classes(labels: np.ndarray, output: OutputConfig) -> Tensor:
    """Weights, ``(classes,)``, with which each class counts alike: rows in all by rows of that class.

    Args:
        labels: class numbers of the training rows, ``(rows,)``.
        output: the task's output.

    Raises:
        PareError: where the task has no classes, or a class has no row.
    """
    if output.kind != "classification":
        found = f"the task predicts {output.kind}"
        raise PareError(f"class weights weigh classes, {found}; set training.class_weights=false")
    counts = np.bincount(labels, minlength=output.shape[0])
    if not counts.all():
        raise PareError(
            f"classes {np.flatnonzero(counts == 0).tolist()} have no training row; class_weights needs one each"
        )
    return torch.tensor(counts.sum() / counts, dtype=torch.float32)


def _in_units_of(loss: Loss, units: PhysicalUnits) -> Loss:
    """A loss of numbers, ``(batch, numbers)``, each in its own standard deviation."""
    return lambda prediction, target: loss(prediction / units.scale, target / units.scale)


def _valid(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Both with 0 where the target is NaN, in at least single precision; and where it is valid (not NaN).

    The zeros are put in before any arithmetic: NaN times a zero gradient would still be NaN.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must have one shape")
    valid = ~target.isnan()
    return torch.where(valid, prediction.float(), 0), torch.where(valid, target, 0), valid


def _norm(values: Tensor) -> Tensor:
    """‖values‖₂ of each sample, ``(batch, …)`` to ``(batch,)``; single precision has no squares of 1e-23 or 1e25."""
    values = values.flatten(1)
    largest = values.detach().abs().amax(dim=1, keepdim=True)
    unit = torch.where(largest > 0, largest, 1)
    return unit.squeeze(1) * (values / unit).norm(dim=1)


def _mean_over_samples(values: Tensor, valid: Tensor) -> Tensor:
    """Mean of ``values``, ``(batch,)``, over the samples that have a valid point; the others are 0."""
    return values.sum() / valid.flatten(1).any(dim=1).sum().clamp_min(1)


def not_finite(loss: float, place: str, learning_rate: float, x: Tensor, y: Tensor) -> PareError:
    """What to do about a loss that is not finite: at the first step the learning rate has had no effect yet."""
    ranges = [values.nan_to_num(0.0, torch.inf, -torch.inf).aminmax() for values in (x, y)]  # NaN is a missing value
    (low, high), (least, most) = ranges
    advice = "lower training.learning_rate"
    if max(abs(least), abs(most)) > LARGEST:
        advice = f"save them in other units: single precision has no squares of more than {LARGEST:g}"
    elif place == FIRST_STEP:
        advice = "scale inputs that are far from 1, by normalisation.inputs of the task"
    return PareError(
        f"the loss is {loss} at {place}, learning rate {learning_rate:.2e}, inputs from {low:.3g} to "
        f"{high:.3g}, answers from {least:.3g} to {most:.3g}; {advice}, or set training.precision=no"
    )
