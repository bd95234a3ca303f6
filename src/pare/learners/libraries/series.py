"""Series: MiniRocket, MultiRocket and Hydra by aeon, with the ridge classifier of their authors.

Hydra (Dempster, Schmidt and Webb, 2023) has groups of random kernels that compete for each point.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field, PositiveFloat
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.schema import Task
from pare.config.strict import Strict
from pare.config.suitability import as_series
from pare.learners.libraries.problem import (
    SUFFIX,
    Estimator,
    LibraryFit,
    LibraryModel,
    Problem,
    check_two_classes,
    class_scores,
    read_skops,
    write_skops,
)
from pare.learners.packages import require

TRANSFORMS = "aeon.transformations.collection.convolution_based"
ROWS = 64  # transformed at a time, so that memory does not grow with the data
RARE = 4  # power of the share of zeros that is added to a standard deviation, as in the authors' code
FILE = f"model{SUFFIX}"


class Hydra:
    """Features of series: the roots of counts, scaled by the training rows where they are not zero.

    Args:
        shape: ``(channels, length)`` of a series.
        groups: groups per dilation.
        kernels: kernels of a group.
        seed: seed of the kernels, and of the channels that each group adds up.
    """

    def __init__(self, shape: tuple[int, int], groups: int, kernels: int, seed: int = 0) -> None:
        library = require(TRANSFORMS)
        threads = torch.get_num_threads()  # aeon sets torch's threads to its jobs
        with torch.random.fork_rng(devices=[]):
            counts = library.HydraTransformer(kernels, groups, n_jobs=threads, random_state=seed, output_type="numpy")
            self.counts: Any = counts.fit(np.zeros((2, *shape)))
        self.mean = self.scale = np.zeros(0, np.float32)

    def fit_transform(self, series: np.ndarray) -> np.ndarray:
        """Take the scales from the training rows ``(rows, channels, length)``; their features."""
        roots = self._roots(series)
        self.mean = roots.mean(0)
        self.scale = roots.std(0, ddof=1) + (roots == 0).mean(0, dtype=np.float32) ** RARE + 1e-8
        return self._scaled(roots)

    def transform(self, series: np.ndarray) -> np.ndarray:
        """Features ``(rows, features)`` of series ``(rows, channels, length)``."""
        return self._scaled(self._roots(series))

    def _roots(self, series: np.ndarray) -> np.ndarray:
        parts = np.array_split(series, -(-len(series) // ROWS))
        return np.sqrt(np.concatenate([self.counts.transform(part) for part in parts]).clip(0))

    def _scaled(self, roots: np.ndarray) -> np.ndarray:
        return (roots - self.mean) * (roots != 0) / self.scale

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All that was drawn and learnt; the library has no file format."""
        drawn = self.counts._hydra
        channels = {f"channels_{i}": part.numpy() for i, part in enumerate(drawn.idx)}
        return {"weights": drawn.W.numpy(), "mean": self.mean, "scale": self.scale, **channels}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> "Hydra":
        """Take `arrays` of another in place of its own."""
        drawn = self.counts._hydra
        drawn.W = torch.from_numpy(arrays["weights"])
        drawn.idx = [torch.from_numpy(arrays[f"channels_{i}"]) for i in range(len(drawn.idx))]
        self.mean, self.scale = arrays["mean"], arrays["scale"]
        return self


class RocketOptions(Strict):
    """Options of MiniRocket and MultiRocket."""

    kernels: int = Field(
        ge=84,
        description="rounded down to a multiple of 84; MiniRocket makes one feature of each, MultiRocket eight",
    )
    penalties: list[PositiveFloat] = Field(
        min_length=1, description="ridge penalties to try; leave-one-out on the training rows chooses"
    )


class HydraOptions(RocketOptions):
    """Options of MultiRocket-Hydra."""

    groups: int = Field(ge=2, description="groups of Hydra's kernels per dilation")
    competitors: int = Field(ge=2, description="Hydra's kernels in a group")


