"""The solved start of fields: ridge regression of every point of the output on all points of the input.

It is linear, or has Gaussian kernels if these clearly lower the out-of-fold error. A linear regression may learn from
copies of each row by symmetries: those that the task declares, and others that clearly lower the out-of-fold error.

If the regression explains nearly all, it is an anchor: the network learns its residual. Otherwise the network begins
without it, and is selected only if it is better.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from threadpoolctl import threadpool_limits
from torch import Tensor

from pare.config.run import POINT_BY_POINT, Run, symmetry_suits
from pare.learners.networks.models import CrossModalModel
from pare.learners.networks.models.convolutional import Anchor
from pare.learners.networks.models.predictors import PhysicalUnits
from pare.learners.networks.models.symmetries import SYMMETRIES, Symmetries
from pare.learners.networks.models.threads import free_threads
from pare.learners.networks.start.cross_validation import (
    FOLDS,
    Folds,
    Part,
    clearly_smaller,
    folds_that_keep,
    groups_of,
)
from pare.learners.networks.start.regressions import (
    Array,
    GaussianRidge,
    KernelRidge,
    Ridge,
    average,
    complete,
    gaussian,
    median_distance,
    on_cpu,
    on_device,
    rotated,
    squared_distances,
)

logger = logging.getLogger(__name__)
PENALTIES = (1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # in the largest squared singular value
MOST_POINTS = 500  # points of a field, at most, that choose the width of kernels
WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # widths of Gaussian kernels to try, in median distances of rows
MOST_ROWS, MOST_NUMBERS = 5000, 40_000_000  # rows and numbers of inputs; a solution takes a minute and a gigabyte
COPIES = 16  # copies of a row, at most, by each symmetry
MOST_UNKNOWNS = 2000  # rows or inputs, whichever are fewer, where rows are copied; a solution then takes some seconds
FAINT = 1e-3  # size of a field, in the size of all, below which its weight is that of a field of their size
EXACTLY_LINEAR = 1e-6  # and this is next to the rounding of single precision
TELLING = 0.5  # residual, in spreads of the outputs, below which a regression explains something
NEARLY_LINEAR = 0.1  # residual below which the network adds to the regression


@dataclass(frozen=True)
class _Problem:
    """Rows by which a regression is chosen.

    Attributes:
        x: inputs, ``(rows, channels, *grid)``, or ``(rows, numbers)``.
        y: outputs, as well.
        weights: weights of the rows, ``(rows,)``.
        folds: folds of the rows.
        groups: group of each row, ``(rows,)``; None without groups.
    """

    x: Array
    y: Array
    weights: Array
    folds: Folds
    groups: np.ndarray | None

    def without_grid(self) -> "_Problem":
        """The same for regressions that know no grid, in fewer numbers: they see distances and linear maps alone."""
        return replace(self, x=rotated(_flat(self.x)), y=rotated(_flat(self.y)))


class Found(NamedTuple):
    """What a solution of fields has beside the network's weights.

    Attributes:
        held_out: out-of-fold predictions of the anchor, ``(rows, *shape)``; None without an anchor.
        alone: weights by which the network predicts the regression alone, on the CPU; None where it does anyway.
    """

    held_out: np.ndarray | None = None
    alone: dict[str, Tensor] | None = None


class FieldStart:
    """Solves a regression; where the equation is nearly linear, it is the anchor to which the network adds.

    Args:
        model: has an `Anchor`.
        run: shape of the output, and whether anything is trained.
        accelerator: device of the model.

    Attributes:
        found: what `solve` and `hold_out` leave beside the model, which other processes take.
    """

    def __init__(self, model: CrossModalModel, run: Run, accelerator: Accelerator) -> None:
        assert isinstance(model.anchor, Anchor)
        self.model, self.anchor, self.run, self.device = model, model.anchor, run, accelerator.device
        self.found = Found()

    @property
    def held_out(self) -> np.ndarray | None:
        """Out-of-fold predictions of the anchor, ``(rows, *shape)``, whose residual is learnt; None without it."""
        return self.found.held_out

    def solve(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Fit the regression to rows, as folds of them choose.

        Args:
            parts: the rows.

        Returns:
            ``penalties``: the penalty, empty without a regression; ``symmetries``: names by which rows were copied;
            ``width``: width of Gaussian kernels, 0 for a linear map; ``left``: out-of-fold residual, in spreads of the
            fields.
        """
        with threadpool_limits(free_threads(), user_api="blas"):
            solution = self._chosen(parts)
            if not solution["penalties"]:
                return solution
            begin = _copied(self.model)
            self.model.predictor.begin_at_zero()  # type: ignore[operator]
            self.fit(parts, solution)
            if _is_anchor(solution):
                self.hold_out(parts, solution)
            else:
                self._units.mean.zero_()
                self.found = Found(alone=_copied(self.model))
                self.model.load_state_dict(begin)
            return solution

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model predicts by the regression alone; afterwards it has the network's initial weights again."""
        if self.found.alone is None:
            yield
            return
        begin = _copied(self.model)
        self.model.load_state_dict(self.found.alone)
        try:
            yield
        finally:
            self.model.load_state_dict(begin)

    def fit(self, parts: Sequence[Part], solution: Mapping[str, Any]) -> None:
        """Fit the regression to rows by what `solve` chose on others."""
        if not solution["penalties"]:
            return
        x, y = self._arrays(parts)
        ridge = self._fitted(x, y, self._weights(y), solution["symmetries"], solution["width"])
        shape = self.run.task.output.shape
        fields = ridge.fields(solution["penalties"][0]).reshape(-1, *shape)
        self.anchor.set(ridge.mean, ridge.directions, fields, ridge.constant.reshape(shape), ridge.width)

    def hold_out(self, parts: Sequence[Part], solution: Mapping[str, Any]) -> None:
        """Out-of-fold predictions of the anchor; the network's units are the residual's."""
        if not _is_anchor(solution):
            return
        x, y = self._arrays(parts)
        known_y, weights = on_cpu(y), self._weights(y)
        held_out = np.empty_like(known_y)
        for fitted, held in self._folds(parts):
            known = x[fitted], y[fitted], weights[fitted]
            ridge = self._fitted(*known, solution["symmetries"], solution["width"])
            (predicted,) = ridge.predict(_flat(x[held]), solution["penalties"][0])
            held_out[held] = on_cpu(predicted).reshape(-1, *y.shape[1:])
        self.found = Found(held_out)
        scale = torch.from_numpy((known_y - held_out).std(0, dtype=np.float64))
        left = self.model.symmetries.units(torch.zeros_like(scale), scale)
        self._units.set(*(part.to(self._units.mean) for part in (left[0], left[1] + scale.mean() * 1e-3)))

    def _arrays(self, parts: Sequence[Part]) -> tuple[Array, Array]:
        """Inputs and outputs of the rows, ``(rows, channels, *grid)`` each, with outputs for points without a target.

        They lie on the device, unless it has no double precision.
        """
        arrays = [rows.__getitems__(chosen.tolist()) for rows, chosen in parts]
        x, y = (np.concatenate([a[name] for a in arrays]) for name in ("x", "y"))
        return on_device(x, self.device), on_device(complete(y), self.device)

    @property
    def _units(self) -> PhysicalUnits:
        assert isinstance(self.model.units, PhysicalUnits)
        return self.model.units

    def _fitted(self, x: Array, y: Array, weights: Array, names: Sequence[str], width: float) -> Ridge | GaussianRidge:
        """Regression of fields ``(rows, channels, *grid)``, a linear one with their copies by symmetries."""
        if width:
            return GaussianRidge.fit(_flat(x), _flat(y), width, weights)
        if names:
            symmetries = Symmetries(tuple(names), self.model.symmetries.coordinates)
            copies = symmetries.copies(torch.as_tensor(x), torch.as_tensor(y), COPIES)
            x, y = copies if isinstance(x, Tensor) else (part.numpy() for part in copies)
            weights = weights[np.arange(len(x)) % len(weights)]
        return Ridge.fit(_flat(x), _flat(y), weights)

    def _weights(self, y: Array) -> Array:
        """Weights of rows, ``(rows,)``: inverse mean squares if the loss is relative."""
        squares = (_flat(y) ** 2).mean(1)
        if not self.run.task.compares_shares or not squares.any():
            return squares**0
        # A field that is faint next to the others is compared with their size: its own would be a weight of a million.
        typical = squares.mean()
        faint = squares < typical * FAINT**2
        squares[faint] = typical
        return typical / squares

    def _chosen(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Penalty, symmetries and width of the least squared error over folds; no penalty where rows are too many."""
        none: dict[str, Any] = {"penalties": [], "symmetries": [], "width": 0.0, "left": 1.0}
        task, rows = self.run.task, sum(len(chosen) for _, chosen in parts)
        if rows < 2 or not task.compares_values or rows > MOST_ROWS or rows * prod(task.input.shape) > MOST_NUMBERS:
            return none
        x, y = self._arrays(parts)
        problem = _Problem(x, y, self._weights(y), self._folds(parts), groups_of(parts))
        flat = problem.without_grid()
        names, penalty, losses = self._linear(problem, flat)
        width, other = self._kernels(replace(flat, y=_flat(y)))
        if width:
            _, found = self._held_out_losses(flat, [], losses, width=width, penalties=(other,))
            if _is_clearly_better(found, losses, problem.groups):
                names, penalty, losses = [], other, found
            else:
                width = 0.0
        left = float(np.nanmean(losses)) ** 0.5
        solution = {"penalties": [penalty], "symmetries": names, "width": width, "left": left}
        logger.info(
            "ridge regression%s leaves %.3g of the spread of the fields: %s",
            " with Gaussian kernels" if width else f" with the symmetries {', '.join(names)}" if names else "",
            *(left, _consequence(solution)),
        )
        return solution

    def _folds(self, parts: Sequence[Part]) -> Folds:
        from sklearn.model_selection import KFold  # noqa: PLC0415

        rows = sum(len(chosen) for _, chosen in parts)
        kept = folds_that_keep(self.run.task.split, groups_of(parts), rows)
        return kept or list(KFold(min(FOLDS, rows), shuffle=True, random_state=0).split(range(rows)))

    def _linear(self, problem: _Problem, flat: _Problem) -> tuple[list[str], float, np.ndarray]:
        """Symmetries by which rows are copied, penalty and out-of-fold losses of a linear regression.

        Args:
            problem: the rows.
            flat: the same without their grid, which is faster where none are copied.
        """
        names: list[str] = []
        for name in map(str, self.run.training.symmetries):
            names += [name] if self._is_small(problem.x, [*names, name]) else []
        penalty, losses = self._held_out_losses(problem if names else flat, names)
        for name in self._others(problem.x, problem.y, names):
            with_it = [*names, name]
            if not self._is_small(problem.x, with_it):
                continue
            other, found = self._held_out_losses(problem, with_it, losses)
            if _is_clearly_better(found, losses, problem.groups):
                names, penalty, losses = with_it, other, found
                self._propose(name, losses)
        return names, penalty, losses

    def _propose(self, name: str, losses: np.ndarray) -> None:
        """Name a symmetry that only the user can confirm, where the regression explains enough to be heard."""
        if self.run.training.epochs and np.nanmean(losses) < TELLING**2:
            logger.info(
                "the symmetry %s lowers the out-of-fold error: if it is exact for your equation, add it to "
                "training.symmetries in the task's file, and the network learns by it as well",
                name,
            )

    def _kernels(self, problem: _Problem) -> tuple[float, float]:
        """Width and penalty of Gaussian kernels by folds of some points; width 0 if they do not help.

        Inputs and outputs are ``(rows, numbers)``.
        """
        x, weights = problem.x, problem.weights
        if len(x) > MOST_UNKNOWNS or self.device.type == "mps":  # which has no double precision
            return 0.0, 0.0
        points = problem.y[:, :: max(problem.y.shape[1] // MOST_POINTS, 1)]
        unit, spread, squared = median_distance(x), _spread(points, weights), squared_distances(x)
        choices, losses = list(product(WIDTHS, PENALTIES)), np.zeros(len(WIDTHS) * len(PENALTIES))
        for number, (fitted, held) in enumerate(problem.folds, 1):
            kernels = (gaussian(squared[:, fitted], width * unit) for width in WIDTHS)
            ridges = (
                (kernel, KernelRidge.of_kernel(kernel[fitted], points[fitted], weights[fitted])) for kernel in kernels
            )
            predicted = (part for kernel, ridge in ridges for part in ridge.predict(kernel[held], *PENALTIES))
            losses += [float((weights[held] * ((part - points[held]) ** 2).mean(1)).mean()) for part in predicted]
            if losses.min() > number * TELLING**2 * spread and self.run.training.epochs:
                return 0.0, 0.0
        width, penalty = choices[int(losses.argmin())]
        return width * unit, penalty

    def _is_small(self, x: Array, names: Sequence[str]) -> bool:
        """Whether rows and copies of them are few enough."""
        copies = prod(min(SYMMETRIES[name].count(x.shape[2:]), COPIES) for name in names)
        rows, inputs = len(x) * copies, prod(x.shape[1:])
        return rows * inputs <= MOST_NUMBERS and (not names or min(rows, inputs) <= MOST_UNKNOWNS)

    def _others(self, x: Array, y: Array, names: Sequence[str]) -> list[str]:
        """Symmetries that the grid allows and the task does not declare."""
        task, grid = self.run.task, x.shape[2:]
        if grid != y.shape[2:] or task.normalisation.inputs in POINT_BY_POINT:
            return []
        return [name for name in SYMMETRIES if name not in names and symmetry_suits(name, grid)]

    def _held_out_losses(
        self,
        problem: _Problem,
        names: Sequence[str],
        known: np.ndarray | float = np.inf,
        *,
        width: float = 0.0,
        penalties: Sequence[float] = PENALTIES,
    ) -> tuple[float, np.ndarray]:
        """The best penalty and its out-of-fold squared error of each row, in squared spreads of the fields.

        If the first folds show that a regression explains little, or less than the one with the known errors, other
        rows have NaN.
        """
        x, y, weights = problem.x, problem.y, problem.weights
        losses = np.full((len(penalties), len(x)), np.nan)
        spread = max(_spread(_flat(y), weights), np.finfo(float).tiny)
        for fitted, held in problem.folds:
            ridge = self._fitted(x[fitted], y[fitted], weights[fitted], names, width)
            for i, predicted in enumerate(ridge.predict(_flat(x[held]), *penalties)):
                losses[i, held] = on_cpu(weights[held] * ((predicted - _flat(y[held])) ** 2).mean(1) / spread)
            best = int(np.nanmean(losses, 1).argmin())
            says_little = np.nanmean(losses[best]) > TELLING**2 and self.run.training.epochs
            if says_little or np.nansum(losses[best] - known) > 0:
                break
        return penalties[best], losses[best]


def _is_anchor(solution: Mapping[str, Any]) -> bool:
    """Whether the network adds to it."""
    return bool(solution["penalties"]) and solution["left"] < NEARLY_LINEAR


def _consequence(solution: Mapping[str, Any]) -> str:
    if solution["left"] < EXACTLY_LINEAR:
        return "nothing is left to train"
    return "the network adds to it" if _is_anchor(solution) else "the network begins without it"


def _copied(model: CrossModalModel) -> dict[str, Tensor]:
    """The weights, on the CPU, from where other processes can have them."""
    return {name: tensor.to("cpu", copy=True) for name, tensor in model.state_dict().items()}


def _spread(y: Array, weights: Array) -> float:
    """Mean squared error of the best constant for rows ``(rows, numbers)``."""
    return float((weights * ((y - average(y, weights)) ** 2).mean(1)).mean())


def _flat(fields: Array) -> Array:
    """``(rows, numbers)`` in double precision."""
    rows = fields.reshape(len(fields), -1)
    return rows.double() if isinstance(rows, Tensor) else rows.astype(np.float64)


def _is_clearly_better(found: np.ndarray, losses: np.ndarray, groups: np.ndarray | None) -> bool:
    """Whether out-of-fold losses are clearly smaller; rows without one, NaN, do not count."""
    both = ~np.isnan(losses + found)
    return clearly_smaller(found[both], losses[both], None if groups is None else groups[both])
