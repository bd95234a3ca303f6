"""Every estimator by the name that baselines.yml uses for it, the checks before a fit, and a reference model.

The reference model is a cheap baseline on the same rows, for a line at the end of a training.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from pare.config import Library, Run, resolve_baseline
from pare.config.errors import PareError, unknown_name
from pare.config.run import BaselineRun
from pare.config.strict import validated
from pare.learners.libraries import boosting, kernel_ridge, networks, scikit_learn, series
from pare.learners.libraries.problem import Estimator, Fitted, FittedModel, Problem, problem_of, require
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
INSTALL = "pip install 'pare-transfer[baselines]'"  # what brings the packages of all
ESTIMATORS: dict[str, Estimator] = (
    boosting.ESTIMATORS | scikit_learn.ESTIMATORS | networks.ESTIMATORS | kernel_ridge.ESTIMATORS | series.ESTIMATORS
)
CHEAPEST = ("logistic_regression", "lightgbm", "svm", "minirocket", "ridge")  # in baselines.yml; the first that suits


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


def why_not(run: BaselineRun) -> str:
    """Why a baseline cannot be fitted here: it takes other data, or a package is missing; empty where it can."""
    estimator = _estimator(run)
    if not estimator.suits(run.task):
        return f"predicts {', '.join(estimator.kinds)} from {estimator.inputs}"
    missing = missing_packages(run)
    return f"needs {', '.join(missing)}: {INSTALL}" if missing else ""


def missing_packages(run: BaselineRun) -> list[str]:
    """Packages that a baseline needs and that are not installed; none of one that takes other data anyway."""
    estimator = _estimator(run)
    packages = estimator.packages if estimator.suits(run.task) else ()
    return [package for package in packages if find_spec(package) is None]


def fit_baseline(run: BaselineRun, problem: Problem) -> Fitted:
    """Fit the run's baseline.

    Raises:
        PareError: as `check_baseline`, or where the library refuses the options or the loss is not finite.
    """
    check_baseline(run)
    return _estimator(run).fit(problem, _options(run))


def load_baseline(run: BaselineRun, folder: Path) -> FittedModel:
    """Read the model of a fitted baseline.

    Raises:
        PareError: as `check_baseline`, or where a file is missing, damaged or of another model.
    """
    check_baseline(run)
    try:
        return _estimator(run).load(folder, run, _options(run))
    except Exception as error:  # each library has errors of its own
        message = str(error).strip().partition("\n")[0]
        raise PareError(f"{type(error).__name__}: {message}") from error


def _estimator(run: BaselineRun) -> Estimator:
    name = run.baseline.estimator
    if name not in ESTIMATORS:
        raise unknown_name("estimator", name, ESTIMATORS, "pare.learners.libraries.by_name")
    return ESTIMATORS[name]


def _options(run: BaselineRun) -> BaseModel:
    return validated(_estimator(run).options, "options", run.options)


@dataclass(frozen=True)
class ReferenceModel:
    """A cheap baseline, fitted to the training rows of a run.

    Attributes:
        name: in baselines.yml.
        validation: its metric on the validation rows.
    """

    name: str
    validation: float


def reference_model(
    run: Run, library: Library, store: ArrayStore, names: Sequence[str] = CHEAPEST
) -> ReferenceModel | None:
    """Fit the first of the cheapest baselines that suits a run's task and is installed; failures are logged.

    Args:
        run: a method's run.
        library: has the baselines' options.
        store: the model input.
        names: names of baselines, the preferred first.

    Returns:
        None if no baseline suits the task, is installed and can be fitted, or without validation rows.
    """
    if not len(store.rows("validation")):
        return None
    for name in names:
        if not _is_possible(name, run, library):
            continue
        try:
            return ReferenceModel(name, _validation(name, run, library, store))
        except PareError as error:  # such as a class of one row, which does not stop the run that is compared
            logger.info("No comparison with %s: %s.", name, error)
    return None


def _validation(name: str, run: Run, library: Library, store: ArrayStore) -> float:
    """The metric of the validation rows of a baseline that is fitted to the training rows."""
    asked = {"task": run.task_name, "method": name, "seed": run.seed, "protocol": run.protocol}
    reference = resolve_baseline(library, asked | {"training": run.training.model_dump()}, {})
    problem = problem_of(run, store)
    value = fit_baseline(reference, problem).validate(problem)
    assert value is not None  # there are validation rows
    return value


def _is_possible(name: str, run: Run, library: Library) -> bool:
    if name not in library.baselines:
        return False
    estimator = ESTIMATORS[library.baseline(name).estimator]
    return estimator.suits(run.task) and all(find_spec(package) for package in estimator.packages)
