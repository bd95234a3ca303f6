"""The validation of an epoch, and whether it is the best so far."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pare.evaluation.metrics import METRICS
from pare.learners.networks.models.threads import fastest_threads
from pare.learners.networks.start.cross_validation import clearly_smaller
from pare.learners.networks.training.checkpoint import Progress
from pare.learners.networks.training.setup import Setup


class Validation:
    """The validation rows of a training; see `Setup`."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.sign = 1 if METRICS[setup.run.metric].direction == "higher" else -1

    @torch.no_grad()
    def measure(self, between: Callable[[], object] = lambda: None) -> tuple[float | None, list[float]]:
        """The metric of the network as it is, and after a solved start the loss of each row; without rows neither.

        Args:
            between: called after each batch.
        """
        setup = self.setup
        if not len(setup.rows["validation"]):
            return None, []
        setup.objective.eval()
        losses, seen = list[Tensor](), list[tuple[np.ndarray, np.ndarray]]()
        with setup.accelerator.autocast():
            for batch in setup.validation:
                with fastest_threads(setup.network, "validation"):
                    predicted = setup.network.predict(batch["x"])
                prediction, y = setup.accelerator.gather_for_metrics((predicted, batch["y"]))
                seen.append((prediction.float().cpu().numpy(), y.cpu().numpy()))
                if setup.parts.start:
                    rows = zip(prediction.split(1), y.split(1), strict=True)
                    losses += [setup.loss(*row) for row in rows]
                between()
        value = setup.metric(*map(np.concatenate, zip(*seen, strict=True)))
        return value, torch.stack(losses).tolist() if losses else []

    def is_perfect(self, value: float | None) -> bool:
        """Whether no metric could be better."""
        return value == (1.0 if self.sign > 0 else 0.0)

    def is_best(self, progress: Progress, value: float | None, losses: list[float]) -> bool:
        """Whether an epoch is the best so far, by its validation metric and the loss of each validation row.

        Ties prefer the later epoch. Warm-up epochs never beat a later one: few validation rows can rank them first by
        chance. For the same reason a solved start is left only for an epoch that is clearly better.
        """
        if value is None or progress.best_epoch is None or progress.best_value is None:
            return True
        if start := progress.start:
            groups = self.setup.rows["validation"].groups
            worse = self.sign * value <= self.sign * start["validation"]
            if worse or not clearly_smaller(losses, start["losses"], groups):
                return False
        warming = progress.best_epoch < self.setup.training.warming
        return warming or self.sign * value >= self.sign * progress.best_value
