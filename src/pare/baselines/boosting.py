"""Tables: gradient boosting by XGBoost, LightGBM and CatBoost."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import ParameterGrid
from sklearn.utils.class_weight import compute_class_weight

from pare.baselines.estimator import LABELS, Estimator
from pare.baselines.problem import Fitted, Problem, require
from pare.baselines.tables import ConstantLabel, OutputModel, answers_by_output, as_fitted
from pare.config.errors import PareError, unknown_name


class BoosterOptions(BaseModel):
    """Options of a booster; all others are arguments of the library's estimator."""

    model_config = ConfigDict(extra="allow", frozen=True)

    early_stopping_rounds: PositiveInt
    search: dict[str, list[Any]] = Field(
        default_factory=dict, description="arguments of which the best on the validation rows are taken; else the first"
    )


@dataclass(frozen=True)
class Part:
    """Rows of one split: a frame, answers ``(rows,)`` and weights ``(rows,)``, none where all are equal."""

    x: pd.DataFrame
    y: np.ndarray
    weight: np.ndarray | None


@dataclass(frozen=True)
class Booster:
    """How a library's estimators are made and fitted.

    Attributes:
        name: of the library.
        version: of the library.
        estimators: its classifier and its regressor.
        always: arguments that are not the user's to choose.
        fit: an estimator, the training rows, the validation rows, rounds without improvement after which to stop.
        mistake: what the library raises for a wrong argument, besides ValueError and TypeError.
        frame: inputs ``(rows, features)`` and the number of categories per column, to what the library takes.
    """

    name: str
    version: str
    estimators: tuple[type, type]
    always: dict[str, Any]
    fit: Callable[[Any, Part, Part | None, int], object]
    mistake: type[Exception]
    frame: Callable[[np.ndarray, Sequence[int]], pd.DataFrame]


def fit_xgboost(problem: Problem, options: BoosterOptions) -> Fitted:
    """Chen and Guestrin (2016), trees from histograms; categories are split into two sets."""
    xgboost = require("xgboost")

    def fit(model: Any, train: Part, validation: Part | None, rounds: int) -> None:
        held_out: dict[str, Any] = {}
        if validation:
            model.set_params(early_stopping_rounds=rounds)
            held_out["eval_set"] = [(validation.x, validation.y)]
            if validation.weight is not None:
                held_out["sample_weight_eval_set"] = [validation.weight]
        model.fit(train.x, train.y, sample_weight=train.weight, verbose=False, **held_out)

    booster = Booster(
        "xgboost",
        xgboost.__version__,
        (xgboost.XGBClassifier, xgboost.XGBRegressor),
        {"random_state": problem.seed, "enable_categorical": True},
        fit,
        xgboost.core.XGBoostError,
        frame_with_categories,
    )
    return _boosted(problem, options, booster)


def fit_lightgbm(problem: Problem, options: BoosterOptions) -> Fitted:
    """Ke et al. (2017); categories are split into two sets."""
    lightgbm = require("lightgbm")

    def fit(model: Any, train: Part, validation: Part | None, rounds: int) -> None:
        held_out: dict[str, Any] = {}
        if validation:
            held_out |= {"eval_X": validation.x, "eval_y": validation.y}
            held_out["callbacks"] = [lightgbm.early_stopping(rounds, verbose=False)]
            if validation.weight is not None:
                held_out["eval_sample_weight"] = [validation.weight]
        model.fit(train.x, train.y, sample_weight=train.weight, **held_out)

    booster = Booster(
        "lightgbm",
        lightgbm.__version__,
        (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor),
        {"random_state": problem.seed, "deterministic": True, "force_row_wise": True, "verbosity": -1},
        fit,
        lightgbm.basic.LightGBMError,
        frame_with_categories,
    )
    return _boosted(problem, options, booster)


def fit_catboost(problem: Problem, options: BoosterOptions) -> Fitted:
    """Prokhorenkova et al. (2018); categories are replaced by statistics of the answers, ordered at random."""
    catboost = require("catboost")
    categorical = [column for column, count in enumerate(problem.categories) if count]

    def fit(model: Any, train: Part, validation: Part | None, rounds: int) -> None:
        pools = [
            catboost.Pool(part.x, part.y, weight=part.weight, cat_features=categorical)
            for part in (train, validation)
            if part
        ]
        held_out = {"eval_set": pools[1], "early_stopping_rounds": rounds} if validation else {}
        model.fit(pools[0], **held_out)

    booster = Booster(
        "catboost",
        catboost.__version__,
        (catboost.CatBoostClassifier, catboost.CatBoostRegressor),
        {"random_seed": problem.seed, "allow_writing_files": False, "verbose": False},
        fit,
        catboost.CatBoostError,
        frame_with_codes,
    )
    return _boosted(problem, options, booster)


def frame_with_categories(x: np.ndarray, categories: Sequence[int]) -> pd.DataFrame:
    """A frame whose categorical columns say so; a missing category is missing."""
    return pd.DataFrame(
        {
            f"feature_{i}": pd.Categorical.from_codes(_codes(column), pd.Index(range(categories[i])))
            if i < len(categories) and categories[i]
            else column
            for i, column in enumerate(x.T)
        }
    )


