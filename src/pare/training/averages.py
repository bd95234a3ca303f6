"""An average of the weights over the steps of a training, which is better than the last ones."""

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def weight_average(model: nn.Module, keep: float) -> AveragedModel:
    """An exponential moving average of a model's weights; `update_parameters` after each step of the optimiser.

    After n steps no more than (1 + n) / (10 + n) is kept, so that the first weights do not outlast a short training.
    Buffers, such as the statistics of batch norms, are those of the model.

    Args:
        model: whose weights are averaged.
        keep: what a step keeps of the average; the rest is the new weights.
    """

    def update(averages: list[Tensor], weights: list[Tensor], steps: Tensor | int) -> None:
        count = int(steps)
        get_ema_multi_avg_fn(min(keep, (1 + count) / (10 + count)))(averages, weights, steps)

    return AveragedModel(model, multi_avg_fn=update)  # type: ignore[arg-type]
