"""Networks for fields: a Fourier neural operator by neuraloperator, a U-Net by MONAI, one recipe of training for both.

Muon or AdamW with a rate that rises and then falls as a cosine, an average of the weights, the declared symmetries of
the equation, a loss that also compares neighbouring points, and batch norms that are fixed before the end.
"""

import logging
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import set_seed
from pydantic import Field, PositiveInt, field_validator, model_validator
from rich import get_console
from rich.progress import Progress
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import Subset
from transformers import get_cosine_schedule_with_warmup

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.schema import Task
from pare.config.strict import Strict
from pare.learners.libraries.problem import Estimator, Fitted, Problem, require
from pare.learners.machine import precision_of
from pare.learners.networks.models.folding import Folded
from pare.learners.networks.models.predictors import PhysicalUnits
from pare.learners.networks.models.symmetries import Symmetries
from pare.learners.networks.models.threads import fastest_threads, most_used
from pare.learners.networks.training.budget import epochs_in_time, epochs_within, members_within, step_seconds
from pare.learners.networks.training.losses import with_differences
from pare.learners.networks.training.optimisers import WeightAverage, fix_batch_norms, muon
from pare.learners.networks.training.rows import batch_loader
from pare.storage.access import usual_rights

logger = logging.getLogger(__name__)
FILE = "model.safetensors"


class FieldOptions(Strict):
    """How a network is trained."""

    minutes: float | None = Field(default=None, gt=0, description="as many epochs as fit on this machine")
    epochs: int | None = Field(default=None, ge=1, description="in place of minutes, as many on every machine")
    members: int = Field(default=1, ge=1, description="size of an ensemble of trainings that differ in what is random")
    member_epochs: int | None = Field(
        default=None,
        ge=1,
        description="with minutes: where two or more trainings of so many epochs fit, they are the members",
    )
    batch_size: int = Field(ge=1)
    optimiser: Literal["AdamW", "Muon"] = Field(
        default="AdamW", description="Muon: for the kernels of convolutions; AdamW for all else"
    )
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup: float = Field(default=0.1, ge=0, lt=1, description="share of the steps in which the rate rises")
    clip_norm: float = Field(default=1.0, gt=0)
    average: float = Field(
        default=0.98, ge=0, lt=1, description="weight of the old average in a step of the averaged weights"
    )
    differences: float = Field(default=0.1, ge=0, description="weight of the loss of differences between neighbours")
    precision: Literal["auto", "no", "bf16"] = Field(default="no", description="auto: bf16 where the hardware has it")
    fixed: float = Field(default=0.6, ge=0, le=1, description="last share of the epochs, with fixed batch norms")

    @field_validator("precision", mode="before")
    @classmethod
    def _unquoted_no(cls, value: Any) -> Any:
        """YAML and Kedro's command line read an unquoted no as false."""
        return "no" if value is False else value

    @model_validator(mode="after")
    def _ends_some_time(self) -> "FieldOptions":
        if self.minutes is None and self.epochs is None:
            raise ValueError("a training lasts some minutes or some epochs, found neither")
        return self


class Network(nn.Module):
    """A network whose predictions have physical units and are averaged over the symmetries.

    Args:
        layers: inputs ``(rows, channels, *grid)`` to outputs.
        task: the task.
        symmetries: symmetries of the task's equation.
    """

    def __init__(self, layers: nn.Module, task: Task, symmetries: Sequence[str]) -> None:
        super().__init__()
        self.layers, self.units = layers, PhysicalUnits(task.output.shape)
        axes = len(task.input.shape) - 1
        self.symmetries = Symmetries(tuple(symmetries), axes if task.normalisation.coordinates else 0)

    def forward(self, x: Tensor) -> Tensor:
        """Fields in physical units, of the inputs as they are."""
        return self.units(self.layers(x))

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Fields, computed where the weights are."""
        device = next(self.parameters()).device
        with torch.inference_mode(), fastest_threads(self, ("outputs", len(inputs))):
            return self.symmetries.averaged(self, torch.from_numpy(inputs).to(device)).cpu().numpy()

    def write(self, folder: Path) -> None:
        """Its weights as safetensors."""
        with warnings.catch_warnings():  # neuraloperator adds its options, once for all members
            warnings.filterwarnings("ignore", "Attempting to update metadata", UserWarning)
            state = self.state_dict()
        weights = {name: tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}
        with usual_rights(folder / FILE):
            save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / FILE)


class Mean(nn.Module):
    """Layers of several trainings, whose outputs are averaged."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        """The mean of the members' outputs."""
        return torch.stack([member(x) for member in self.members]).mean(0)


