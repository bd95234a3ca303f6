"""Tables: gradient boosting by XGBoost, LightGBM and CatBoost."""

import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import ParameterGrid
from sklearn.utils.class_weight import compute_class_weight

from pare.config.errors import PareError, unknown_name
from pare.config.run import Run
from pare.data.preparation.split import folds_of
from pare.learners.libraries.problem import Estimator, LibraryFit, Problem
from pare.learners.libraries.table_models import (
    ConstantLabel,
    Library,
    OutputModel,
    TableModel,
    answers_by_output,
    load_table_model,
)
from pare.learners.networks.models.threads import Pace
from pare.learners.networks.start.cross_validation import groups_of, weights_of
from pare.learners.packages import require


class BoosterOptions(BaseModel):
    """Options of a booster; all others are arguments of the library's estimator."""

    model_config = ConfigDict(extra="allow", frozen=True)

    early_stopping_rounds: PositiveInt
    bags: PositiveInt = Field(
        description="folds of the training and validation rows: one estimator is fitted without each fold, which stops "
        "its rounds, and the mean is predicted; 1: one estimator, stopped by the validation rows"
    )
    search: dict[str, list[Any]] = Field(
        default_factory=dict,
        description="arguments of which the best on the rows that stop the rounds are taken; without them the first",
    )


@dataclass(frozen=True)
class Part:
    """Rows that are learnt from, or that stop the rounds.

    Attributes:
        x: inputs ``(rows, features)``, or a frame of them.
        y: answers ``(rows, …)``.
        weight: weights ``(rows,)``; None where all count alike.
    """

    x: Any
    y: np.ndarray
    weight: np.ndarray | None

    def of(self, rows: np.ndarray) -> "Part":
        """Those of some numbers, or where a mask is true."""
        return Part(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows])


@dataclass(frozen=True)
class Booster:
    """How a library's estimators are made and fitted.

    Attributes:
        library: how it takes tables and keeps estimators.
        estimators: its classifier and its regressor.
        seed: the name of its seed.
        threads: the name of its number of threads.
        always: arguments that are not the user's to choose.
        fit: an estimator, the training rows, the validation rows, rounds without improvement after which to stop, and
            when to stop at the latest, by `time.monotonic`.
        mistake: the library's error for a wrong argument, besides ValueError and TypeError.
        pace: pace of the fits, which chooses the number of threads.
    """

    library: Library
    estimators: tuple[type, type]
    seed: str
    threads: str
    always: dict[str, Any]
    fit: Callable[[Any, Part, Part | None, int, float], object]
    mistake: type[Exception]
    pace: Pace = field(default_factory=lambda: Pace(torch.get_num_threads()))


@dataclass(frozen=True)
class LightGBMTrees:
    """What LightGBM reads from a file, which its estimators for scikit-learn do not.

    Attributes:
        booster_: its own model, by the name that its estimators have for theirs.
    """

    booster_: Any

    def predict(self, x: pd.DataFrame) -> np.ndarray:
        """A number of each row, ``(rows,)``."""
        return self.booster_.predict(x)

    def predict_proba(self, x: pd.DataFrame) -> np.ndarray:
        """``(rows, classes)``."""
        found = self.booster_.predict(x)
        return found if found.ndim == 2 else np.stack([1 - found, found], 1)


