"""Fields: a Fourier neural operator by neuraloperator and a U-Net by MONAI, in a plain training loop."""

import math
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import set_seed
from pydantic import Field, PositiveInt
from rich import get_console
from rich.progress import Progress
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from pare.baselines.estimator import Estimator
from pare.baselines.problem import Fitted, Problem, require
from pare.config.errors import PareError
from pare.config.strict import Strict
from pare.models.predictors import PhysicalUnits
from pare.storage.store import Rows


class FieldOptions(Strict):
    """How a network is trained: AdamW, the learning rate falling as a cosine."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)


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

    return _train(problem, options, build, {"neuraloperator": neuralop.__version__})


def fit_u_net(problem: Problem, options: UNetOptions) -> Fitted:
    """Ronneberger et al. (2015): four times down to half the grid and up again.

    Normalised over the batch, as PDEBench's. MONAI's default, over each sample, would lose the size of a field.

    Raises:
        PareError: where the grid is too small for that.
    """
    nets = require("monai.networks.nets")
    channels, *grid = problem.task.input.shape
    if min(grid) < 16 or max(grid) < 32:
        raise PareError(
            f"the U-Net halves the grid four times and needs at least 16 points along each axis and 32 along one, the "
            f"task has {'×'.join(map(str, grid))}; use method=fno"
        )

    def build() -> nn.Module:
        outputs = problem.task.output.shape[0]
        return nets.BasicUNet(len(grid), channels, outputs, features=options.features, norm="batch")

    return _train(problem, options, build, {"monai": require("monai").__version__})


def _train(problem: Problem, options: FieldOptions, build: Callable[[], nn.Module], versions: dict[str, str]) -> Fitted:
    """The network of the best validation epoch, or of the last where there are no validation rows."""
    device = PartialState().device
    set_seed(problem.seed)
    model = nn.Sequential(build(), _units(problem)).to(device)
    loader = _loader(Subset(problem.train, problem.chosen.tolist()), options.batch_size, problem.seed)  # type: ignore[arg-type]
    optimiser = torch.optim.AdamW(model.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.epochs * len(loader))
    best_epoch, best_value, best = 0, -math.inf, model
    sign = 1 if problem.metric.higher_is_better else -1
    with Progress(transient=True, disable=not get_console().is_terminal) as bar:
        shown = bar.add_task("training", total=options.epochs)
        for epoch in range(1, options.epochs + 1):
            loss = _epoch(model, loader, problem, optimiser, schedule, epoch)
            value = _validate(model, problem, options.batch_size)
            validation = "" if value is None else f", validation {value:.4g}"
            bar.update(shown, advance=1, description=f"epoch {epoch}/{options.epochs}: loss {loss:.4g}{validation}")
            if value is None or sign * value >= best_value:  # ties prefer the later epoch, as with the methods
                best_epoch, best_value = epoch, best_value if value is None else sign * value
                best = deepcopy(model)
    best.eval()

    def predict(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return best(torch.from_numpy(x).to(device)).cpu().numpy()

    return Fitted(predict, versions, best_epoch, options.epochs, str(device))


def _epoch(
    model: nn.Module,
    loader: "DataLoader[dict[str, Tensor]]",
    problem: Problem,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    epoch: int,
) -> float:
    """One pass over the training rows; the mean loss."""
    device = PartialState().device
    model.train()
    total = 0.0
    for batch in loader:
        loss = problem.loss(model(batch["x"].to(device)), batch["y"].to(device))
        if not torch.isfinite(loss):
            raise PareError(f"the loss is {loss.item()} in epoch {epoch}; lower options.learning_rate")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += loss.item() / len(loader)
    return total


def _validate(model: nn.Module, problem: Problem, batch_size: int) -> float | None:
    if not len(problem.validation):
        return None
    model.eval()
    problem.metric.reset()
    with torch.inference_mode():
        for batch in _loader(problem.validation, batch_size):
            problem.metric.update(model(batch["x"].to(PartialState().device)).cpu(), batch["y"])
    return float(problem.metric.compute())


def _units(problem: Problem) -> PhysicalUnits:
    """Predictions in the units of the data, where the outputs are normalised; else as they are."""
    units = PhysicalUnits(problem.task.output.shape)
    statistics = problem.store.statistics
    if "y_mean" in statistics:
        units.mean.copy_(torch.as_tensor(statistics["y_mean"]))
        units.scale.copy_(torch.as_tensor(statistics["y_scale"]))
    return units


def _loader(
    rows: "Rows | Subset[dict[str, np.ndarray]]", batch_size: int, seed: int | None = None
) -> "DataLoader[dict[str, Tensor]]":
    """Batches ``{"x": (batch, …), "y": (batch, …)}``; in an order that the seed decides, where there is one."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return DataLoader(rows, batch_size, shuffle=seed is not None, generator=generator, collate_fn=_as_tensors)  # type: ignore[arg-type]


def _as_tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch.items()}


ESTIMATORS = {
    "fno": Estimator("grids", ("dense",), ("neuralop",), FnoOptions, fit_fno),
    "u_net": Estimator("grids", ("dense",), ("monai",), UNetOptions, fit_u_net),
}
