"""Series: MiniRocket by sktime, with the ridge classifier of its authors."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, PositiveFloat
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from pare.baselines.estimator import LABELS, Estimator, as_series
from pare.baselines.problem import Fitted, Problem, require
from pare.baselines.skops_files import SUFFIX, read_skops, write_skops
from pare.config.errors import PareError
from pare.config.run import BaselineRun
from pare.config.schema import Task
from pare.config.strict import Strict

SHORTEST = 9  # the length of a kernel
FILE = f"model{SUFFIX}"


class MiniRocketOptions(Strict):
    """Options of MiniRocket."""

    kernels: int = Field(ge=84, description="about so many features; rounded down to a multiple of 84")
    penalties: list[PositiveFloat] = Field(
        min_length=1, description="of the ridge; one is chosen by leave-one-out on the training rows"
    )


@dataclass(frozen=True)
class MiniRocketModel:
    """Fixed convolutions of a series, and a linear model of how often each is above a bias.

    Attributes:
        task: what is predicted.
        transform: sktime's, series ``(rows, channels, length)`` to features ``(rows, features)``.
        ridge: scikit-learn's pipeline of scaling and ridge.
    """

    task: Task
    transform: Any
    ridge: Pipeline

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Scores of classes or labels, which are no logarithms of probabilities, or numbers."""
        features = _features(self.transform.transform(_series(self.task, inputs)))
        if not self.task.classes:
            return self.ridge.predict(features).reshape(len(inputs), -1).astype(np.float32)
        return _class_scores(self.ridge.decision_function(features), self.ridge.classes_, self.task.classes)

    def write(self, folder: Path) -> None:
        """Transform and ridge as one file of skops."""
        write_skops([self.transform, self.ridge], folder / FILE)


def load_minirocket(folder: Path, run: BaselineRun, options: MiniRocketOptions) -> MiniRocketModel:
    """Read what `MiniRocketModel.write` wrote."""
    rocket = require("sktime.transformations.rocket").MiniRocketMultivariate
    transform, ridge = read_skops(folder / FILE, [f"{rocket.__module__}.{rocket.__qualname__}"])
    return MiniRocketModel(run.task, transform, ridge)


def fit_minirocket(problem: Problem, options: MiniRocketOptions) -> Fitted:
    """Dempster et al. (2021): how often each of fixed convolutions is above a bias, then a linear model.

    Raises:
        PareError: where the series are shorter than a kernel.
    """
    require("numba")  # which sktime takes as optional
    sktime = require("sktime")
    rocket = require("sktime.transformations.rocket")
    x, y = problem.training_arrays()
    series = _series(problem.task, x)
    if series.shape[2] < SHORTEST:
        raise PareError(f"MiniRocket needs series of at least {SHORTEST} samples, the task has {series.shape[2]}")
    transform = rocket.MiniRocketMultivariate(options.kernels, n_jobs=1, random_state=problem.seed)
    features = _features(transform.fit_transform(series))
    ridge = make_pipeline(StandardScaler(with_mean=False), _ridge(problem, options)).fit(features, _targets(problem, y))
    return Fitted(MiniRocketModel(problem.task, transform, ridge), {"sktime": sktime.__version__})


def _series(task: Task, x: np.ndarray) -> np.ndarray:
    """Inputs as series, ``(rows, channels, length)``."""
    shape = as_series(task)
    assert shape is not None  # the task suits
    return x.reshape(-1, *shape)


def _features(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(frame, np.float32)


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
    "minirocket": Estimator(
        *("series", (*LABELS, "regression"), ("numba", "sktime")),
        options=MiniRocketOptions,
        fit=fit_minirocket,
        load=load_minirocket,
    )
}
