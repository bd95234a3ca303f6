"""Metrics by name, accumulated over the whole test set and never averaged over chunks.

The released code averages most metrics over chunks of about 1,000 samples, which changes every metric that is
not a mean over samples; here a metric sees every sample before it is computed. Paper, tables 1 to 3.

A metric may stay on the CPU while the model runs elsewhere: updates are moved to the metric's device.

Notation for shapes: ``classes`` is the number of classes, ``...`` the dimensions of one dense sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.utilities import dim_zero_cat

from pare.config.errors import PareError, unknown_name


class RelativeL2(Metric):
    """Mean over samples of ``||prediction - truth||_2 / ||truth||_2``.

    Each norm runs over all dimensions of the sample. Summed in float64, so that the order and the size of the
    updates do not show. Provenance: the Darcy metric of the Fourier neural operator, the paper's table 1.
    """

    higher_is_better = False
    is_differentiable = True
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            prediction: predicted fields in physical units, ``(batch, ...)``.
            target: true fields in the same units and shape.

        Raises:
            PareError: if a prediction is not finite, or a true field has no positive finite norm.
            ValueError: if the shapes differ.
        """
        if prediction.shape != target.shape:
            raise ValueError(
                f"prediction has shape {tuple(prediction.shape)}, target has {tuple(target.shape)}: both must match"
            )
        prediction, target = (t.to(self.device).double().flatten(1) for t in (prediction, target))
        _require_finite(prediction)
        norm = target.norm(dim=1)
        undefined = int((~(norm.isfinite() & (norm > 0))).sum())
        if undefined:
            raise PareError(
                f"relative L2 error needs finite true fields that are not zero everywhere, found {undefined} "
                f"of {len(norm)} samples in a batch that are not so; leave such samples out of the task"
            )
        self.total += ((prediction - target).norm(dim=1) / norm).sum()
        self.count += len(norm)

    def compute(self) -> Tensor:
        """The mean over all samples seen, a float64 scalar.

        Raises:
            PareError: if no sample was seen.
        """
        _require_samples(int(self.count))
        return self.total / self.count


class AurocOneVsOne(Metric):
    """Area under the ROC curve, one class against one, averaged over all pairs (Hand and Till, 2001).

    With two classes this is the ordinary AUROC of the second class. Keeps all predictions until scikit-learn
    computes it. Provenance: the OpenML tasks, the paper's table 14.

    Args:
        classes: number of classes.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    logits: list[Tensor]
    labels: list[Tensor]

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.add_state("logits", [], dist_reduce_fx="cat")
        self.add_state("labels", [], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            prediction: logits, ``(batch, classes)``.
            target: class numbers from 0, ``(batch,)``.

        Raises:
            PareError: if a prediction is not finite, or a label is no class of the task.
            ValueError: if the shapes do not fit.
        """
        prediction, target = _class_batch(prediction.to(self.device), target.to(self.device), self.classes)
        self.logits.append(prediction)
        self.labels.append(target)

    def compute(self) -> Tensor:
        """The area over all samples seen, a float64 scalar between 0 and 1.

        Raises:
            PareError: if no sample, or no sample of one of the classes, was seen.
        """
        _require_samples(len(self.labels))
        labels = dim_zero_cat(self.labels).cpu()
        missing = (torch.bincount(labels, minlength=self.classes) == 0).nonzero().flatten().tolist()
        if missing:
            raise PareError(
                f"AUROC needs samples of all {self.classes} classes, found none of class "
                f"{', '.join(map(str, missing))} among {len(labels)}; use a stratified or larger split, "
                f"or metric: error_rate"
            )
        # float64: scikit-learn refuses rows whose probabilities do not sum to one.
        probabilities = dim_zero_cat(self.logits).cpu().double().softmax(dim=1).numpy()
        scores = probabilities[:, 1] if self.classes == 2 else probabilities
        area = roc_auc_score(labels.numpy(), scores, multi_class="ovo", average="macro")
        return torch.tensor(area, dtype=torch.float64)


class ErrorRate(MulticlassAccuracy):
    """One minus the top-1 accuracy over all samples.

    Args:
        classes: number of classes.
    """

    higher_is_better = False

    def __init__(self, classes: int) -> None:
        super().__init__(num_classes=classes, average="micro", validate_args=False)
        self.classes = classes

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            prediction: logits, ``(batch, classes)``.
            target: class numbers from 0, ``(batch,)``.

        Raises:
            PareError: if a prediction is not finite, or a label is no class of the task.
            ValueError: if the shapes do not fit.
        """
        super().update(*_class_batch(prediction.to(self.device), target.to(self.device), self.classes))

    def compute(self) -> Tensor:
        """The share of wrong samples among all seen, a scalar between 0 and 1.

        Raises:
            PareError: if no sample was seen.
        """
        _require_samples(self.update_count)
        return 1 - super().compute()


@dataclass(frozen=True)
class MetricSpec:
    """What a metric is called, which way it improves and how it is made.

    Attributes:
        title: the name in figures and tables.
        unit: the unit of its value; empty for a plain ratio.
        direction: whether a ``lower`` or a ``higher`` value is better.
        dense: whether it compares fields (True) or class predictions (False).
        build: makes an empty metric from the number of classes, None for dense outputs.
    """

    title: str
    unit: str
    direction: Literal["lower", "higher"]
    dense: bool
    build: Callable[..., Metric]


METRICS: dict[str, MetricSpec] = {
    "relative_l2": MetricSpec("relative L2 error", "", "lower", True, lambda _: RelativeL2()),
    "auroc_ovo": MetricSpec("AUROC, one-vs-one", "", "higher", False, AurocOneVsOne),
    "error_rate": MetricSpec("error rate", "", "lower", False, ErrorRate),
}


def build_metric(name: str, classes: int | None = None) -> Metric:
    """Make an empty metric: ``update(prediction, target)`` takes raw model outputs, ``compute()`` answers.

    Args:
        name: a key of `METRICS`.
        classes: number of classes; None for dense outputs.

    Raises:
        PareError: if the name is unknown, or the metric does not suit the output.
    """
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS, "pare.evaluation.metrics.METRICS")
    spec = METRICS[name]
    if spec.dense != (classes is None):
        suited = ", ".join(other for other, s in METRICS.items() if s.dense == (classes is None))
        wanted, found = ("fields", "classes") if spec.dense else ("classes", "fields")
        raise PareError(f"metric {name!r} compares {wanted}, the task predicts {found}; use one of {suited}")
    if classes is not None and classes < 2:
        raise PareError(f"metric {name!r} needs at least 2 classes, found {classes}; correct the task's classes")
    return spec.build(classes)


def _class_batch(logits: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Check a batch of class predictions: logits ``(batch, classes)``, labels ``(batch,)``."""
    if logits.ndim != 2 or logits.shape[1] != classes or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)}, labels {tuple(labels.shape)}: "
            f"expected (batch, {classes}) and (batch,)"
        )
    _require_finite(logits)
    strange = labels[(labels < 0) | (labels >= classes)]
    if len(strange):
        raise PareError(f"labels must lie in 0..{classes - 1}, found {int(strange[0])}; correct the task's classes")
    return logits.detach(), labels.long()


def _require_finite(prediction: Tensor) -> None:
    bad = int((~prediction.isfinite()).sum())
    if bad:
        raise PareError(
            f"predictions must be finite, found {bad} NaN or infinite values among {prediction.numel()}: "
            f"the training diverged; lower the learning rate or clip the gradient"
        )


def _require_samples(count: int) -> None:
    if not count:
        raise PareError("a metric needs at least one sample, found none; enlarge the part it is computed on")
