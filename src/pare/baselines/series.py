"""Series: MiniRocket and MultiRocket by sktime, with the ridge classifier of their authors."""

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

FILE = f"model{SUFFIX}"


class RocketOptions(Strict):
    """Options of MiniRocket and MultiRocket."""

    kernels: int = Field(
        ge=84,
        description="rounded down to a multiple of 84; MiniRocket makes one feature of each, MultiRocket eight",
    )
    penalties: list[PositiveFloat] = Field(
        min_length=1, description="of the ridge; one is chosen by leave-one-out on the training rows"
    )


@dataclass(frozen=True)
class Rocket:
    """A transform of series by fixed convolutions.

    Attributes:
        title: its name.
        transform: sktime's class for series of many channels.
        shortest: samples that it needs.
    """

    title: str
    transform: str
    shortest: int

    def library(self) -> type:
        """The class itself."""
        return getattr(require("sktime.transformations.rocket"), self.transform)


@dataclass(frozen=True)
class RocketModel:
    """Fixed convolutions of a series, and a linear model of features such as how often each is above a bias.

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


def _load(rocket: Rocket, folder: Path, run: BaselineRun) -> RocketModel:
    kind = rocket.library()
    transform, ridge = read_skops(folder / FILE, [f"{kind.__module__}.{kind.__qualname__}"])
    return RocketModel(run.task, transform, ridge)


def _fit(rocket: Rocket, problem: Problem, options: RocketOptions) -> Fitted:
    require("numba")  # which sktime takes as optional
    sktime = require("sktime")
    x, y = problem.training_arrays()
    series = _series(problem.task, x)
    if series.shape[2] < rocket.shortest:
        raise PareError(
            f"{rocket.title} needs series of at least {rocket.shortest} samples, the task has {series.shape[2]}"
        )
    transform = rocket.library()(options.kernels, n_jobs=1, random_state=problem.seed)
    features = _features(transform.fit_transform(series))
    ridge = make_pipeline(StandardScaler(with_mean=False), _ridge(problem, options)).fit(features, _targets(problem, y))
    return Fitted(RocketModel(problem.task, transform, ridge), {"sktime": sktime.__version__})


def _series(task: Task, x: np.ndarray) -> np.ndarray:
    """Inputs as series, ``(rows, channels, length)``, in the precision that MultiRocket takes."""
    shape = as_series(task)
    assert shape is not None  # the task suits
    return x.reshape(-1, *shape).astype(np.float64)


def _features(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(frame, np.float32)


def _ridge(problem: Problem, options: RocketOptions) -> RidgeClassifierCV | RidgeCV:
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


def _estimator(rocket: Rocket) -> Estimator:
    def fit(problem: Problem, options: RocketOptions) -> Fitted:
        return _fit(rocket, problem, options)

    def load(folder: Path, run: BaselineRun, options: RocketOptions) -> RocketModel:
        return _load(rocket, folder, run)

    return Estimator("series", (*LABELS, "regression"), ("numba", "sktime"), RocketOptions, fit, load)


# A kernel has nine weights; MultiRocket also takes the differences of the samples.
ESTIMATORS = {
    "minirocket": _estimator(Rocket("MiniRocket", "MiniRocketMultivariate", shortest=9)),
    "multirocket": _estimator(Rocket("MultiRocket", "MultiRocketMultivariate", shortest=10)),
}
