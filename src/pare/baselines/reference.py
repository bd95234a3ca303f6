"""A reference model: a cheap baseline on the same rows, for a line at the end of a training."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from pare.baselines.by_name import ESTIMATORS, fit_baseline
from pare.baselines.problem import problem_of
from pare.config import Library, PareError, Run, resolve_baseline
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
CHEAPEST = ("logistic_regression", "lightgbm", "svm", "minirocket", "ridge")  # in baselines.yml; the first that suits


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
