"""Metrics of masks: logits against 0 and 1, NaN where a point is masked, both ``(batch, …)``."""

from torch import Tensor
from torchmetrics.classification import BinaryStatScores

from pare.evaluation.checks import UndefinedMetric, check_labels, require_samples


class OneMinusBalancedAccuracy(BinaryStatScores):
    """One minus the balanced accuracy of all points at logit 0: half the sum of both error rates.

    The published "1 − AUROC" of the Cosmic task, whose code takes the area of the thresholded mask and multiplies
    prediction and truth by 0 where a point is ignored. Ignored points are true negatives here too, as published;
    ``one_minus_auroc`` leaves them out.
    """

    higher_is_better = False
    tp: Tensor
    fp: Tensor
    tn: Tensor
    fn: Tensor

    def __init__(self) -> None:
        super().__init__(validate_args=False)

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            prediction: logits, ``(batch, …)``.
            target: 0 or 1, NaN where the point is ignored, the same shape.

        Raises:
            PareError: if a prediction is not finite, or a label neither 0 nor 1.
            ValueError: if the shapes differ.
        """
        prediction, target = prediction.to(self.device), target.to(self.device)
        valid = check_labels(prediction, target)
        super().update(((prediction > 0) & valid).long(), (target == 1).long())

    def compute(self) -> Tensor:
        """(false positive rate + false negative rate) / 2 over all points seen, a float64 scalar.

        Raises:
            PareError: if no point was seen, or the truth had no positive or no negative one.
        """
        positives, negatives = self.tp + self.fn, self.tn + self.fp
        require_samples(positives + negatives)
        if not positives or not negatives:
            raise UndefinedMetric(
                f"balanced accuracy needs points of both kinds, found {int(positives)} positive and "
                f"{int(negatives)} negative ones; enlarge the part it is computed on"
            )
        return (self.fp.double() / negatives + self.fn.double() / positives) / 2
