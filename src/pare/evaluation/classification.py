"""Metrics of class predictions: logits ``(batch, classes)`` against class numbers ``(batch,)``."""

from itertools import combinations
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassStatScores

from pare.evaluation.batch_checks import AllTogether, UndefinedMetric, check_classes, require_samples
from pare.evaluation.binary import auroc


class AurocOneVsOne(AllTogether):
    """Area under the ROC curve, one class against one, averaged over all pairs (Hand and Till, 2001).

    With two classes this is the ordinary AUROC of the second class. It holds all predictions until it is computed.
    Provenance: the OpenML tasks, the paper's table 14.

    Args:
        classes: number of classes.
    """

    higher_is_better = True

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch, checked by `check_classes`."""
        self.hold(*check_classes(prediction.to(self.device), target.to(self.device), self.classes))

    def compute(self) -> Tensor:
        """The area over all samples seen, a float64 scalar between 0 and 1.

        Raises:
            PareError: if no sample, or no sample of one of the classes, was seen.
        """
        logits, labels = self.held()
        missing = (torch.bincount(labels, minlength=self.classes) == 0).nonzero().flatten().tolist()
        if missing:
            raise UndefinedMetric(
                f"AUROC needs samples of all {self.classes} classes, found none of class "
                f"{', '.join(map(str, missing))} among {len(labels)}; use a stratified or larger split, "
                f"or metric: error_percent"
            )
        logits = logits.double()
        if self.classes == 2:  # the logits themselves: probabilities close to 1 would tie
            area = auroc(labels.numpy() == 1, (logits[:, 1] - logits[:, 0]).numpy())
        else:
            area = _mean_over_pairs(logits.softmax(dim=1).numpy(), labels.numpy(), self.classes)
        return torch.tensor(area, dtype=torch.float64)


def _mean_over_pairs(probabilities: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Mean over pairs of classes of both areas, each class by its own probability, ``(rows, classes)``."""
    areas = []
    for one, other in combinations(range(classes), 2):
        rows = (labels == one) | (labels == other)
        of_one = labels[rows] == one
        for number, own in ((one, of_one), (other, ~of_one)):
            areas.append(auroc(own, probabilities[rows, number]))
    return float(np.mean(areas))


class _CheckedClasses(MulticlassStatScores):
    """Mixin for torchmetrics' metrics of right and wrong classes: it checks every batch.

    Args:
        classes: number of classes.

    Attributes:
        counted: ``micro`` counts the samples of all classes together, ``none`` those of each class.
    """

    counted: Literal["micro", "none"] = "none"
    tp: Tensor
    fn: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__(num_classes=classes, average=self.counted, validate_args=False)
        self.classes = classes

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch, checked by `check_classes`."""
        super().update(*check_classes(prediction.to(self.device), target.to(self.device), self.classes))

    def _one_minus_mean(self, of_each: Tensor) -> Tensor:
        """One minus the mean over the classes that have samples, of a number of each, ``(classes,)``."""
        present = self.tp + self.fn > 0
        require_samples(present.sum())
        return 1 - of_each[present].double().mean()


class ErrorPercent(_CheckedClasses, MulticlassAccuracy):
    """100 · (1 − top-1 accuracy) over all samples.

    Args:
        classes: number of classes.
    """

    higher_is_better = False
    counted = "micro"

    def compute(self) -> Tensor:
        """The percentage of wrong samples among all seen, a float64 scalar between 0 and 100.

        Raises:
            PareError: if no sample was seen.
        """
        require_samples(self.tp + self.fn)
        return 100 * self.fn.double() / (self.tp + self.fn)


class OneMinusBalancedAccuracyOfClasses(_CheckedClasses, MulticlassAccuracy):
    """One minus the balanced accuracy, the mean over the classes that have samples of the fraction found.

    Args:
        classes: number of classes.
    """

    higher_is_better = False

    def compute(self) -> Tensor:
        """One minus the mean fraction, a float64 scalar between 0 and 1.

        Raises:
            PareError: if no sample was seen.
        """
        return self._one_minus_mean(self.tp.double() / (self.tp + self.fn))


class OneMinusF1(_CheckedClasses, MulticlassF1Score):
    """One minus the macro F1 score, the mean over the classes that have samples.

    A class without samples has no recall; that it was predicted by mistake shows in the precision of the others.
    Provenance: the ECG metric of NAS-Bench-360, the paper's table 1.

    Args:
        classes: number of classes.
    """

    higher_is_better = False

    def compute(self) -> Tensor:
        """One minus the mean F1, a scalar between 0 and 1.

        Raises:
            PareError: if no sample was seen.
        """
        return self._one_minus_mean(super().compute())
