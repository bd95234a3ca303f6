"""Fields: kernel ridge regression by scikit-learn, linear or with Gaussian kernels, on the raw values of the input."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import sklearn
import torch
from pydantic import Field, PositiveFloat
from safetensors.numpy import load_file, save_file
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import euclidean_distances, linear_kernel
from sklearn.model_selection import KFold

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.strict import Strict
from pare.learners.libraries.problem import Estimator, LibraryFit, Problem
from pare.learners.networks.start.cross_validation import FOLDS, folds_that_keep, groups_of
from pare.learners.networks.start.regressions import complete, gaussian, median_distance
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
class KernelModel:
    """Coefficients of the training rows, which a new row takes by its kernel with each.

    Attributes:
        x: the training rows, ``(rows, channels, *grid)``.
        centre: their mean, ``(values,)``.
        coefficients: ``(rows, values)``.
        mean: mean output, ``(channels, *grid)``.
        width: width of the Gaussian kernel, in units of the input; None: a linear kernel.
    """

    x: np.ndarray
    centre: np.ndarray
    coefficients: np.ndarray
    mean: np.ndarray
    width: float | None

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Fields."""
        pairs = _kernel(_compared(_flat(inputs) - self.centre, _flat(self.x) - self.centre, self.width), self.width)
        return ((pairs @ self.coefficients).reshape(-1, *self.mean.shape) + self.mean).astype(np.float32)

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
    model, versions = _fit(width, penalty, x, y), {"scikit-learn": sklearn.__version__}
    if not validated:
        return LibraryFit(model, versions)
    rows = problem.validation.read(0, len(problem.validation))
    x, y = np.concatenate([x, rows["x"]]), complete(np.concatenate([y, rows["y"]]))
    return LibraryFit(_fit(width, penalty, x, y), versions, unseen=model.predict(rows["x"]))


def _sign(problem: Problem) -> int:
    """Factor that makes the metric a loss."""
    return -1 if problem.metric.higher_is_better else 1


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)


def _compared(a: np.ndarray, b: np.ndarray, width: float | None) -> np.ndarray:
    """What a kernel of any width depends on, of rows ``(rows, values)`` and others: ``(rows, others)``."""
    return linear_kernel(a, b) if width is None else euclidean_distances(a, b, squared=True)


def _kernel(compared: np.ndarray, width: float | None) -> np.ndarray:
    """The kernel of pairs of rows, ``(rows, others)``."""
    return compared if width is None else gaussian(compared, width)


def _widths(x: np.ndarray, options: KernelRidgeOptions) -> Widths:
    """Widths of the Gaussian kernel in units of the input, None for the linear one."""
    if not options.widths:
        return [None]
    median = median_distance(_flat(x))
    return [width * median for width in options.widths]


def _fit(width: float | None, penalty: float, x: np.ndarray, y: np.ndarray) -> KernelModel:
    """Inputs and outputs ``(rows, channels, *grid)``."""
    rows, mean = _flat(x), y.mean(0)
    centre = rows.mean(0)
    pairs = _kernel(_compared(rows - centre, rows - centre, width), width)
    return KernelModel(x, centre, _ridge(penalty, pairs).fit(pairs, _flat(y - mean)).dual_coef_, mean, width)


def _ridge(penalty: float, pairs: np.ndarray) -> KernelRidge:
    """Regression by the kernel of all pairs of training rows, ``(rows, rows)``."""
    return KernelRidge(alpha=penalty * float(np.mean(np.diag(pairs))), kernel="precomputed")


def _predictions(
    x: np.ndarray, y: np.ndarray, new: np.ndarray, widths: Widths, penalties: list[float]
) -> Iterator[tuple[Choice, np.ndarray]]:
    """What each width and penalty predicts for new inputs, fields ``(rows, channels, *grid)``.

    The same as by models of their own. Those solve for all outputs; this solves for the weights of the training rows in
    each prediction, which are mostly fewer numbers.
    """
    mean, centre = y.mean(0), _flat(x).mean(0)
    known, asked, outputs = _flat(x) - centre, _flat(new) - centre, _flat(y - mean)
    pairs_compared, others_compared = (_compared(known, rows, widths[0]) for rows in (known, asked))
    for width in widths:
        pairs, others = _kernel(pairs_compared, width), _kernel(others_compared, width)
        for penalty in penalties:
            taken = _ridge(penalty, pairs).fit(pairs, others).dual_coef_
            yield (width, penalty), ((taken.T @ outputs).reshape(-1, *mean.shape) + mean).astype(np.float32)


def _validated(
    problem: Problem, x: np.ndarray, y: np.ndarray, widths: Widths, options: KernelRidgeOptions
) -> dict[Choice, float]:
    rows = problem.validation.read(0, len(problem.validation))
    losses = {}
    for choice, prediction in _predictions(x, y, rows["x"], widths, options.penalties):
        problem.metric.reset()
        problem.metric.update(torch.from_numpy(prediction), torch.from_numpy(rows["y"]))
        losses[choice] = _sign(problem) * float(problem.metric.compute())
    return losses


def _folded(
    problem: Problem, x: np.ndarray, y: np.ndarray, widths: Widths, options: KernelRidgeOptions
) -> dict[Choice, float]:
    kept = folds_that_keep(problem.task.split, groups_of([(problem.train, problem.chosen)]), len(x))
    losses: dict[Choice, float] = defaultdict(float)
    for fitted, held in kept or KFold(FOLDS, shuffle=True, random_state=0).split(x):
        for choice, prediction in _predictions(x[fitted], y[fitted], x[held], widths, options.penalties):
            losses[choice] += float(np.square(prediction - y[held]).sum())
    return losses


ESTIMATORS = {
    "kernel_ridge": Estimator(
        "grids", ("dense",), ("sklearn",), KernelRidgeOptions, fit_kernel_ridge, load_kernel_ridge
    )
}
