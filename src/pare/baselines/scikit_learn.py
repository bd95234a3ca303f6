"""Tables: logistic regression by scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from pydantic import Field
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from pare.baselines.estimator import LABELS, Estimator
from pare.baselines.problem import Fitted, Problem
from pare.baselines.skops_files import SUFFIX, read_skops, write_skops
from pare.baselines.tables import (
    ConstantLabel,
    Library,
    OutputModel,
    TableModel,
    answers_by_output,
    load_table_model,
)
from pare.config.errors import PareError
from pare.config.run import BaselineRun
from pare.config.strict import Strict
from pare.start.cross_validation import Folds, folds_that_keep, groups_of

LIBRARY = Library(
    *("scikit-learn", sklearn.__version__, SUFFIX),
    frame=lambda rows, categories: rows,
    write=write_skops,
    read=lambda path, number: read_skops(path),
)


class LogisticOptions(Strict):
    """Options of the logistic regression."""

    strengths: int = Field(ge=1, description="inverse strengths of the penalty tried, from 1e-4 to 1e4")
    folds: int = Field(ge=2)
    iterations: int = Field(ge=1)


def fit_logistic_regression(problem: Problem, options: LogisticOptions) -> Fitted:
    """Numbers standardised, missing ones the median and a mark; categories one-hot, a missing one is a category.

    Raises:
        PareError: where a class has a single training row, or classes and groups of rows are the same: neither can be
            cross-validated.
    """
    x, y = problem.training_arrays()
    bags = [[_logistic(problem, options, x, answers)] for answers in answers_by_output(problem.task, y)]
    return Fitted(TableModel(problem.task, problem.categories, bags, LIBRARY), {LIBRARY.name: LIBRARY.version})


def load_logistic_regression(folder: Path, run: BaselineRun, options: LogisticOptions) -> TableModel:
    """Read the pipelines of a fitted logistic regression."""
    return load_table_model(folder, run.task, LIBRARY)


def cross_validation(problem: Problem, y: np.ndarray, folds: int, rows: Any = slice(None)) -> StratifiedKFold | Folds:
    """Which rows are left out to choose a penalty: classes spread evenly, groups whole, rows in order in blocks.

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
        shares = [(fitted(strength, rest).predict_proba(x[held]), held) for rest, held in folds]
        # Some rows that are left out together may have no row of a class.
        of_folds = [log_loss(codes[held], p, labels=labels, sample_weight=weighed(held)) for p, held in shares]
        return float(np.mean(of_folds))

    folds = list(check_cv(cross_validation(problem, y, options.folds)).split(x, codes))
    with threadpool_limits(1, user_api="blas"):  # its products are small, as in pare.start.solved_start
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


ESTIMATORS = {
    "logistic_regression": Estimator(
        *("tables", LABELS, ("sklearn",), LogisticOptions, fit_logistic_regression, load_logistic_regression),
        weighted=True,
    )
}
