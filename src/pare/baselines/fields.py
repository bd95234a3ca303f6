"""Fields: a Fourier neural operator by neuraloperator and a U-Net by MONAI."""

from pydantic import Field, PositiveInt
from torch import nn

from pare.baselines.estimator import Estimator
from pare.baselines.networks import FieldOptions, train
from pare.baselines.problem import Fitted, Problem, require
from pare.config.errors import PareError
from pare.models.folding import Folded


class FnoOptions(FieldOptions):
    """The size of the operator."""

    modes: int = Field(ge=1, description="frequencies kept along each axis, of each sign")
    width: int = Field(ge=1, description="channels")
    layers: int = Field(ge=1)


class UNetOptions(FieldOptions):
    """The size of the U-Net."""

    features: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt, PositiveInt] = Field(
        description="channels of the five levels, and of the last layers"
    )
    fold: int = Field(default=1, ge=1, description="points along each axis that become channels of one")


def fit_fno(problem: Problem, options: FnoOptions) -> Fitted:
    """Li et al. (2021): layers that multiply low frequencies; coordinates are inputs, where the task has none."""
    neuralop = require("neuralop")
    channels, *grid = problem.task.input.shape

    def build() -> nn.Module:
        return neuralop.models.FNO(
            n_modes=tuple(min(2 * options.modes, points) for points in grid),
            in_channels=channels,
            out_channels=problem.task.output.shape[0],
            hidden_channels=options.width,
            n_layers=options.layers,
            use_channel_mlp=False,  # as published; neuraloperator's own default adds two layers to each
            positional_embedding=None if problem.task.normalisation.coordinates else "grid",
        )

    return train(problem, options, build, {"neuraloperator": neuralop.__version__})


def fit_u_net(problem: Problem, options: UNetOptions) -> Fitted:
    """Ronneberger et al. (2015): four times down to half the grid and up again, on a grid that is folded first.

    Normalised over the batch, as PDEBench's. MONAI's default, over each sample, would lose the size of a field.

    Raises:
        PareError: where the grid is too small for that.
    """
    nets = require("monai.networks.nets")
    channels, *grid = problem.task.input.shape
    folded = [-(-n // options.fold) for n in grid]
    if min(folded) < 16 or max(folded) < 32:
        raise PareError(
            f"the U-Net halves the grid four times and needs at least 16 points along each axis and 32 along one, the "
            f"task has {'×'.join(map(str, folded))}; use method=fno"
        )

    def build() -> nn.Module:
        outputs, more = problem.task.output.shape[0], options.fold ** len(grid)
        unet = nets.BasicUNet(len(grid), channels * more, outputs * more, features=options.features, norm="batch")
        return Folded(unet, options.fold)

    return train(problem, options, build, {"monai": require("monai").__version__})


ESTIMATORS = {
    "fno": Estimator("grids", ("dense",), ("neuralop",), FnoOptions, fit_fno),
    "u_net": Estimator("grids", ("dense",), ("monai",), UNetOptions, fit_u_net),
}
