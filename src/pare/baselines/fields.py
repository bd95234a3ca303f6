"""Fields: a Fourier neural operator by neuraloperator and a U-Net by MONAI."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt
from torch import nn

from pare.baselines.estimator import Estimator
from pare.baselines.networks import FieldOptions, Network, load_network, train
from pare.baselines.problem import Fitted, Problem, require
from pare.config.errors import PareError
from pare.config.run import BaselineRun
from pare.config.schema import Task
from pare.models.folding import Folded


def _check_grid(task: Task) -> None:
    """Refuse a task whose field is on another grid than its input."""
    if task.output.shape[1:] != task.input.shape[1:]:
        grids = ("×".join(map(str, shape[1:])) for shape in (task.input.shape, task.output.shape))
        raise PareError(
            "this network predicts on the grid of the input, {}, and the field of the task has {} points; use "
            "method=kernel_ridge, or a method such as pare".format(*grids)
        )


class FnoOptions(FieldOptions):
    """The size of the operator."""

    optimiser: Literal["AdamW"] = "AdamW"  # Muon knows no complex weights

    modes: int = Field(ge=1, description="frequencies kept along each axis, of each sign")
    width: int = Field(ge=1, description="channels")
    layers: int = Field(ge=1)


class UNetOptions(FieldOptions):
    """The size of the U-Net."""

    features: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt] = Field(
        description="channels of the five levels, and of the last layers"
    )
    fold: int = Field(
        default=1, ge=1, description="points along each axis that become channels of one, where enough are left"
    )


def build_fno(task: Task, options: FnoOptions) -> nn.Module:
    """Li et al. (2021): layers that multiply low frequencies; coordinates are inputs, where the task has none.

    Raises:
        PareError: where the field is on another grid than the input.
    """
    _check_grid(task)
    channels, *grid = task.input.shape
    return require("neuralop").models.FNO(
        n_modes=tuple(min(2 * options.modes, points) for points in grid),
        in_channels=channels,
        out_channels=task.output.shape[0],
        hidden_channels=options.width,
        n_layers=options.layers,
        use_channel_mlp=False,  # as published; neuraloperator's own default adds two layers to each
        positional_embedding=None if task.normalisation.coordinates else "grid",
    )


def build_u_net(task: Task, options: UNetOptions) -> nn.Module:
    """Ronneberger et al. (2015): four times down to half the grid and up again, on a grid that is folded first.

    Normalised over the batch, as PDEBench's. MONAI's default, over each sample, would lose the size of a field.

    Raises:
        PareError: where the grid is too small for that, or the field is on another one.
    """
    _check_grid(task)
    channels, *grid = task.input.shape
    if not _can_be_halved(grid):
        raise PareError(
            f"the U-Net halves the grid four times and needs at least 16 points along each axis and 32 along one, the "
            f"task has {'×'.join(map(str, grid))}; use method=fno"
        )
    fold = options.fold if _can_be_halved([-(-n // options.fold) for n in grid]) else 1
    outputs, more = task.output.shape[0], fold ** len(grid)
    unet = require("monai.networks.nets").BasicUNet(
        *(len(grid), channels * more, outputs * more), features=options.features, norm="batch"
    )
    return Folded(unet, fold)


def _can_be_halved(grid: Sequence[int]) -> bool:
    return min(grid) >= 16 and max(grid) >= 32


def _network(package: str, options: type[FieldOptions], build: Callable[[Task, Any], nn.Module]) -> Estimator:
    def fit(problem: Problem, chosen: FieldOptions) -> Fitted:
        return train(problem, chosen, partial(build, problem.task, chosen), package)

    def load(folder: Path, run: BaselineRun, chosen: FieldOptions) -> Network:
        return load_network(folder, run, partial(build, run.task, chosen))

    return Estimator("grids", ("dense",), (package,), options, fit, load)


ESTIMATORS = {
    "fno": _network("neuralop", FnoOptions, build_fno),
    "u_net": _network("monai", UNetOptions, build_u_net),
}