@contextmanager
def _threads_kept() -> Iterator[None]:
    """As many threads of torch as before: those that numba starts for the first transform change their number."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class RocketModel(LibraryModel):
    """Fixed convolutions of a series, and a linear model of features such as how often each is above a bias.

    Attributes:
        task: the task.
        transform: aeon's, series ``(rows, channels, length)`` to features ``(rows, features)``.
        hydra: whose features the ridge reads as well, or None.
        ridge: scikit-learn's pipeline of scaling and ridge.
    """

    task: Task
    transform: Any
    hydra: Hydra | None
    ridge: Pipeline

    @_threads_kept()
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Scores of classes or labels, which are no logarithms of probabilities, or numbers."""
        series = _series(self.task, inputs)
        features = self.transform.transform(series)
        if self.hydra:
            features = np.concatenate([features, self.hydra.transform(series)], 1)
        if not self.task.classes:
            return self.ridge.predict(features).reshape(len(inputs), -1).astype(np.float32)
        return class_scores(self.ridge.decision_function(features), self.ridge.classes_, self.task.classes)

    def write(self, folder: Path) -> None:
        """Transform, ridge and Hydra's arrays as one file of skops."""
        write_skops([self.transform, self.ridge, self.hydra and self.hydra.arrays], folder / FILE)


def _load(name: str, folder: Path, run: Run, options: RocketOptions) -> RocketModel:
    kind = getattr(require(TRANSFORMS), name)
    transform, ridge, arrays = read_skops(folder / FILE, [f"{kind.__module__}.{kind.__qualname__}"])
    hydra = _hydra(run.task, options)
    return RocketModel(run.task, transform, hydra and hydra.restore(arrays), ridge)


def _hydra(task: Task, options: RocketOptions, seed: int = 0) -> Hydra | None:
    shape = as_series(task)
    assert shape is not None  # the task suits
    return Hydra(shape, options.groups, options.competitors, seed) if isinstance(options, HydraOptions) else None


@_threads_kept()
def _fit(name: str, shortest: int, problem: Problem, options: RocketOptions) -> LibraryFit:
    x, y = problem.training_arrays()
    series = _series(problem.task, x)
    if series.shape[2] < shortest:
        raise PareError(f"{name} needs series of at least {shortest} samples, the task has {series.shape[2]}")
    if problem.task.classes:
        check_two_classes(y, name)
    transform = getattr(require(TRANSFORMS), name)(options.kernels, random_state=problem.seed)
    features = transform.fit_transform(series)
    scaling: Any = StandardScaler(with_mean=False)
    hydra = _hydra(problem.task, options, problem.seed)
    if hydra:
        scaling = ColumnTransformer([("rocket", scaling, slice(features.shape[1]))], remainder="passthrough")
        features = np.concatenate([features, hydra.fit_transform(series)], 1)
    ridge = make_pipeline(scaling, _ridge(problem, options)).fit(features, _targets(problem, y))
    return LibraryFit(RocketModel(problem.task, transform, hydra, ridge), {"aeon": require("aeon").__version__})


def _series(task: Task, x: np.ndarray) -> np.ndarray:
    """Inputs as series, ``(rows, channels, length)``."""
    shape = as_series(task)
    assert shape is not None  # the task suits
    return x.reshape(-1, *shape)


def _ridge(problem: Problem, options: RocketOptions) -> RidgeClassifierCV | RidgeCV:
    if problem.task.classes:
        return RidgeClassifierCV(options.penalties, class_weight="balanced" if problem.class_weights else None)
    return RidgeCV(options.penalties)


def _targets(problem: Problem, y: np.ndarray) -> np.ndarray:
    """Labels as −1 and 1, as a ridge classifier has its classes; classes and numbers as they are."""
    return 2 * y - 1 if problem.task.output.kind == "multilabel" else y


def _estimator(name: str, shortest: int, options: type[RocketOptions] = RocketOptions) -> Estimator:
    """The ridge of a transform of aeon that needs so many samples."""
    return Estimator(("aeon",), options, partial(_fit, name, shortest), partial(_load, name))


# A kernel has nine weights; MultiRocket and Hydra also take the differences of the samples.
ESTIMATORS = {
    "minirocket": _estimator("MiniRocket", shortest=9),
    "multirocket": _estimator("MultiRocket", shortest=10),
    "multirocket_hydra": _estimator("MultiRocket", shortest=10, options=HydraOptions),
}