def xgboost_booster() -> Booster:
    """Chen and Guestrin (2016), trees from histograms; categories are split into two sets."""
    xgboost = require("xgboost")
    estimators = xgboost.XGBClassifier, xgboost.XGBRegressor

    class Stop(xgboost.callback.TrainingCallback):  # type: ignore[name-defined]
        def __init__(self, end: float) -> None:
            super().__init__()
            self.end = end

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return time.monotonic() > self.end

    def fit(model: Any, train: Part, validation: Part | None, rounds: int, end: float) -> None:
        held_out: dict[str, Any] = {}
        model.set_params(callbacks=[Stop(end)])
        if validation:
            model.set_params(early_stopping_rounds=rounds)
            held_out["eval_set"] = [(validation.x, validation.y)]
            if validation.weight is not None:
                held_out["sample_weight_eval_set"] = [validation.weight]
        model.fit(train.x, train.y, sample_weight=train.weight, verbose=False, **held_out)

    def read(path: Path, number: bool) -> Any:
        estimator = estimators[number]()
        estimator.load_model(path)
        return estimator

    library = Library(
        *("xgboost", xgboost.__version__, ".ubj"),
        frame_with_categories,
        lambda model, path: model.save_model(path),
        read,
    )
    always = {"enable_categorical": True}
    return Booster(library, estimators, "random_state", "n_jobs", always, fit, xgboost.core.XGBoostError)


def lightgbm_booster() -> Booster:
    """Ke et al. (2017); categories are split into two sets."""
    lightgbm = require("lightgbm")

    def fit(model: Any, train: Part, validation: Part | None, rounds: int, end: float) -> None:
        early = lightgbm.early_stopping(rounds, verbose=False)

        def stop(state: Any) -> None:
            late = time.monotonic() > end
            if validation:  # at the last round that there may be, this callback of its own takes the best one
                early(replace(state, end_iteration=state.iteration + 1) if late else state)
            elif late:
                raise lightgbm.callback.EarlyStopException(state.iteration, [])

        held_out: dict[str, Any] = {"callbacks": [stop]}
        if validation:
            held_out |= {"eval_X": validation.x, "eval_y": validation.y}
            if validation.weight is not None:
                held_out["eval_sample_weight"] = [validation.weight]
        model.fit(train.x, train.y, sample_weight=train.weight, **held_out)

    library = Library(
        *("lightgbm", lightgbm.__version__, ".txt"),
        frame_with_categories,
        write=lambda model, path: model.booster_.save_model(path),
        # Its parser of the parameters, by which nothing is predicted, reads beyond the end of a damaged text.
        read=lambda path, number: LightGBMTrees(
            lightgbm.Booster(model_str=path.read_text(encoding="utf-8").partition("\nparameters:")[0])
        ),
    )
    estimators = lightgbm.LGBMClassifier, lightgbm.LGBMRegressor
    always = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
    return Booster(library, estimators, "random_state", "n_jobs", always, fit, lightgbm.basic.LightGBMError)


def catboost_booster() -> Booster:
    """Prokhorenkova et al. (2018); categories are replaced by statistics of the answers, ordered at random."""
    catboost = require("catboost")
    estimators = catboost.CatBoostClassifier, catboost.CatBoostRegressor

    class Stop:
        def __init__(self, end: float) -> None:
            self.end = end

        def after_iteration(self, _: Any) -> bool:
            return time.monotonic() <= self.end

    def fit(model: Any, train: Part, validation: Part | None, rounds: int, end: float) -> None:
        categorical = list(train.x.select_dtypes("integer"))
        pools = [
            catboost.Pool(part.x, part.y, weight=part.weight, cat_features=categorical)
            for part in (train, validation)
            if part
        ]
        if np.ptp(train.y) == 0:
            raise PareError(
                f"CatBoost learns no number that is the same in all training rows, found {train.y[0]:g} in all "
                f"{len(train.y)}; leave it out, or use method=lightgbm"
            )
        held_out = {"eval_set": pools[1], "early_stopping_rounds": rounds} if validation else {}
        model.fit(pools[0], callbacks=[Stop(end)], **held_out)

    library = Library(
        *("catboost", catboost.__version__, ".cbm"),
        frame_with_codes,
        write=lambda model, path: model.save_model(str(path)),
        read=lambda path, number: estimators[number]().load_model(str(path)),
    )
    always = {"allow_writing_files": False, "verbose": False}
    return Booster(library, estimators, "random_seed", "thread_count", always, fit, catboost.CatBoostError)