def load_network(folder: Path, run: Run, build: Callable[[], nn.Module]) -> Network:
    """Read what `Network.write` wrote into layers that ``build`` makes."""
    weights = load_file(folder / FILE)
    members = {name.split(".")[2] for name in weights if name.startswith("layers.members.")}
    layers = Mean([build() for _ in members]) if members else build()
    network = Network(layers, run.task, run.training.symmetries)
    network.load_state_dict(weights)
    return network.eval()


def train(problem: Problem, options: FieldOptions, build: Callable[[], nn.Module], package: str) -> Fitted:
    """The network of the best validation epoch, or of the last without validation rows.

    The average of the weights is validated and saved. Predictions are averaged over the symmetries, and over
    the networks of an ensemble.

    Args:
        problem: the problem.
        options: options of the training.
        build: makes the layers.
        package: package of the layers.

    Raises:
        PareError: where the loss is not finite.
    """
    count, epochs = options.members, options.epochs
    if epochs is None:
        found = _epochs_that_fit(problem, options, _network(problem, build))
        count, epochs = members_within(found, options.members, options.member_epochs)
    minutes = None if options.epochs or not options.minutes else options.minutes / count
    trained = []
    for number in range(count):
        if count > 1:
            logger.info("Training %d of %d, whose predictions are averaged: %d epochs.", number + 1, count, epochs)
        seed = int(np.random.default_rng([problem.seed, number]).integers(2**31)) if number else problem.seed
        trained.append(_trained(replace(problem, seed=seed), options, build, epochs, minutes))
    (first, best_epoch, threads), members = trained[0], tuple(epoch for _, epoch, _ in trained)
    if count > 1:
        first.layers = Mean([model.layers for model, _, _ in trained])
    return Fitted(
        first.eval(),
        {package: require(package).__version__},
        best_epoch,
        epochs,
        str(PartialState().device),
        precision_of(options.precision, problem.task),
        members=members if count > 1 else (),
        threads=threads,
    )


def _network(problem: Problem, build: Callable[[], nn.Module]) -> Network:
    """Before it is trained."""
    set_seed(problem.seed)
    model = Network(build(), problem.task, problem.symmetries)
    _set_units(model, problem.store.statistics)
    return model.to(PartialState().device)


def _trained(
    problem: Problem, options: FieldOptions, build: Callable[[], nn.Module], epochs: int, minutes: float | None
) -> tuple[Network, int, int]:
    """The network of one training, which takes at most so many minutes, its epoch, and its threads."""
    model = _network(problem, build)
    rows: Any = Subset(problem.train, problem.chosen.tolist())  # type: ignore[arg-type]
    loader = batch_loader(rows, options.batch_size, shuffle=True, seed=problem.seed)
    set_seed(problem.seed)
    steps = _Steps(problem, options, model, epochs * len(loader))
    best_epoch, best_value, best = 0, -math.inf, model
    history: list[dict[str, float]] = []
    sign = 1 if problem.metric.higher_is_better else -1
    with Progress(transient=True, disable=not get_console().is_terminal) as bar:
        shown = bar.add_task("training", total=epochs)
        for number in epochs_in_time(0, epochs, minutes, history):
            epoch, started = number + 1, time.perf_counter()
            steps.go_to(number * len(loader))
            model.train()
            if epoch > (1 - options.fixed) * epochs:
                fix_batch_norms(model)
            loss = sum(steps.step(batch, f"epoch {epoch}") for batch in loader) / len(loader)
            with steps.average.applied():
                value = _validate(model, problem, options.batch_size)
                if value is None or sign * value >= best_value:  # ties prefer the later epoch, as with the methods
                    best_epoch, best_value = epoch, best_value if value is None else sign * value
                    best = deepcopy(model)
            validation = "" if value is None else f", validation {value:.4g}"
            history.append({"seconds": time.perf_counter() - started})
            bar.update(shown, completed=epoch, description=f"epoch {epoch}/{epochs}: loss {loss:.4g}{validation}")
    return best, best_epoch, most_used(model)


