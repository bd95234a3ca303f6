"""Every estimator by the name that baselines.yml uses for it, and the checks before one is fitted."""

from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from pare.baselines import boosting, fields, images, kernels, realmlp, scikit_learn, series
from pare.baselines.estimator import Estimator
from pare.baselines.problem import Fitted, FittedModel, Problem, require
from pare.config.errors import PareError, unknown_name
from pare.config.run import BaselineRun
from pare.config.strict import validated

INSTALL = "pip install 'pare-transfer[baselines]'"  # what brings the packages of all
ESTIMATORS: dict[str, Estimator] = (
    boosting.ESTIMATORS
    | realmlp.ESTIMATORS
    | scikit_learn.ESTIMATORS
    | fields.ESTIMATORS
    | kernels.ESTIMATORS
    | series.ESTIMATORS
    | images.ESTIMATORS
)


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
    """Read what the model of a fitted baseline wrote.

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
        raise unknown_name("estimator", name, ESTIMATORS, "pare.baselines.registry")
    return ESTIMATORS[name]


def _options(run: BaselineRun) -> BaseModel:
    return validated(_estimator(run).options, "options", run.options)
