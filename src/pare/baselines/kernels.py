"""Fields: kernel ridge regression by scikit-learn, linear or with Gaussian kernels, on the raw values of the input."""

from collections.abc import Callable
from itertools import product

import numpy as np
import sklearn
import torch
from pydantic import Field, PositiveFloat
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import euclidean_distances, linear_kernel
from sklearn.model_selection import KFold

from pare.baselines.estimator import Estimator
from pare.baselines.problem import Fitted, Problem
from pare.config.errors import PareError
from pare.config.strict import Strict

MOST_ROWS = 10_000  # the kernel of all pairs then takes 800 MB
FOLDS = 5
Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


class KernelRidgeOptions(Strict):
    """What validation chooses from."""

    penalties: list[PositiveFloat] = Field(min_length=1, description="as a share of the kernel's mean diagonal")
    widths: list[PositiveFloat] = Field(
        description="of the Gaussian kernel, in median distances of training rows; none: a linear kernel"
    )


def fit_kernel_ridge(problem: Problem, options: KernelRidgeOptions) -> Fitted:
    """Ridge regression of every point of the output on all points of the input.

    Width and penalty are those of the best validation metric, without validation rows those of the least squared error
    over five folds. What is kept was fitted to training and validation rows.

    Raises:
        PareError: where the kernel of all pairs of rows would not fit into memory.
    """
    x, y = problem.training_arrays()
    if len(x) > MOST_ROWS:
        raise PareError(
            f"kernel ridge compares all pairs of rows and takes at most {MOST_ROWS}, found {len(x)}; set "
            "training.fraction, or use method=fno"
        )
    x = _flat(x)
    kernels = _kernels(x, options)
    validated = len(problem.validation) > 0
    losses = _validated(problem, x, y, kernels, options) if validated else _folded(x, y, kernels, options)
    name, penalty = min(losses, key=lambda choice: losses[choice])
    if validated:
        rows = problem.validation.read(0, len(problem.validation))
        x, y = np.concatenate([x, _flat(rows["x"])]), np.concatenate([y, rows["y"]])
    predict = _fit(kernels[name], penalty, x, y)
    value = _sign(problem) * losses[name, penalty] if validated else None
    return Fitted(lambda new: predict(_flat(new)), {"scikit-learn": sklearn.__version__}, validation=value)


def _sign(problem: Problem) -> int:
    """What makes the metric a loss."""
    return -1 if problem.metric.higher_is_better else 1


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)


def _kernels(x: np.ndarray, options: KernelRidgeOptions) -> dict[float | None, Kernel]:
    """Kernels by their width, None for the linear one."""
    if not options.widths:
        return {None: linear_kernel}
    distances = euclidean_distances(x[:500])
    median = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
    return {width: _gaussian(width * median) for width in options.widths}


def _gaussian(width: float) -> Kernel:
    return lambda a, b: np.exp(-euclidean_distances(a, b, squared=True) / (2 * width**2))


def _fit(kernel: Kernel, penalty: float, x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Predictor of fields ``(rows, channels, *grid)``; inputs ``(rows, values)``."""
    centre, mean = x.mean(0), y.mean(0)
    x = x - centre
    pairs = kernel(x, x)
    model = KernelRidge(alpha=penalty * float(np.mean(np.diag(pairs))), kernel="precomputed")
    model.fit(pairs, _flat(y - mean))

    def predict(new: np.ndarray) -> np.ndarray:
        return (model.predict(kernel(new - centre, x)).reshape(-1, *mean.shape) + mean).astype(np.float32)

    return predict


def _validated(
    problem: Problem, x: np.ndarray, y: np.ndarray, kernels: dict[float | None, Kernel], options: KernelRidgeOptions
) -> dict[tuple[float | None, float], float]:
    rows = problem.validation.read(0, len(problem.validation))
    losses = {}
    for name, penalty in product(kernels, options.penalties):
        problem.metric.reset()
        prediction = _fit(kernels[name], penalty, x, y)(_flat(rows["x"]))
        problem.metric.update(torch.from_numpy(prediction), torch.from_numpy(rows["y"]))
        losses[name, penalty] = _sign(problem) * float(problem.metric.compute())
    return losses


def _folded(
    x: np.ndarray, y: np.ndarray, kernels: dict[float | None, Kernel], options: KernelRidgeOptions
) -> dict[tuple[float | None, float], float]:
    folds = list(KFold(FOLDS, shuffle=True, random_state=0).split(x))
    return {
        (name, penalty): sum(
            float(np.square(_fit(kernels[name], penalty, x[fitted], y[fitted])(x[held]) - y[held]).sum())
            for fitted, held in folds
        )
        for name, penalty in product(kernels, options.penalties)
    }


ESTIMATORS = {"kernel_ridge": Estimator("grids", ("dense",), ("sklearn",), KernelRidgeOptions, fit_kernel_ridge)}