def frame_with_categories(x: np.ndarray, categories: Sequence[int]) -> pd.DataFrame:
    """A frame whose categorical columns say so; a missing category is missing."""
    return _frame(x, categories, lambda codes, count: pd.Categorical.from_codes(codes, pd.Index(range(count))))


def frame_with_codes(x: np.ndarray, categories: Sequence[int]) -> pd.DataFrame:
    """A frame whose categorical columns are whole numbers, as CatBoost wants them; a missing category is −1."""
    return _frame(x, categories, lambda codes, count: codes)


def _frame(x: np.ndarray, categories: Sequence[int], column_of: Callable[[np.ndarray, int], Any]) -> pd.DataFrame:
    """A frame in which a function makes the columns of categories, given their codes and how many there are."""
    counts = [*categories, *[0] * (x.shape[1] - len(categories))]
    columns = (column_of(_codes(column), count) if count else column for column, count in zip(x.T, counts, strict=True))
    return pd.DataFrame({f"feature_{i}": column for i, column in enumerate(columns)})


def _codes(column: np.ndarray) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.where(np.isnan(column), -1, column).astype(np.int64)


def _boosted(problem: Problem, options: BoosterOptions, booster: Booster) -> LibraryFit:
    pool, groups = _pooled(problem)
    cuts = list(_cuts(problem, options.bags, pool.y, groups))
    outputs = 1 if problem.task.classes else problem.task.output.shape[0]
    ends = _ends(problem.deadline, len(cuts) * outputs * len(ParameterGrid(options.search)))
    models, unseen = [], np.empty((len(pool.y), *problem.task.output.shape), np.float32)
    for rest, held in cuts:
        models.append(_member(problem, options, booster, pool.of(rest), pool.of(held), ends))
        if len(held):
            unseen[held] = models[-1].predict(pool.x[held])
    versions = {booster.library.name: booster.library.version}
    return LibraryFit(models[0], versions, booster.pace.number, unseen[len(problem.chosen) :], models[1:])


def _pooled(problem: Problem) -> tuple[Part, np.ndarray | None]:
    """The rows in use for training and validation, and which stay together, see `Rows.groups`."""
    used = [(problem.train, problem.chosen)]
    if len(problem.validation):
        used.append((problem.validation, np.arange(len(problem.validation))))
    parts = [rows.__getitems__(chosen.tolist()) for rows, chosen in used]
    x, y = (np.concatenate([part[name] for part in parts]) for name in ("x", "y"))
    return Part(x, y, weights_of(used)), groups_of(used)


