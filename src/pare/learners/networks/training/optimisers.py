"""How weights change: optimisers by name, Muon for kernels of convolutions, averaged weights, fixed batch norms."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import AdamW, Optimizer

from pare.config.errors import PareError
from pare.config.hyperparameters import MixingConfig, TrainingConfig

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WIDEST = 128  # rows or columns, the fewer, of a kernel as a matrix: the time of Muon grows as their cube
MOMENTUM = 0.95
ITERATIONS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)  # coefficients of Jordan et al., which bring all singular values close to 1
STEP = 0.2  # root mean square of a step of AdamW, and of kernels


def build_optimiser(model: nn.Module, groups: Iterable[Mapping[str, Any]], training: TrainingConfig) -> Optimizer:
    """The optimiser that a training asks for.

    Args:
        model: whose weights learn.
        groups: groups of its parameters, as torch's optimisers take them; one without a rate has the training's.
        training: the optimiser's name and settings.
    """
    if training.optimiser == "Muon":
        return muon(model, groups, training.learning_rate, training.weight_decay, training.betas)
    build = getattr(torch.optim, training.optimiser)
    # Torch's fused SGD fails where a weight, such as a gate's, has its first gradient after the others.
    known = training.optimiser != "SGD"
    parts = _apart(groups, lambda weight: {"fused": (known and _may_fuse(weight)) or None})
    optimiser: Optimizer = build(parts, lr=training.learning_rate, **training.optimiser_options)
    return optimiser


def muon(
    model: nn.Module,
    groups: Iterable[Mapping[str, Any]],
    learning_rate: float,
    weight_decay: float,
    betas: tuple[float, float],
) -> "Muon":
    """Muon for the kernels of a model's convolutions, and AdamW for all its other weights.

    Args:
        model: whose convolutions have kernels.
        groups: groups of parameters, as for `build_optimiser`.
        learning_rate: rate of groups that have none of their own.
        weight_decay: weight decay of all groups.
        betas: AdamW's betas.
    """
    kernels = _kernels(model)
    parts = _apart(groups, lambda weight: {"kernels": id(weight) in kernels, "fused": _may_fuse(weight) or None})
    return Muon(parts, learning_rate, weight_decay, betas)


def _apart(groups: Iterable[Mapping[str, Any]], kind: Callable[[Tensor], dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups of parameters with those of each kind in a group of their own."""
    parts = []
    for group in groups:
        by_kind = defaultdict(list)
        for weight in group["params"]:
            by_kind[tuple(kind(weight).items())].append(weight)
        parts += [{**group, **dict(found), "params": by_kind[found]} for found in sorted(by_kind, key=str)]
    return parts


def _may_fuse(weight: Tensor) -> bool:
    """Whether torch has a step in one kernel for a weight: it has none for a complex one."""
    return not weight.is_complex()


class Muon(Optimizer):
    """Orthogonal steps for kernels (Jordan et al., 2024), AdamW's steps for other weights.

    A kernel is a matrix with a row for each of its first channels. Its step is the orthogonal matrix nearest to the
    mean gradient: it changes all directions alike, where Adam's step follows the few that are large. The root mean
    square of a step is that of AdamW with the same rate (Liu et al., 2025, arXiv 2502.16982). In place of
    `torch.optim.Muon`, which takes matrices only, one after another and in bfloat16: kernels of one shape are computed
    together, in their own precision.

    Args:
        groups: groups of parameters; ``kernels`` of each names its kind of step, ``fused`` says that AdamW makes it at
            once; None: torch chooses how, on a GPU for many weights together.
        learning_rate: rate of groups that have none of their own.
        weight_decay: decoupled weight decay of all groups.
        betas: AdamW's betas.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        learning_rate: float,
        weight_decay: float,
        betas: tuple[float, float],
    ) -> None:
        self.adamw = AdamW(groups, learning_rate, betas, weight_decay=weight_decay)
        super().__init__(self.adamw.param_groups, self.adamw.defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change all weights that have a gradient; the value of the closure, if there is one."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            if group["kernels"]:
                self._step_kernels({w: w.grad for w in group["params"] if w.grad is not None}, group)
        # A state that was loaded made both anew.
        self.adamw.param_groups = [group for group in self.param_groups if not group["kernels"]]
        self.adamw.state = self.state
        self.adamw.step()
        return loss

    def _step_kernels(self, gradients: Mapping[Tensor, Tensor], group: Mapping[str, Any]) -> None:
        by_shape = defaultdict(list)
        for kernel in gradients:
            by_shape[len(kernel), kernel[0].numel()].append(kernel)
        for shape, kernels in by_shape.items():
            means = [self._mean_gradient(kernel, gradients[kernel]).reshape(shape) for kernel in kernels]
            for kernel, step in zip(kernels, orthogonal(torch.stack(means)), strict=True):
                kernel.mul_(1 - group["lr"] * group["weight_decay"])
                kernel.add_(step.view_as(kernel), alpha=-group["lr"] * STEP * sqrt(max(shape)))

    def _mean_gradient(self, kernel: Tensor, gradient: Tensor) -> Tensor:
        """The mean of the gradients so far, and a step ahead of it (Nesterov)."""
        state = self.state[kernel]
        if not state:
            state["mean"] = torch.zeros_like(kernel)
        state["mean"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state["mean"], MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """The matrices with singular values close to 1, by a Newton-Schulz iteration.

    The iteration is of the products of the rows, which are fewer than the columns and few here: the same values as
    one of the matrices themselves, in half of the time.

    Args:
        matrices: ``(matrices, rows, columns)``.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonal(matrices.mT).mT
    matrices = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    products = matrices @ matrices.mT
    identity = torch.eye(len(products[0]), dtype=products.dtype, device=products.device)
    linear, cubic, quintic = QUINTIC
    factor = identity
    for _ in range(ITERATIONS):
        polynomial = linear * identity + cubic * products + quintic * products @ products
        factor = polynomial @ factor
        products = polynomial @ products @ polynomial
    return factor @ matrices


