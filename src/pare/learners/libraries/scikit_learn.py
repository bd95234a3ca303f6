"""By scikit-learn: logistic regression of tables, a support vector machine on the points of images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from pydantic import Field, PositiveFloat
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, check_cv
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits
from torch.nn import functional as F

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.schema import Task
from pare.config.strict import Strict
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
from pare.learners.libraries.table_models import (
    ConstantLabel,
    Library,
    OutputModel,
    TableModel,
    answers_by_output,
    load_table_model,
)
from pare.learners.networks.start.cross_validation import Folds, folds_that_keep, groups_of
from pare.storage.store import evenly_spaced

LIBRARY = Library(
    *("scikit-learn", sklearn.__version__, SUFFIX),
    frame=lambda rows, categories: rows,
    write=write_skops,
    read=lambda path, number: read_skops(path),
)
FILE = f"model{SUFFIX}"
# A fit of 4,000 noisy colour images of 32 × 32 points took 19 CPU seconds; time grows with the square of the rows.
MOST_ROWS = 5_000


class LogisticOptions(Strict):
    """Options of the logistic regression."""

    strengths: int = Field(ge=1, description="inverse strengths of the penalty tried, from 1e-4 to 1e4")
    folds: int = Field(ge=2)
    iterations: int = Field(ge=1)


def fit_logistic_regression(problem: Problem, options: LogisticOptions) -> LibraryFit:
    """Numbers standardised, missing ones the median and a mark; categories one-hot, a missing one is a category.

    Raises:
        PareError: where a class has a single training row, or classes and groups of rows are the same: neither can be
            cross-validated.
    """
    x, y = problem.training_arrays()
    outputs = [_logistic(problem, options, x, answers) for answers in answers_by_output(problem.task, y)]
    return LibraryFit(TableModel(problem.task, problem.categories, outputs, LIBRARY), {LIBRARY.name: LIBRARY.version})


def load_logistic_regression(folder: Path, run: Run, options: LogisticOptions) -> TableModel:
    """Read the pipelines of a fitted logistic regression."""
    return load_table_model(folder, run.task, LIBRARY)


def cross_validation(problem: Problem, y: np.ndarray, folds: int, rows: Any = slice(None)) -> StratifiedKFold | Folds:
    """Held-out rows that choose a penalty: classes spread evenly, groups whole, rows in order in blocks.

    Args:
        problem: whose training rows are cut.
        y: classes of the rows, ``(rows,)``.
        folds: at most so many.
        rows: which of the used training rows they are; all of them by default.

    Raises:
        PareError: where a class has a single row, or there is none outside of any group.
    """
    present, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        raise PareError(
            f"class {int(present[counts.argmin()])} has 1 training row, cross-validation needs 2 of each; "
            "bring more rows, or use another method, such as method=probe"
        )
    groups = groups_of([(problem.train, problem.chosen[rows])])
    kept = folds_that_keep(problem.task.split, groups, len(y), folds)
    if kept is None:
        return StratifiedKFold(min(folds, counts.min()), shuffle=True, random_state=problem.seed)
    return _of_all_classes(kept, codes)


def _logistic(problem: Problem, options: LogisticOptions, x: np.ndarray, y: np.ndarray) -> OutputModel:
    present, codes = np.unique(y, return_inverse=True)
    if len(present) == 1:
        return OutputModel(ConstantLabel(), present)
    pipeline, weights, labels = _logistic_pipeline(problem, options), problem.weights, np.arange(len(present))

    def weighed(rows: np.ndarray) -> np.ndarray | None:
        return None if weights is None else weights[rows]

    def fitted(strength: float, rows: np.ndarray) -> Pipeline:
        model = clone(pipeline).set_params(logisticregression__C=strength)
        return model.fit(x[rows], codes[rows], logisticregression__sample_weight=weighed(rows))

    def loss(strength: float) -> float:
        found = [(fitted(strength, rest).predict_proba(x[held]), held) for rest, held in folds]
        # A fold may have no row of a class.
        of_folds = [log_loss(codes[held], p, labels=labels, sample_weight=weighed(held)) for p, held in found]
        return float(np.mean(of_folds))

    folds = list(check_cv(cross_validation(problem, y, options.folds)).split(x, codes))
    with threadpool_limits(
        1, user_api="blas"
    ):  # its products are small, as in pare.learners.networks.start.solved_start
        best = min(np.logspace(-4, 4, options.strengths), key=loss)
        return OutputModel(fitted(best, np.arange(len(x))), present)


def _of_all_classes(folds: Folds, codes: np.ndarray) -> Folds:
    """The folds whose rows to fit have all classes."""
    whole = [(fitted, held) for fitted, held in folds if len(np.unique(codes[fitted])) == codes.max() + 1]
    if not whole:
        raise PareError(
            "without any group of rows, or any part of the time, a class has no training rows: the penalty cannot be "
            "cross-validated; bring more groups, or use another method, such as method=probe"
        )
    return whole


def _logistic_pipeline(problem: Problem, options: LogisticOptions) -> Pipeline:
    features = range(problem.task.input.shape[0])
    categorical = [i for i in features if i < len(problem.categories) and problem.categories[i]]
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    columns = ColumnTransformer(
        [
            ("numbers", numbers, [i for i in features if i not in categorical]),
            ("categories", OneHotEncoder(handle_unknown="ignore"), categorical),
        ]
    )
    weights: Any = "balanced" if problem.class_weights else None
    if problem.positive_weight != 1:
        weights = {0: 1.0, 1: problem.positive_weight}
    return make_pipeline(columns, LogisticRegression(max_iter=options.iterations, class_weight=weights))


class MachineOptions(Strict):
    """Options of the support vector machine."""

    strengths: list[PositiveFloat] = Field(min_length=1, description="inverse strengths of the penalty that are tried")
    folds: int = Field(ge=2, description="folds of the training rows that choose the strength")
    rows: int = Field(ge=10, description="on which it is chosen, at most")
    edge: int = Field(ge=1, description="points along an edge; a larger image is averaged down to as many")


@dataclass(frozen=True)
class MachineModel(LibraryModel):
    """A support vector machine with a Gaussian kernel.

    Attributes:
        task: the task.
        edge: points along an edge, at most.
        machine: scikit-learn's, of points ``(rows, points)``.
    """

    task: Task
    edge: int
    machine: SVC

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Scores of classes, ``(rows, classes)``, which are no logarithms of probabilities."""
        assert self.task.classes is not None  # the task suits
        scores = self.machine.decision_function(_points(inputs, self.edge))
        return class_scores(scores, self.machine.classes_, self.task.classes)

    def write(self, folder: Path) -> None:
        """One file of skops."""
        write_skops(self.machine, folder / FILE)