def _cuts(
    problem: Problem, bags: int, y: np.ndarray, groups: np.ndarray | None
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Numbers of the rows that each estimator learns from, and of those that stop its rounds."""
    rows = np.arange(len(y))
    folds = min(bags, len(rows) if groups is None else len(np.unique(groups)))
    if folds == 1:
        return [(rows[: len(problem.chosen)], rows[len(problem.chosen) :])]
    return folds_of(rows, y if problem.task.classes else None, groups, folds, ordered=problem.task.split.ordered)


def _ends(deadline: float, fits: int) -> Iterator[float]:
    """When each of so many fits is to end, so that they share the time that is left."""
    for left in range(fits, 0, -1):
        now = time.monotonic()
        yield now + (deadline - now) / left


def _member(
    problem: Problem, options: BoosterOptions, booster: Booster, train: Part, held: Part, ends: Iterator[float]
) -> TableModel:
    """One estimator of each output, from rows to learn from and those that stop the rounds, which may be none."""
    x, held_x = (booster.library.frame(part.x, problem.categories) for part in (train, held))
    answers = zip(*(answers_by_output(problem.task, part.y) for part in (train, held)), strict=True)
    outputs = [
        _best_booster(problem, options, booster, replace(train, x=x, y=y), replace(held, x=held_x, y=held_y), ends)
        for y, held_y in answers
    ]
    return TableModel(problem.task, problem.categories, outputs, booster.library)


def _best_booster(
    problem: Problem, options: BoosterOptions, booster: Booster, train: Part, held: Part, ends: Iterator[float]
) -> OutputModel:
    """The estimator with the least loss on the rows that stop the rounds; without them the first one."""
    present = None if problem.task.output.kind == "regression" else np.unique(train.y)
    if present is not None and len(present) == 1:
        return OutputModel(ConstantLabel(), present)
    part, known = (_known(problem, rows, present, train.y) for rows in (train, held))
    held_out = known if len(known.y) else None  # there is none, or none has a class that the training rows have
    choices = list(ParameterGrid(options.search))[: None if held_out else 1]
    losses, estimators = [], []
    for choice in choices:
        with booster.pace.piece() as threads, _clear_mistakes(booster):
            arguments = {booster.threads: threads, **(options.model_extra or {}), **choice}
            estimator = _make(booster, present, problem.seed, arguments)
            booster.fit(estimator, part, held_out, options.early_stopping_rounds, next(ends))
        estimators.append(estimator)
        losses.append(_loss(estimator, held_out, present) if held_out else 0.0)
    return OutputModel(estimators[int(np.argmin(losses))], present)


def _known(problem: Problem, rows: Part, present: np.ndarray | None, train_y: np.ndarray) -> Part:
    """Rows whose class the estimator knows, with classes numbered as it does, at the weights of the classes."""
    if present is None:
        return rows
    rows = rows.of(np.isin(rows.y, present))
    rows = replace(rows, y=np.searchsorted(present, rows.y))
    if problem.class_weights:
        factor = compute_class_weight("balanced", classes=present, y=train_y)[rows.y]
    elif problem.positive_weight != 1:
        factor = np.where(rows.y == 1, problem.positive_weight, 1.0)
    else:
        return rows
    return replace(rows, weight=factor if rows.weight is None else factor * rows.weight)


def _make(booster: Booster, present: np.ndarray | None, seed: int, arguments: dict[str, Any]) -> Any:
    always = {booster.seed: seed, **booster.always}
    kind = booster.estimators[present is None]
    known = {name for base in kind.__mro__ for name in inspect.signature(base.__init__).parameters}  # type: ignore[misc]
    for name in arguments:
        if name not in known - {"self", "args", "kwargs"} - set(always):
            raise unknown_name("option", name, known - {"self", "args", "kwargs"}, "conf/base/learners.yml")
    with _clear_mistakes(booster):
        return kind(**always, **arguments)


@contextmanager
def _clear_mistakes(booster: Booster) -> Iterator[None]:
    """Turn the library's error about wrong arguments into a short message."""
    try:
        yield
    except (ValueError, TypeError, booster.mistake) as error:
        message = str(error).strip().splitlines()
        raise PareError(
            f"{booster.library.name} refuses to fit: {message[-1] if message else type(error).__name__}; "
            "correct its options in learners.yml or on the command line"
        ) from error


def _loss(estimator: Any, rows: Part, present: np.ndarray | None) -> float:
    if present is None:
        return float(mean_squared_error(rows.y, estimator.predict(rows.x), sample_weight=rows.weight))
    probabilities = estimator.predict_proba(rows.x)
    return float(log_loss(rows.y, probabilities, labels=range(len(present)), sample_weight=rows.weight))


def _estimator(package: str, booster: Callable[[], Booster]) -> Estimator:
    def fit(problem: Problem, options: BoosterOptions) -> LibraryFit:
        return _boosted(problem, options, booster())

    def load(folder: Path, run: Run, options: BoosterOptions) -> TableModel:
        return load_table_model(folder, run.task, booster().library)

    return Estimator((package,), BoosterOptions, fit, load, True, True)


ESTIMATORS = {
    "xgboost": _estimator("xgboost", xgboost_booster),
    "lightgbm": _estimator("lightgbm", lightgbm_booster),
    "catboost": _estimator("catboost", catboost_booster),
}