def _kernels(model: nn.Module) -> set[int]:
    """The identity of each kernel that Muon learns."""
    weights: Sequence[Tensor] = [m.weight for m in model.modules() if isinstance(m, CONVOLUTIONS)]
    return {id(weight) for weight in weights if min(len(weight), weight[0].numel()) <= WIDEST}


class WeightAverage:
    """An exponential moving average of a model's trainable weights.

    After n steps at most (1 + n) / (10 + n) of the average remains: the first weights do not outlast a short training.
    Buffers, such as the statistics of batch norms, are not averaged.

    Args:
        model: whose weights are averaged.
        keep: weight of the old average in a step; the rest is the new weights'.
    """

    def __init__(self, model: nn.Module, keep: float) -> None:
        self.weights: list[Tensor] = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.averages = [weight.detach().clone() for weight in self.weights]
        self.keep, self.steps = keep, 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are; after each step of the optimiser.

        Torch's `AveragedModel` reads its number of steps from the device, and so waits for it.
        """
        keep = min(self.keep, (1 + self.steps) / (10 + self.steps)) if self.steps else 0.0
        torch._foreach_lerp_(self.averages, self.weights, 1 - keep)
        self.steps += 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model has the average of its weights, if there is one; its own weights come back afterwards."""
        if not self.steps:
            yield
            return
        with torch.no_grad():
            own = [weight.clone() for weight in self.weights]
            for weight, average in zip(self.weights, self.averages, strict=True):
                weight.copy_(average)
            try:
                yield
            finally:
                for weight, before in zip(self.weights, own, strict=True):
                    weight.copy_(before)

    def state_dict(self) -> dict[str, Any]:
        """The averages and the number of steps, for a checkpoint."""
        return {"averages": self.averages, "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where a state was taken."""
        self.steps = state_dict["steps"]
        for average, saved in zip(self.averages, state_dict["averages"], strict=True):
            average.copy_(saved)


def fix_batch_norms(model: nn.Module) -> None:
    """Let all batch norms use the statistics that they have gathered, until the model is set to training again.

    Their scales and offsets are still learnt. The statistics of small batches are noisy.
    """
    for norm in _batch_norms(model):
        norm.eval()


@contextmanager
def unnoticed_by_batch_norms(model: nn.Module) -> Iterator[None]:
    """Batch norms gather no statistics meanwhile.

    Batches are normalised as in training: by their own statistics, or by fixed ones.
    """
    following = [norm for norm in _batch_norms(model) if norm.training and norm.track_running_stats]
    try:
        for norm in following:
            norm.track_running_stats = False
        yield
    finally:
        for norm in following:
            norm.track_running_stats = True


def require_plain_steps(model: nn.Module, mixing: MixingConfig, tokens: Sequence[int]) -> None:
    """Refuse a training in which batch norms would never see plain rows, which are predicted later.

    Args:
        model: the model that is trained.
        mixing: how tokens are mixed.
        tokens: replaced tokens in each epoch before batch norms are fixed.

    Raises:
        PareError: where the model has batch norms and all rows of these epochs are mixed.
    """
    if _batch_norms(model) and mixing.passes == mixing.batches == 1 and tokens and all(tokens):
        raise PareError(
            f"batch norms gather statistics of plain rows in {len(tokens)} epochs before they are fixed, but all rows "
            f"are mixed there: mixing.passes=1, mixing.curriculum={mixing.curriculum}; set mixing.batches=0.5 or "
            "mixing.passes=2, or mixing.curriculum=early with training.fixed_norms=0.6"
        )


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]