class _Steps:
    """Steps of the optimiser, and the average of the weights that they lead to."""

    def __init__(self, problem: Problem, options: FieldOptions, model: Network, count: int) -> None:
        self.model, self.options, self.symmetries = model, options, model.symmetries
        self.device = next(model.parameters()).device
        self.precision = precision_of(options.precision, problem.task)
        self.loss = with_differences(problem.loss, options.differences if problem.task.compares_values else 0.0)
        self.noise = torch.Generator().manual_seed(problem.seed)
        self.optimiser = _optimiser(model, options)
        self.schedule = get_cosine_schedule_with_warmup(self.optimiser, round(options.warmup * count), count)
        self.average = WeightAverage(model, options.average)

    def go_to(self, number: int) -> None:
        """Let the learning rate be that of the step of this number, from 0; those before it are made or left out."""
        while self.schedule.last_epoch < number:
            self.schedule.step()

    def step(self, batch: dict[str, Tensor], place: str) -> float:
        """Learn from a batch; its loss."""
        with fastest_threads(self.model, "step"):
            x, y = self.symmetries.drawn(batch["x"], batch["y"], self.noise)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                prediction = self.model(x.to(self.device))
            loss = self.loss(prediction, y.to(self.device))
            if not torch.isfinite(loss):
                raise PareError(f"the loss is {loss.item()} in {place}; lower options.learning_rate")
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip_norm)
            self.optimiser.step()
            self.schedule.step()
            self.average.update()
            return loss.item()


def _optimiser(model: Network, options: FieldOptions) -> torch.optim.Optimizer:
    weights = list(model.parameters())
    if options.optimiser == "Muon":
        return muon(model, [{"params": weights}], options.learning_rate, options.weight_decay, (0.9, 0.999))
    real = not any(weight.is_complex() for weight in weights)  # a Fourier operator's are not
    return torch.optim.AdamW(weights, options.learning_rate, weight_decay=options.weight_decay, fused=real)


def _epochs_that_fit(problem: Problem, options: FieldOptions, model: Network) -> int:
    """Measured with a copy of the network."""
    assert options.minutes is not None
    steps = _Steps(problem, options, deepcopy(model).train(), 1000)
    batch = next(iter(batch_loader(problem.train, options.batch_size)))
    count = -(-len(problem.chosen) // options.batch_size)
    return epochs_within(options.minutes, step_seconds(lambda: steps.step(batch, "the first steps")), count)


def _validate(model: nn.Module, problem: Problem, batch_size: int) -> float | None:
    if not len(problem.validation):
        return None
    model.eval()
    problem.metric.reset()
    with torch.inference_mode():
        for batch in batch_loader(problem.validation, batch_size):
            with fastest_threads(model, "validation"):
                prediction = model(batch["x"].to(PartialState().device)).cpu()
            problem.metric.update(prediction, batch["y"])
    return float(problem.metric.compute())


def _set_units(model: Network, statistics: Mapping[str, np.ndarray]) -> None:
    """Predict in the units of the data, where the outputs are normalised; else as they are."""
    if "y_mean" in statistics:
        mean, scale = (torch.as_tensor(statistics[name]) for name in ("y_mean", "y_scale"))
        model.units.set(*model.symmetries.units(mean, scale))


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


def _estimator(package: str, options: type[FieldOptions], build: Callable[[Task, Any], nn.Module]) -> Estimator:
    def fit(problem: Problem, chosen: FieldOptions) -> Fitted:
        return train(problem, chosen, partial(build, problem.task, chosen), package)

    def load(folder: Path, run: Run, chosen: FieldOptions) -> Network:
        return load_network(folder, run, partial(build, run.task, chosen))

    return Estimator("grids", ("dense",), (package,), options, fit, load)


ESTIMATORS = {
    "fno": _estimator("neuralop", FnoOptions, build_fno),
    "u_net": _estimator("monai", UNetOptions, build_u_net),
}
