"""Metrics as the authors' released code computes them: chunk by chunk."""

from torch import Tensor, stack
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from pare.evaluation.checks import require_samples

CHUNK = 1000  # samples; `eval_batch_size` of nearly all released configurations


class ChunkMean(Metric):
    """Mean of a metric over chunks of 1,000 samples in their order, the last short chunk with equal weight.

    Not a good metric: a score that is no mean over samples, such as F1 or AUROC, depends on the chunks. It is here
    because it is in the paper's tables.

    Args:
        metric: the metric of one chunk, an error.
    """

    higher_is_better = False
    is_differentiable = False
    full_state_update = False
    predictions: list[Tensor]
    truths: list[Tensor]

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self.metric = metric
        self.add_state("predictions", [], dist_reduce_fx="cat")
        self.add_state("truths", [], dist_reduce_fx="cat")

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch, ``(batch, …)`` each."""
        self.predictions.append(prediction.to(self.device))
        self.truths.append(target.to(self.device))

    def compute(self) -> Tensor:
        """The mean over chunks, a scalar.

        Raises:
            PareError: if no sample was seen, or the metric is undefined for a chunk.
        """
        require_samples(len(self.truths))
        values = []
        chunks = (dim_zero_cat(part).split(CHUNK) for part in (self.predictions, self.truths))
        for prediction, truth in zip(*chunks, strict=True):
            self.metric.reset()
            self.metric.update(prediction, truth)
            values.append(self.metric.compute())
        return stack(values).double().mean()
