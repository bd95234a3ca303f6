"""Networks for fields, without an encoder: a Fourier neural operator by neuraloperator, a U-Net by MONAI.

`NETWORKS` names them; an entry of conf/base/learners.yml, with ``network: operators:NAME``, says how one is trained.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm

from pare.config.errors import PareError, unknown_name
from pare.config.run import Run
from pare.config.schema import Task
from pare.config.strict import Strict, validated
from pare.config.suitability import check_suited, unsuited
from pare.learners.learner import Data, Fitted, Work
from pare.learners.networks.models import Network
from pare.learners.networks.models.folding import Folded
from pare.learners.networks.models.model import build_units
from pare.learners.networks.models.symmetries import Symmetries
from pare.learners.networks.trained_network import TrainedNetwork
from pare.learners.networks.training import Parts, fit
from pare.learners.packages import lacking, require

HALVED = 16  # points along an axis that are halved four times, at least


class FnoOptions(Strict):
    """The size of the operator."""

    modes: int = Field(ge=1, description="frequencies kept along each axis, of each sign")
    width: int = Field(ge=1, description="channels")
    layers: int = Field(ge=1, description="Fourier layers")


class UNetOptions(Strict):
    """The size of the U-Net."""

    features: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt] = Field(
        description="channels of the five levels, and of the last layers"
    )
    fold: int = Field(
        default=1, ge=1, description="points along each axis that become channels of one, where enough are left"
    )


class Operator(Network):
    """Layers whose outputs have physical units.

    Args:
        layers: inputs ``(rows, channels, *grid)`` to outputs.
        task: the task.
        symmetries: names of the symmetries of the task's equation.
    """

    def __init__(self, layers: nn.Module, task: Task, symmetries: Sequence[str]) -> None:
        axes = len(task.input.shape) - 1
        super().__init__(
            build_units(task), Symmetries(tuple(symmetries), axes if task.normalisation.coordinates else 0)
        )
        self.layers = layers
        self.register_state_dict_post_hook(_without_options)

    def learnt(self, x: Tensor) -> Tensor:
        """Fields in physical units, ``(rows, channels, *grid)``."""
        return self.units(self.layers(x))


def _without_options(network: nn.Module, state: dict[str, Any], prefix: str, local_metadata: Any) -> None:
    """Leave out the options that neuraloperator adds to its weights."""
    state.pop("_metadata", None)


def build_fno(task: Task, options: FnoOptions) -> nn.Module:
    """Li et al. (2021): layers that multiply low frequencies; coordinates are inputs, where the task has none."""
    channels, *grid = task.input.shape
    operator: nn.Module = require("neuralop").models.FNO(
        n_modes=tuple(min(2 * options.modes, points) for points in grid),
        in_channels=channels,
        out_channels=task.output.shape[0],
        hidden_channels=options.width,
        n_layers=options.layers,
        use_channel_mlp=False,  # as published; neuraloperator's own default adds two layers to each
        positional_embedding=None if task.normalisation.coordinates else "grid",
    )
    for layer in operator.fno_blocks.convs:  # type: ignore[union-attr]
        layer.register_forward_pre_hook(_in_single_precision)
    return operator


def _in_single_precision(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Fields in single precision: a GPU's transforms know no bfloat16, and autocast converts for a CPU's alone."""
    return inputs[0].float(), *inputs[1:]


def build_u_net(task: Task, options: UNetOptions) -> nn.Module:
    """Ronneberger et al. (2015): four times down to half the grid and up again, on a grid that is folded first.

    Normalised over the batch, as PDEBench's. MONAI's default, over each sample, would lose the size of a field.
    """
    channels, *grid = task.input.shape
    fold = options.fold if _has_two_points([-(-n // options.fold) for n in grid]) else 1
    outputs, more = task.output.shape[0], fold ** len(grid)
    unet = require("monai.networks.nets").BasicUNet(
        *(len(grid), channels * more, outputs * more), features=options.features, norm="batch"
    )
    for norm in unet.modules():
        if isinstance(norm, _BatchNorm):
            norm.__class__ = LenientBatchNorm  # names and values of weights stay
    return Folded(unet, fold)


class LenientBatchNorm(_BatchNorm):
    """A batch norm that takes running statistics where a channel has one value, which torch's own refuses.

    So it is in the deepest level of a grid of 16 to 31 points along each axis, for a batch of one row.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of axes."""

    def forward(self, x: Tensor) -> Tensor:
        """``(rows, channels, …)``, normalised."""
        if self.training and x.numel() == x.shape[1]:
            return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


def _has_two_points(grid: Sequence[int]) -> bool:
    """Whether a grid that is halved four times has two points or more."""
    return min(grid) >= HALVED and max(grid) >= 2 * HALVED


@dataclass(frozen=True)
class NetworkSpec:
    """One of the networks.

    Attributes:
        package: the package of its layers.
        options: the options that it knows.
        build: makes its layers.
        complex: whether some weights are complex.
    """

    package: str
    options: type[Strict]
    build: Callable[[Task, Any], nn.Module]
    complex: bool = False


NETWORKS = {
    "fno": NetworkSpec("neuralop", FnoOptions, build_fno, complex=True),
    "u_net": NetworkSpec("monai", UNetOptions, build_u_net),
}


class OperatorLearner:
    """The learner of a network for fields; see `pare.learners.learner.Learner`."""

    def suits(self, run: Run) -> str:
        """Why it cannot be fitted here: the task has another output or grid, or the package is missing."""
        return unsuited(run.learner, run.task) or lacking(_spec(run).package)

    def check(self, run: Run) -> None:
        """Refuse a task that it does not suit, wrong options, and a missing package."""
        spec = _spec(run)
        check_suited(run)
        if spec.complex and run.training.optimiser == "Muon":
            raise PareError(f"{run.method_name} has complex weights, which Muon cannot learn; use optimiser AdamW")
        validated(spec.options, "options", run.options)
        require(spec.package)

    def fit(self, run: Run, data: Data, work: Work) -> Fitted:
        """Train, or go on after the last epoch that was saved."""
        fitted = fit(run, data, work, _parts)
        package = _spec(run).package
        fitted.record["versions"] |= {package: require(package).__version__}
        return fitted

    def load(self, folder: Path, run: Run, record: Mapping[str, Any]) -> TrainedNetwork:
        """Read a network."""
        return TrainedNetwork.load(folder, partial(_network, run))

    def weighs_rows(self, run: Run) -> bool:
        """Whether rows may count differently: they may not."""
        return False


def _parts(run: Run, data: Data, chosen: np.ndarray, accelerator: Accelerator) -> Parts:
    network = _network(run)
    network.set_units(data.store.statistics)
    return Parts(network)


def _network(run: Run) -> Operator:
    """The network of a run, before its training."""
    spec = _spec(run)
    layers = spec.build(run.task, validated(spec.options, "options", run.options))
    return Operator(layers, run.task, run.training.symmetries)


def _spec(run: Run) -> NetworkSpec:
    _, _, name = run.learner.network.partition(":")
    if name not in NETWORKS:
        raise unknown_name("network", name, NETWORKS, "src/pare/learners/networks/operators.py")
    return NETWORKS[name]
