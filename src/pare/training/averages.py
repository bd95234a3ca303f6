"""An average of the weights over the steps of a training, which is better than the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class WeightAverage:
    """An exponential moving average of a model's trainable weights.

    After n steps no more than (1 + n) / (10 + n) is kept, so that the first weights do not outlast a short training.
    Buffers, such as the statistics of batch norms, are those of the model.

    Args:
        model: whose weights are averaged.
        keep: what a step keeps of the average; the rest is the new weights.
    """

    def __init__(self, model: nn.Module, keep: float) -> None:
        self.weights = nn.ParameterList(parameter for parameter in model.parameters() if parameter.requires_grad)

        def update(averages: list[Tensor], weights: list[Tensor], steps: Tensor | int) -> None:
            count = int(steps)
            get_ema_multi_avg_fn(min(keep, (1 + count) / (10 + count)))(averages, weights, steps)

        self.averaged = AveragedModel(self.weights, multi_avg_fn=update)  # type: ignore[arg-type]

    def update(self) -> None:
        """Take in the weights as they are; after each step of the optimiser."""
        self.averaged.update_parameters(self.weights)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model has the average of its weights, where there is one; the weights themselves come back behind it."""
        if not self.averaged.n_averaged:
            yield
            return
        with torch.no_grad():
            own = [weight.clone() for weight in self.weights]
            for weight, average in zip(self.weights, self.averaged.module.parameters(), strict=True):
                weight.copy_(average)
            try:
                yield
            finally:
                for weight, before in zip(self.weights, own, strict=True):
                    weight.copy_(before)

    def state_dict(self) -> dict[str, Any]:
        """The averages and the number of steps, for a checkpoint."""
        return self.averaged.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self.averaged.load_state_dict(state)
