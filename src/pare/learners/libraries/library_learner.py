"""The learner of libraries' models: boosters, rockets, kernel machines, linear models."""

import logging
import time
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from pare.config.errors import PareError, unknown_name
from pare.config.run import Run
from pare.config.strict import validated
from pare.config.suitability import check_suited, unsuited
from pare.evaluation.calibration import Calibration
from pare.evaluation.metrics import build_metric
from pare.evaluation.scoring import defined_score, predict_rows
from pare.learners.ensemble import Ensemble
from pare.learners.learner import Data, Fitted, Predictor, Work
from pare.learners.libraries.problem import Estimator, LibraryFit, LibraryModel, problem_of
from pare.learners.model import Model
from pare.learners.packages import lacking, require

logger = logging.getLogger(__name__)


class LibraryLearner:
    """The learner of a library's model; see `pare.learners.learner.Learner`."""

    def suits(self, run: Run) -> str:
        """Why it cannot be fitted here: it takes other data, or a package is missing; empty where it can."""
        return unsuited(run.learner, run.task) or lacking(*find_estimator(run.learner.library).packages)

    def check(self, run: Run) -> None:
        """Refuse a task that it does not take, wrong options, and a missing package."""
        estimator = find_estimator(run.learner.library)
        check_suited(run)
        _options(run, estimator)
        for package in estimator.packages:
            require(package)

    def fit(self, run: Run, data: Data, work: Work) -> Fitted:
        """Fit the library's model to the training rows."""
        self.check(run)
        problem, estimator = problem_of(run, data.store), find_estimator(run.learner.library)
        if run.minutes and not estimator.bounded:
            logger.info("%s ends when it is done: minutes do not bound it.", run.method_name)
        started = time.perf_counter()
        fit = estimator.fit(problem, _options(run, estimator))
        seconds = time.perf_counter() - started
        record: dict[str, Any] = {
            "n_train": len(problem.chosen),
            "train_seconds": round(seconds, 2),
            "samples_per_second": round(len(problem.chosen) / seconds, 2),
            "device": "cpu",
            "precision": "no",
            "threads": fit.threads,
            "versions": fit.versions,
        }
        rows, predictor = problem.validation, _predictor(run, data, work, fit, record)
        if not len(rows):
            return Fitted(predictor, record)
        prediction, truth = fit.unseen, rows.array("y")
        if prediction is None:
            prediction = predict_rows(partial(fit.model.outputs, device=torch.device("cpu")), rows)["prediction"]
        record["validation"] = defined_score(build_metric(run.metric, run.task.output), prediction, truth)
        return Fitted(predictor, record, Calibration.of_rows(run.task, prediction, truth, rows.groups))

    def load(self, folder: Path, run: Run, record: Mapping[str, Any]) -> LibraryModel:
        """Read the files of a library's model."""
        self.check(run)
        estimator = find_estimator(run.learner.library)
        try:
            return estimator.load(folder, run, _options(run, estimator))
        except PareError:
            raise
        except Exception as error:  # each library has errors of its own
            message = str(error).strip().partition("\n")[0]
            raise PareError(f"{type(error).__name__}: {message}") from error

    def weighs_rows(self, run: Run) -> bool:
        """Whether the library takes weights of rows."""
        return find_estimator(run.learner.library).weighted


def _predictor(run: Run, data: Data, work: Work, fit: LibraryFit, record: dict[str, Any]) -> Predictor:
    """A library's model, or the ensemble of several."""
    if not fit.others:
        return fit.model
    models = (fit.model, *fit.others)
    return Ensemble.of_equals([Model.of(run, data, Fitted(one, record), work.fingerprint) for one in models])


def find_estimator(path: str) -> Estimator:
    """The estimator that learners.yml names ``module:name``; PareError where there is none."""
    module, _, name = path.partition(":")
    package = __package__ or ""
    if find_spec(f"{package}.{module}") is None:
        raise unknown_name("library", module, _modules(), "src/pare/learners/libraries")
    estimators: dict[str, Estimator] = import_module(f"{package}.{module}").ESTIMATORS
    if name not in estimators:
        raise unknown_name(f"model of {module}", name, estimators, f"src/pare/learners/libraries/{module}.py")
    return estimators[name]


def _modules() -> list[str]:
    return [path.stem for path in Path(__file__).parent.glob("*.py") if "ESTIMATORS" in path.read_text("utf-8")]


def _options(run: Run, estimator: Estimator) -> BaseModel:
    return validated(estimator.options, "options", run.options)
