"""Fields: kernel ridge regression, linear or with Gaussian kernels, on the raw values of the input."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from pydantic import Field, PositiveFloat
from safetensors.numpy import load_file, save_file
from sklearn.model_selection import KFold

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.strict import Strict
from pare.learners.libraries.problem import Estimator, LibraryFit, LibraryModel, Problem
from pare.learners.networks.start.cross_validation import FOLDS, folds_that_keep, groups_of
from pare.learners.networks.start.regressions import (
    GaussianRidge,
    Ridge,
    complete,
    gaussian,
    median_distance,
    squared_distances,
)
from pare.storage.access import usual_rights

MOST_ROWS = 10_000  # the kernel of all pairs then takes 800 MB
FILE = "model.safetensors"
Widths = list[float | None]
Choice = tuple[float | None, float]  # width and penalty


class KernelRidgeOptions(Strict):
    """Values that validation chooses from."""

    penalties: list[PositiveFloat] = Field(
        min_length=1, description="penalties to try, in units of the kernel's mean diagonal"
    )
    widths: list[PositiveFloat] = Field(
        description="widths of the Gaussian kernel, in median distances of training rows; none: a linear kernel"
    )


@dataclass(frozen=True)
class KernelModel(LibraryModel):
    """Coefficients of directions or training rows, which a new row takes by its product or its kernel with each.

    Attributes:
        mean: mean input, ``(values,)``.
        directions: ``(directions, values)``; of a Gaussian kernel the training rows, less their mean.
        coefficients: what one of a direction adds to the output, ``(directions, values)``.
        constant: ``(channels, *grid)``.
        width: width of the Gaussian kernel, in units of the input; None: a linear kernel.
    """

    mean: np.ndarray
    directions: np.ndarray
    coefficients: np.ndarray
    constant: np.ndarray
    width: float | None

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Fields."""
        x = _flat(inputs) - self.mean
        if self.width is None:
            along = x @ self.directions.T
        else:
            along = gaussian(squared_distances(x, self.directions), self.width)
        return ((along @ self.coefficients).reshape(-1, *self.constant.shape) + self.constant).astype(np.float32)

    def write(self, folder: Path) -> None:
        """Its arrays as safetensors, with the width of a Gaussian kernel."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {name: np.asarray(value, order="C") for name, value in values.items() if value is not None}
        with usual_rights(folder / FILE):
            save_file(arrays, folder / FILE)


def load_kernel_ridge(folder: Path, run: Run, options: KernelRidgeOptions) -> KernelModel:
    """Read what `KernelModel.write` wrote."""
    arrays = load_file(folder / FILE)
    width = float(arrays.pop("width")) if "width" in arrays else None
    return KernelModel(**arrays, width=width)


def fit_kernel_ridge(problem: Problem, options: KernelRidgeOptions) -> LibraryFit:
    """Ridge regression of every point of the output on all points of the input.

    Width and penalty have the best validation metric, or without validation rows the least squared error over five
    folds, in which groups stay whole. The final fit is to training and validation rows.

    Raises:
        PareError: where the kernel of all pairs of rows would not fit into memory.
    """
    x, y = problem.training_arrays()
    y = complete(y)
    if len(x) > MOST_ROWS:
        raise PareError(
            f"kernel ridge compares all pairs of rows and takes at most {MOST_ROWS}, found {len(x)}; set "
            "training.fraction, or use method=fno"
        )
    widths = _widths(x, options)
    validated = len(problem.validation) > 0
    losses = (_validated if validated else _folded)(problem, x, y, widths, options)
    width, penalty = min(losses, key=lambda choice: losses[choice])
    model, versions = _fit(width, penalty, x, y), {"numpy": np.__version__}
    if not validated:
        return LibraryFit(model, versions)
    rows = problem.validation.read(0, len(problem.validation))
    x, y = np.concatenate([x, rows["x"]]), complete(np.concatenate([y, rows["y"]]))
    return LibraryFit(_fit(width, penalty, x, y), versions, unseen=model.predict(rows["x"]))


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)


def _widths(x: np.ndarray, options: KernelRidgeOptions) -> Widths:
    """Widths of the Gaussian kernel in units of the input, None for the linear one."""
    if not options.widths:
        return [None]
    median = median_distance(_flat(x))
    return [width * median for width in options.widths]


def _regression(width: float | None, x: np.ndarray, y: np.ndarray) -> Ridge | GaussianRidge:
    """Regression of outputs on inputs, fields ``(rows, channels, *grid)``, for any penalty."""
    return Ridge.fit(_flat(x), _flat(y)) if width is None else GaussianRidge.fit(_flat(x), _flat(y), width)


def _in_largest(penalty: float, ridge: Ridge | GaussianRidge, rows: int) -> float:
    """A penalty in units of the mean diagonal of the kernel of training rows, in units of its largest eigenvalue."""
    return penalty * float(ridge.squares.sum() / ridge.squares.max()) / rows if len(ridge.squares) else penalty


def _fit(width: float | None, penalty: float, x: np.ndarray, y: np.ndarray) -> KernelModel:
    """Inputs and outputs ``(rows, channels, *grid)``."""
    ridge = _regression(width, x, y)
    coefficients = ridge.fields(_in_largest(penalty, ridge, len(x)))
    return KernelModel(ridge.mean, ridge.directions, coefficients, ridge.constant.reshape(y.shape[1:]), width)


def _predictions(
    x: np.ndarray, y: np.ndarray, new: np.ndarray, widths: Widths, penalties: list[float]
) -> Iterator[tuple[Choice, np.ndarray]]:
    """What each width and penalty predicts for new inputs, fields ``(rows, channels, *grid)``."""
    for width in widths:
        ridge = _regression(width, x, y)
        found = ridge.predict(_flat(new), *(_in_largest(penalty, ridge, len(x)) for penalty in penalties))
        for penalty, prediction in zip(penalties, found, strict=True):
            yield (width, penalty), prediction.reshape(-1, *y.shape[1:]).astype(np.float32)


def _validated(
    problem: Problem, x: np.ndarray, y: np.ndarray, widths: Widths, options: KernelRidgeOptions
) -> dict[Choice, float]:
    rows = problem.validation.read(0, len(problem.validation))
    tried = _predictions(x, y, rows["x"], widths, options.penalties)
    return {choice: problem.error(prediction, rows["y"]) for choice, prediction in tried}


def _folded(
    problem: Problem, x: np.ndarray, y: np.ndarray, widths: Widths, options: KernelRidgeOptions
) -> dict[Choice, float]:
    if len(x) < 2:
        raise PareError("kernel ridge chooses its penalty on rows that are left out and needs 2 training rows, found 1")
    kept = folds_that_keep(problem.task.split, groups_of([(problem.train, problem.chosen)]), len(x))
    losses: dict[Choice, float] = defaultdict(float)
    for fitted, held in kept or KFold(min(FOLDS, len(x)), shuffle=True, random_state=0).split(x):
        for choice, prediction in _predictions(x[fitted], y[fitted], x[held], widths, options.penalties):
            losses[choice] += float(np.square(prediction - y[held]).sum())
    return losses


ESTIMATORS = {
    "kernel_ridge": Estimator(("sklearn",), KernelRidgeOptions, fit_kernel_ridge, load_kernel_ridge),
}
