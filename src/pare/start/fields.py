"""The solved start of fields: ridge regression of every point of the output on all points of the input."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from sklearn.model_selection import KFold

from pare.config.run import Run
from pare.models import CrossModalModel
from pare.models.anchor import Anchor
from pare.models.predictors import PhysicalUnits
from pare.start.solve import Part

logger = logging.getLogger(__name__)
PENALTIES = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # in the largest squared singular value
FOLDS = 5
MOST_ROWS, MOST_NUMBERS = 5000, 40_000_000  # of inputs; a solution then takes a minute and a gigabyte
NEARLY_LINEAR = 0.1  # share of the spread of the outputs that a useful solution leaves at most


@dataclass(frozen=True)
class Ridge:
    """Linear regression of centred rows in their singular directions; any penalty then costs next to nothing."""

    mean: np.ndarray
    constant: np.ndarray
    directions: np.ndarray
    amounts: np.ndarray  # (directions, outputs), of the outputs along each direction, times its singular value
    squares: np.ndarray  # of the singular values

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray) -> "Ridge":
        """Inputs ``(rows, inputs)`` and outputs ``(rows, outputs)``."""
        mean, constant = x.mean(0), y.mean(0)
        varying = np.ptp(x, axis=0) > 0  # coordinates are not
        left, values, right = np.linalg.svd((x - mean)[:, varying], full_matrices=False)
        kept = values > values.max(initial=0) * 1e-7
        directions = np.zeros((int(kept.sum()), x.shape[1]))
        directions[:, varying] = right[kept]
        amounts = values[kept, None] * (left[:, kept].T @ (y - constant))
        return cls(mean, constant, directions, amounts, values[kept] ** 2)

    def fields(self, penalty: float) -> np.ndarray:
        """What a unit along each direction adds to the outputs, ``(directions, outputs)``."""
        return self.amounts / (self.squares + penalty * self.squares.max(initial=0))[:, None]

    def predict(self, x: np.ndarray, penalty: float) -> np.ndarray:
        """Inputs ``(rows, inputs)`` to outputs ``(rows, outputs)``."""
        return (x - self.mean) @ self.directions.T @ self.fields(penalty) + self.constant


class FieldStart:
    """Solves the anchor of a model for fields, where the equation is nearly linear; else the network begins alone.

    Args:
        model: has an `Anchor`.
        run: shape of the output, and whether anything is trained.
        device: where the model is.

    Attributes:
        held_out: what the anchor says of each training row when it was fitted to others, ``(rows, *shape)``, so that
            the network learns what the anchor will leave; None where there is no anchor.
    """

    def __init__(self, model: CrossModalModel, run: Run, device: torch.device) -> None:
        assert isinstance(model.anchor, Anchor)
        self.model, self.anchor, self.run, self.device = model, model.anchor, run, device
        self.held_out: np.ndarray | None = None

    def solve(self, parts: Sequence[Part], penalties: Sequence[float] | None = None) -> list[float]:
        """Fit the anchor to rows.

        Args:
            parts: the rows.
            penalties: as an earlier call returned them; None: chosen by folds of the rows.

        Returns:
            The penalty; none where there is no anchor.
        """
        if penalties is None:
            penalties = self._penalties(parts)
            self.hold_out(parts, penalties)
        if penalties:
            ridge, shape = Ridge.fit(*_flat(parts)), self.run.task.output.shape
            fields = ridge.fields(penalties[0]).reshape(-1, *shape)
            self.anchor.set(ridge.mean, ridge.directions, fields, ridge.constant.reshape(shape))
        return list(penalties)

    def hold_out(self, parts: Sequence[Part], penalties: Sequence[float]) -> None:
        """Predict each row by the anchor of the others; of what that leaves, the network takes its units."""
        if not penalties:
            return
        x, y = _flat(parts)
        held_out = np.empty_like(y)
        for fitted, held in _folds(x):
            held_out[held] = Ridge.fit(x[fitted], y[fitted]).predict(x[held], penalties[0])
        self.held_out = held_out.reshape(-1, *self.run.task.output.shape).astype(np.float32)
        units = self.model.units
        assert isinstance(units, PhysicalUnits)
        scale = torch.from_numpy((y - held_out).std(0).reshape(self.run.task.output.shape))
        left = self.model.symmetries.units(torch.zeros_like(scale), scale)
        units.set(*(part.to(units.mean) for part in (left[0], left[1] + scale.mean() * 1e-3)))

    def _penalties(self, parts: Sequence[Part]) -> list[float]:
        """The penalty of the least squared error over folds; none where even that is too large."""
        task, rows = self.run.task, sum(len(chosen) for _, chosen in parts)
        if not task.compares_values or rows > MOST_ROWS or rows * prod(task.input.shape) > MOST_NUMBERS:
            return []
        x, y = _flat(parts)
        if not np.isfinite(y).all():  # points without a target
            return []
        errors, spread = dict.fromkeys(PENALTIES, 0.0), 0.0
        for fitted, held in _folds(x):
            ridge = Ridge.fit(x[fitted], y[fitted])
            for penalty in PENALTIES:
                errors[penalty] += float(np.square(ridge.predict(x[held], penalty) - y[held]).sum())
            spread += float(np.square(y[held] - y.mean(0)).sum())
            best = min(errors, key=lambda penalty: errors[penalty])
            left = (errors[best] / max(spread, np.finfo(float).tiny)) ** 0.5
            if left > 2 * NEARLY_LINEAR and self.run.training.epochs:
                break  # other folds would not change that
        useful = left < NEARLY_LINEAR or not self.run.training.epochs
        logger.info(
            "ridge regression leaves %.3g of the spread of the fields: %s",
            *(left, "the network adds to it" if useful else "the network begins without it"),
        )
        return [best] if useful else []


def _folds(x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(KFold(min(FOLDS, len(x)), shuffle=True, random_state=0).split(x))


def _flat(parts: Sequence[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and outputs of the rows, ``(rows, numbers)`` each."""
    arrays = [rows.__getitems__(chosen.tolist()) for rows, chosen in parts]
    x, y = (np.concatenate([a[name] for a in arrays]).astype(np.float64) for name in ("x", "y"))
    return x.reshape(len(x), -1), y.reshape(len(y), -1)
