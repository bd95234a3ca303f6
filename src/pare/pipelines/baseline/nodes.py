"""Nodes of the baseline pipeline."""

import logging
import platform
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from pare.baselines import Fitted, Problem, fit_baseline
from pare.config import BaselineRun
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import average_groups, predict_rows, score
from pare.evaluation.record import evaluation_record, summary
from pare.preparation import check_model_input, draw_rows
from pare.raw.origins.manifest import RawFolder, raw_fingerprint
from pare.storage.store import ArrayStore
from pare.training.losses import build_loss
from pare.training.trainer import peak_memory_mb

logger = logging.getLogger(__name__)


def fit_and_predict(
    run: BaselineRun, raw: RawFolder, model_input: ArrayStore
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Fit the baseline on the training rows and predict the test rows once; the predictions, and how it went.

    Raises:
        PareError: where the model input is not that of the run's raw files, task and protocol.
    """
    check_model_input(run, raw_fingerprint(run.task.raw.active, raw.manifest.files), model_input)
    problem = _problem(run, model_input)
    started = time.perf_counter()
    fitted = fit_baseline(run, problem)
    seconds = time.perf_counter() - started
    record = {
        "validation": _validate(fitted, problem),
        "best_epoch": fitted.best_epoch,
        "n_train": len(problem.chosen),
        "train_seconds": round(seconds, 2),
        "samples_per_second": round(len(problem.chosen) * fitted.passes / seconds, 2),
        "peak_memory_mb": round(peak_memory_mb()),
        "device": fitted.device,
        "precision": "no",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("pare", "kedro")},
            **fitted.versions,
        },
    }
    outcome = predict_rows(fitted.predict, model_input.rows("test"))
    return average_groups(outcome) if run.task.average_groups else outcome, record


def _problem(run: BaselineRun, model_input: ArrayStore) -> Problem:
    task, training = run.task, run.training
    chosen = draw_rows(len(model_input.rows("train")), training.fraction, run.seed)
    loss = build_loss(task.loss, task.output.kind, positive_weight=training.positive_weight)
    metric = build_metric(run.metric, task.output)
    return Problem(task, model_input, chosen, run.seed, training.class_weights, training.positive_weight, metric, loss)


def _validate(fitted: Fitted, problem: Problem) -> float | None:
    """The metric of the validation rows; None where there are none."""
    if not len(problem.validation):
        return None
    outcome = predict_rows(fitted.predict, problem.validation)
    return score(problem.metric, outcome["prediction"], outcome["truth"])


def score_predictions(
    run: BaselineRun, baseline_record: dict[str, Any], model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions as those of a method are, and the constant baseline with them."""
    record = evaluation_record(run, baseline_record, model_input.rows("train"), predictions)
    logger.info("%s, %s, seed %d: %s.", run.task_name, run.label, run.seed, summary(record))
    return record
