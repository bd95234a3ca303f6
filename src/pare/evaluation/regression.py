"""Metrics of numbers ``(batch, numbers)`` and fields ``(batch, channels, *grid)``; NaN in the truth is masked.

All sums are in float64, so that order and size of the updates do not matter. The metric of PSICOV is the error of the
predicted distance where two residues touch (NAS-Bench-360; Adhikari 2020).
"""

import torch
import torchmetrics
from sklearn.metrics import r2_score
from torch import Tensor
from torchmetrics import Metric

from pare.config.errors import PareError
from pare.evaluation.batch_checks import AllTogether, UndefinedMetric, check_numbers, require_finite, require_samples

SEPARATION = 24  # residues apart in the sequence: contacts of nearer residues are easy to guess
CONTACT = 8.0  # Å
FLOOR = 0.01  # Å: no predicted distance is smaller


class _MeanOfTerms(Metric):
    """Base of means over samples or proteins: the sum of their terms, and how many there are."""

    higher_is_better = False
    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("total", "count"):
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")


class RelativeL2(_MeanOfTerms):
    """Mean over samples of ``||prediction - truth||_2 / ||truth||_2``.

    Each norm is over the valid points of the sample; a sample without any is left out of the mean. PDEBench's
    nRMSE over all channels and positions of a sample, √mean((prediction − truth)²) / √mean(truth²), is the same
    number, as the counts under the roots cancel. Provenance: the Darcy metric of the Fourier neural operator, the
    paper's tables 1 and 2.
    """

    is_differentiable = True

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch, checked by `check_numbers`.

        Raises:
            PareError: if a true field is zero at all valid points.
        """
        prediction, target, valid = check_numbers(prediction.to(self.device), target.to(self.device))
        seen = valid.flatten(1).any(dim=1)
        error, norm = ((t.flatten(1).norm(dim=1)[seen]) for t in (prediction - target, target))
        undefined = int((norm == 0).sum())
        if undefined:
            raise PareError(
                f"relative L2 error needs true fields that are not zero everywhere, found {undefined} "
                f"of {len(target)} samples in a batch that are; leave such samples out of the task"
            )
        self.total += (error / norm).sum()
        self.count += len(norm)

    def compute(self) -> Tensor:
        """The mean over all samples seen, a float64 scalar.

        Raises:
            PareError: if no sample was seen.
        """
        require_samples(self.count)
        return self.total / self.count


class _ValidNumbers(Metric):
    """Mixin for torchmetrics' errors of numbers: in float64, and only over the valid ones."""

    total: Tensor

    def __init__(self, **options: bool) -> None:
        super().__init__(**options)
        self.set_dtype(torch.float64)

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch, checked by `check_numbers`."""
        prediction, target, valid = check_numbers(prediction.to(self.device), target.to(self.device))
        super().update(prediction[valid], target[valid])  # type: ignore[safe-super]  # the other base's is not abstract

    def compute(self) -> Tensor:
        """The error in units of the target, a float64 scalar.

        Raises:
            PareError: if nothing valid was seen.
        """
        require_samples(self.total)
        return super().compute()  # type: ignore[safe-super]


class RootMeanSquaredError(_ValidNumbers, torchmetrics.MeanSquaredError):
    """Root of the mean squared error over all valid numbers of all samples."""

    def __init__(self) -> None:
        super().__init__(squared=False)


class MeanAbsoluteError(_ValidNumbers, torchmetrics.MeanAbsoluteError):
    """Mean absolute error over all valid numbers of all samples."""


class CoefficientOfDetermination(AllTogether):
    """R² over all samples, averaged over the predicted numbers; 0 for the mean of the truth as constant prediction.

    It holds all predictions until scikit-learn computes it: sums of squares would cancel where the mean is large.
    """

    higher_is_better = True

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch of numbers ``(batch, numbers)``, checked by `check_numbers`."""
        prediction, target, valid = check_numbers(prediction.to(self.device), target.to(self.device))
        if not valid.all():
            raise PareError("R² needs a true number everywhere, found NaN; leave such samples out of the task")
        self.hold(prediction, target)

    def compute(self) -> Tensor:
        """The coefficient, a float64 scalar of at most 1.

        Raises:
            PareError: if no sample was seen, or the truth is the same number in all of them.
        """
        prediction, truth = self.held()
        if (truth == truth[0]).all(dim=0).any():
            raise UndefinedMetric(
                f"R² needs true numbers that differ, found the same in all {len(truth)} samples; "
                f"enlarge the part it is computed on, or use metric: rmse"
            )
        return torch.tensor(r2_score(truth.numpy(), prediction.numpy()), dtype=torch.float64)


class MaeContacts(_MeanOfTerms):
    """MAE₈ of long-range contacts: mean over proteins of the mean absolute error in Å.

    Over pairs of residues i < j with ``j - i >= 24`` whose true distance is at most 8 Å, with the mean of the
    predictions for (i, j) and (j, i). A protein without such a pair is left out of the mean; the released code fails
    on it.

    The released code scores one protein at a time and assumes that each is as long as the first of the list, so it
    scores only a corner of longer ones; here the whole protein is scored. Provenance: the paper's table 1.
    """

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch.

        Args:
            prediction: predicted distances in Å, ``(batch, 1, C, C)``.
            target: true distances, the same shape; NaN where it is masked.

        Raises:
            PareError: if a prediction is not finite.
            ValueError: if the shapes do not fit.
        """
        if prediction.shape != target.shape or target.ndim != 4 or target.shape[1:] != (1, *[target.shape[-1]] * 2):
            raise ValueError(
                f"prediction has shape {tuple(prediction.shape)}, target has {tuple(target.shape)}: "
                "both must be (batch, 1, C, C)"
            )
        prediction, target = (t.detach().to(self.device).double().squeeze(1) for t in (prediction, target))
        require_finite(prediction)
        contacts = (target <= CONTACT).triu(SEPARATION)  # NaN is no contact
        errors = torch.where(contacts, (self._distance(prediction) - target).abs(), 0).sum((1, 2))
        pairs = contacts.sum((1, 2))
        self.total += (errors / pairs)[pairs > 0].sum()
        self.count += (pairs > 0).sum()

    def compute(self) -> Tensor:
        """The mean over all proteins seen, a float64 scalar in Å.

        Raises:
            PareError: if no protein with a long-range contact was seen.
        """
        if not self.count:
            raise UndefinedMetric(
                f"MAE of contacts needs a protein with two residues at least {SEPARATION} apart and at most "
                f"{CONTACT:g} Å away, found none; enlarge the part it is computed on, or the canvas"
            )
        return self.total / self.count

    def _distance(self, prediction: Tensor) -> Tensor:
        """One distance per pair of residues from predictions ``(batch, C, C)``; read where i < j."""
        return ((prediction + prediction.mT) / 2).clamp_min(FLOOR)


class MaeContactsPublished(MaeContacts):
    """`MaeContacts` with the weights of the released code.

    It averages the triangles twice, the second time the mean with one of its parts. The result is 0.75 of the
    prediction for (j, i) and 0.25 of that for (i, j), i < j, apart from floors.
    """

    def _distance(self, prediction: Tensor) -> Tensor:
        return (super()._distance(prediction) + prediction.mT.clamp_min(FLOOR)) / 2