def fit_machine(problem: Problem, options: MachineOptions) -> LibraryFit:
    """Fit to the points of all channels; the width of the kernel follows from their variance.

    Raises:
        PareError: where rows are too many, or of one class, or a class has a single training row.
    """
    if (count := len(problem.chosen)) > MOST_ROWS:
        raise PareError(
            f"a support vector machine of {count:,} training rows takes too long, at most {MOST_ROWS:,} are fitted; "
            "use method=probe, or training.fraction"
        )
    images, y = problem.training_arrays()
    check_two_classes(y, "a support vector machine")
    x, rows = _points(images, options.edge), _choosing_rows(y, options.rows)
    folds = cross_validation(problem, y[rows], options.folds, rows)
    machine = SVC(class_weight="balanced" if problem.class_weights else None)
    search = GridSearchCV(machine, {"C": options.strengths}, cv=folds, refit=False).fit(x[rows], y[rows])
    machine.set_params(**search.best_params_).fit(x, y)
    return LibraryFit(MachineModel(problem.task, options.edge, machine), {"scikit-learn": sklearn.__version__})


def _choosing_rows(y: np.ndarray, most: int) -> np.ndarray:
    """Numbers of rows, in their order: so many evenly spaced ones, and of each class the first two."""
    rows = np.arange(len(y))
    firsts = [np.flatnonzero(y == known)[:2] for known in np.unique(y)]
    return np.unique(np.concatenate([evenly_spaced(rows, most), *firsts]))


def _points(images: np.ndarray, edge: int) -> np.ndarray:
    """The points of images ``(rows, channels, height, width)``, in rows; of larger ones means over areas."""
    size = [min(n, edge) for n in images.shape[2:]]
    if size != list(images.shape[2:]):
        images = F.interpolate(torch.from_numpy(images), size=size, mode="area").numpy()
    return images.reshape(len(images), -1)


def load_machine(folder: Path, run: Run, options: MachineOptions) -> MachineModel:
    """Read a fitted support vector machine."""
    return MachineModel(run.task, options.edge, read_skops(folder / FILE))


ESTIMATORS = {
    "logistic_regression": Estimator(
        ("sklearn",), LogisticOptions, fit_logistic_regression, load_logistic_regression, weighted=True
    ),
    "svm": Estimator(("sklearn",), MachineOptions, fit_machine, load_machine),
}
