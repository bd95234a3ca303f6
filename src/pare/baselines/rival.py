"""What a user would try first instead: a cheap baseline on the same rows, for a line at the end of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from pare.baselines.problem import problem_of
from pare.baselines.registry import ESTIMATORS, fit_baseline
from pare.config import Library, Run, resolve_baseline
from pare.storage.store import ArrayStore

CHEAPEST = ("logistic_regression", "lightgbm", "minirocket", "ridge")  # names in baselines.yml, the first that suits


@dataclass(frozen=True)
class Rival:
    """A cheap baseline, fitted to the training rows of a run.

    Attributes:
        name: in baselines.yml.
        validation: the run's metric of it on the validation rows.
    """

    name: str
    validation: float


def cheap_rival(run: Run, library: Library, store: ArrayStore, names: Sequence[str] = CHEAPEST) -> Rival | None:
    """Fit the first of the cheapest baselines that suits a run's task and is installed.

    Args:
        run: of a method.
        library: has the baselines' options.
        store: the model input.
        names: of the baselines, the preferred first.

    Returns:
        The rival; None where no baseline suits the task or is installed, or there are no validation rows.
    """
    name = next((name for name in names if _is_possible(name, run, library)), None)
    if name is None or not len(store.rows("validation")):
        return None
    asked = {"task": run.task_name, "method": name, "seed": run.seed, "protocol": run.protocol}
    rival = resolve_baseline(library, asked | {"training": run.training.model_dump()}, {})
    problem = problem_of(run, store)
    value = fit_baseline(rival, problem).validate(problem)
    assert value is not None  # there are validation rows
    return Rival(name, value)


def _is_possible(name: str, run: Run, library: Library) -> bool:
    if name not in library.baselines:
        return False
    estimator = ESTIMATORS[library.baseline(name).estimator]
    return estimator.suits(run.task) and all(find_spec(package) for package in estimator.packages)