def frame_with_codes(x: np.ndarray, categories: Sequence[int]) -> pd.DataFrame:
    """A frame whose categorical columns are whole numbers, as CatBoost wants them; a missing category is −1."""
    return pd.DataFrame(
        {
            f"feature_{i}": _codes(column) if i < len(categories) and categories[i] else column
            for i, column in enumerate(x.T)
        }
    )


def _codes(column: np.ndarray) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.where(np.isnan(column), -1, column).astype(np.int64)


def _boosted(problem: Problem, options: BoosterOptions, booster: Booster) -> Fitted:
    x, y = problem.training_arrays()
    held_out = problem.validation
    train_x = booster.frame(x, problem.categories)
    validation_x = booster.frame(held_out.array("x"), problem.categories) if len(held_out) else None
    validation_y = answers_by_output(problem, held_out.array("y")) if len(held_out) else []
    columns = []
    for i, answers in enumerate(answers_by_output(problem, y)):
        validation = (validation_x, validation_y[i]) if validation_x is not None else None
        columns.append(_best_booster(problem, options, booster, (train_x, answers), validation))
    versions = {booster.name: booster.version}
    return as_fitted(problem, columns, versions, lambda rows: booster.frame(rows, problem.categories))


def _best_booster(
    problem: Problem,
    options: BoosterOptions,
    booster: Booster,
    train: tuple[pd.DataFrame, np.ndarray],
    validation: tuple[pd.DataFrame, np.ndarray] | None,
) -> OutputModel:
    """The estimator with the least loss on the validation rows, or that of the first arguments without such rows."""
    present = None if problem.task.output.kind == "regression" else np.unique(train[1])
    if present is not None and len(present) == 1:
        return OutputModel(ConstantLabel(), present)
    part = _part(problem, train, present, train[1])
    held_out = _part(problem, validation, present, train[1]) if validation else None
    if held_out and not len(held_out.y):
        held_out = None  # no validation row has a class that the training rows have
    choices = list(ParameterGrid(options.search)) if held_out else list(ParameterGrid(options.search))[:1]
    losses, estimators = [], []
    for choice in choices:
        estimator = _make(booster, present, {**(options.model_extra or {}), **choice})
        with _clear_mistakes(booster):
            booster.fit(estimator, part, held_out, options.early_stopping_rounds)
        estimators.append(estimator)
        losses.append(_loss(estimator, held_out, present) if held_out else 0.0)
    return OutputModel(estimators[int(np.argmin(losses))], present)


def _part(
    problem: Problem, rows: tuple[pd.DataFrame, np.ndarray], present: np.ndarray | None, train_y: np.ndarray
) -> Part:
    """Rows whose class the estimator knows, with classes numbered as it does."""
    x, y = rows
    if present is None:
        return Part(x, y, None)
    known = np.isin(y, present)
    x, y = x[known], np.searchsorted(present, y[known])
    if problem.class_weights:
        return Part(x, y, compute_class_weight("balanced", classes=present, y=train_y)[y])
    if problem.positive_weight != 1:
        return Part(x, y, np.where(y == 1, problem.positive_weight, 1.0))
    return Part(x, y, None)


def _make(booster: Booster, present: np.ndarray | None, arguments: dict[str, Any]) -> Any:
    kind = booster.estimators[present is None]
    known = {name for base in kind.__mro__ for name in inspect.signature(base.__init__).parameters}  # type: ignore[misc]
    for name in arguments:
        if name not in known - {"self", "args", "kwargs"} - set(booster.always):
            raise unknown_name("option", name, known - {"self", "args", "kwargs"}, "conf/base/baselines.yml")
    with _clear_mistakes(booster):
        return kind(**booster.always, **arguments)


@contextmanager
def _clear_mistakes(booster: Booster) -> Iterator[None]:
    """Turn what the library says of wrong arguments into a short message."""
    try:
        yield
    except (ValueError, TypeError, booster.mistake) as error:
        message = str(error).strip().splitlines()
        raise PareError(
            f"{booster.name} refuses to fit: {message[-1] if message else type(error).__name__}; "
            "correct its options in baselines.yml or on the command line"
        ) from error


def _loss(estimator: Any, rows: Part, present: np.ndarray | None) -> float:
    if present is None:
        return float(mean_squared_error(rows.y, estimator.predict(rows.x)))
    probabilities = estimator.predict_proba(rows.x)
    return float(log_loss(rows.y, probabilities, labels=range(len(present)), sample_weight=rows.weight))


def _booster(package: str, fit: Callable[[Problem, BoosterOptions], Fitted]) -> Estimator:
    return Estimator("tables", (*LABELS, "regression"), (package,), BoosterOptions, fit)


ESTIMATORS = {
    "xgboost": _booster("xgboost", fit_xgboost),
    "lightgbm": _booster("lightgbm", fit_lightgbm),
    "catboost": _booster("catboost", fit_catboost),
}
