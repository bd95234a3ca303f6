"""External baselines, each by its own library.

The libraries come with the extra ``baselines`` and are imported when they are asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pare.baselines.fields import FnoOptions, UNetOptions, fit_fno, fit_u_net
from pare.baselines.problem import Fitted, Problem, require
from pare.baselines.series import MiniRocketOptions, as_series, fit_minirocket
from pare.baselines.tables import (
    BoosterOptions,
    LogisticOptions,
    fit_catboost,
    fit_lightgbm,
    fit_logistic_regression,
    fit_xgboost,
)
from pare.config.errors import PareError, unknown_name
from pare.config.resolve import validated
from pare.config.run import BaselineRun
from pare.config.schema import Task

__all__ = ["ESTIMATORS", "Fitted", "Problem", "check_baseline", "fit_baseline"]

INPUTS: dict[str, Callable[[Task], bool]] = {
    "tables": lambda task: len(task.input.shape) == 1,
    "series": lambda task: as_series(task) is not None,
    "grids": lambda task: len(task.input.shape) > 1,
}


@dataclass(frozen=True)
class Estimator:
    """What an estimator takes, what it predicts, and how it is fitted.

    Attributes:
        inputs: a key of `INPUTS`.
        kinds: the kinds of output that it predicts.
        packages: modules that it imports.
        options: the options that it knows.
        fit: fits it.
    """

    inputs: str
    kinds: tuple[str, ...]
    packages: tuple[str, ...]
    options: type[BaseModel]
    fit: Callable[[Problem, Any], Fitted]

    def suits(self, task: Task) -> bool:
        """Whether it takes the task's input and predicts its kind of output."""
        return INPUTS[self.inputs](task) and task.output.kind in self.kinds


LABELS = ("classification", "multilabel")
ESTIMATORS = {
    "xgboost": Estimator("tables", (*LABELS, "regression"), ("xgboost",), BoosterOptions, fit_xgboost),
    "lightgbm": Estimator("tables", (*LABELS, "regression"), ("lightgbm",), BoosterOptions, fit_lightgbm),
    "catboost": Estimator("tables", (*LABELS, "regression"), ("catboost",), BoosterOptions, fit_catboost),
    "logistic_regression": Estimator("tables", LABELS, ("sklearn",), LogisticOptions, fit_logistic_regression),
    "fno": Estimator("grids", ("dense",), ("neuralop",), FnoOptions, fit_fno),
    "u_net": Estimator("grids", ("dense",), ("monai",), UNetOptions, fit_u_net),
    "minirocket": Estimator("series", (*LABELS, "regression"), ("numba", "sktime"), MiniRocketOptions, fit_minirocket),
}


def check_baseline(run: BaselineRun) -> None:
    """Refuse a baseline that cannot be fitted, before any file is brought.

    Raises:
        PareError: where the estimator is unknown, does not suit the task, or is not installed, or its options are
            wrong.
    """
    estimator = _estimator(run)
    if not estimator.suits(run.task):
        others = [name for name, other in ESTIMATORS.items() if other.suits(run.task)]
        raise PareError(
            f"{run.method_name} predicts {', '.join(estimator.kinds)} from {estimator.inputs}; task {run.task_name!r} "
            f"predicts {run.task.output.kind} from input of shape {list(run.task.input.shape)}. "
            f"Baselines that suit it: {', '.join(others) or 'none'}"
        )
    _options(run)
    for package in estimator.packages:
        require(package)


def fit_baseline(run: BaselineRun, problem: Problem) -> Fitted:
    """Fit the run's baseline.

    Raises:
        PareError: as `check_baseline`, or where the library refuses the options or the loss is not finite.
    """
    check_baseline(run)
    return _estimator(run).fit(problem, _options(run))


def _estimator(run: BaselineRun) -> Estimator:
    name = run.baseline.estimator
    if name not in ESTIMATORS:
        raise unknown_name("estimator", name, ESTIMATORS, "pare.baselines.ESTIMATORS")
    return ESTIMATORS[name]


def _options(run: BaselineRun) -> BaseModel:
    return validated(_estimator(run).options, "options", run.options)
