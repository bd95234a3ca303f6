"""Series: MiniRocket by sktime, with the ridge classifier of its authors."""

import numpy as np
from pydantic import Field, PositiveFloat
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pare.baselines.estimator import LABELS, Estimator, as_series
from pare.baselines.problem import Fitted, Problem, require
from pare.config.errors import PareError
from pare.config.strict import Strict

SHORTEST = 9  # the length of a kernel


class MiniRocketOptions(Strict):
    """Options of MiniRocket."""

    kernels: int = Field(ge=84, description="about so many features; rounded down to a multiple of 84")
    penalties: list[PositiveFloat] = Field(
        min_length=1, description="of the ridge; one is chosen by leave-one-out on the training rows"
    )


def fit_minirocket(problem: Problem, options: MiniRocketOptions) -> Fitted:
    """Dempster et al. (2021): how often each of fixed convolutions is above a bias, then a linear model.

    Raises:
        PareError: where the series are shorter than a kernel.
    """
    require("numba")  # which sktime takes as optional
    sktime = require("sktime")
    rocket = require("sktime.transformations.rocket")
    x, y = problem.training_arrays()
    shape = as_series(problem.task) or x.shape[1:]
    if shape[1] < SHORTEST:
        raise PareError(f"MiniRocket needs series of at least {SHORTEST} samples, the task has {shape[1]}")
    transform = rocket.MiniRocketMultivariate(options.kernels, n_jobs=1, random_state=problem.seed)
    features = np.asarray(transform.fit_transform(x.reshape(-1, *shape)), np.float32)
    model = make_pipeline(StandardScaler(with_mean=False), _ridge(problem, options)).fit(features, _targets(problem, y))

    def predict(rows: np.ndarray) -> np.ndarray:
        features = np.asarray(transform.transform(rows.reshape(-1, *shape)), np.float32)
        if not problem.task.classes:
            return model.predict(features).reshape(len(rows), -1).astype(np.float32)
        return _class_scores(model.decision_function(features), model.classes_, problem.task.classes)

    return Fitted(predict, {"sktime": sktime.__version__})


def _ridge(problem: Problem, options: MiniRocketOptions) -> RidgeClassifierCV | RidgeCV:
    if problem.task.classes:
        return RidgeClassifierCV(options.penalties, class_weight="balanced" if problem.class_weights else None)
    return RidgeCV(options.penalties)


def _targets(problem: Problem, y: np.ndarray) -> np.ndarray:
    """Labels as −1 and 1, as a ridge classifier has its classes; classes and numbers as they are."""
    return 2 * y - 1 if problem.task.output.kind == "multilabel" else y


def _class_scores(scores: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Scores of all classes, ``(rows, classes)`` float32; a class that was never seen gets less than any other.

    Args:
        scores: ``(rows,)`` of the second class where there are two, else ``(rows, present classes)``.
        present: classes of the training rows.
        classes: number of the task's classes.
    """
    scores = np.stack([-scores, scores], 1) / 2 if scores.ndim == 1 else scores
    full = np.repeat(scores.min(1, keepdims=True) - 10, classes, 1)
    full[:, present] = scores
    return full.astype(np.float32)


ESTIMATORS = {
    "minirocket": Estimator("series", (*LABELS, "regression"), ("numba", "sktime"), MiniRocketOptions, fit_minirocket)
}
