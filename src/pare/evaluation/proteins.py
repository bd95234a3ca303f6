"""The metric of PSICOV: error of the predicted distance where two residues touch (NAS-Bench-360; Adhikari 2020).

Notation for shapes: C edge of the canvas that a protein is placed on; cells outside the protein are NaN in the truth.
"""

import torch
from torch import Tensor
from torchmetrics import Metric

from pare.evaluation.checks import UndefinedMetric, require_finite

SEPARATION = 24  # residues apart in the sequence: contacts of nearer residues are easy to guess
CONTACT = 8.0  # Å
FLOOR = 0.01  # Å: no predicted distance is smaller


class MaeContacts(Metric):
    """MAE₈ of long-range contacts: mean over proteins of the mean absolute error in Å.

    Over pairs of residues i < j with ``j - i >= 24`` whose true distance is at most 8 Å, with the mean of the
    predictions for (i, j) and (j, i). A protein without such a pair is left out of the mean; the released code fails
    on it.

    The released code scores one protein at a time and assumes that each is as long as the first of the list, so it
    scores only a corner of longer ones; here the whole protein is scored. Provenance: the paper's table 1.
    """

    higher_is_better = False
    is_differentiable = False
    full_state_update = False
    total: Tensor
    proteins: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("proteins", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

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
        self.proteins += (pairs > 0).sum()

    def compute(self) -> Tensor:
        """The mean over all proteins seen, a float64 scalar in Å.

        Raises:
            PareError: if no protein with a long-range contact was seen.
        """
        if not self.proteins:
            raise UndefinedMetric(
                f"MAE of contacts needs a protein with two residues at least {SEPARATION} apart and at most "
                f"{CONTACT:g} Å away, found none; enlarge the part it is computed on, or the canvas"
            )
        return self.total / self.proteins

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
