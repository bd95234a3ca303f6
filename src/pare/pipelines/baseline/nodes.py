"""Nodes of the baseline pipeline."""

import platform
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from pare.baselines import Problem, fit_baseline
from pare.config import BaselineRun
from pare.evaluation.metrics import build_metric
from pare.evaluation.prediction import average_groups, predict_rows, score
from pare.pipelines.evaluate.nodes import score_run
from pare.preparation import draw_rows
from pare.storage.store import ArrayStore
from pare.training.losses import build_loss
from pare.training.trainer import peak_memory_mb


def fit_and_predict(run: BaselineRun, model_input: ArrayStore) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Fit the baseline on the training rows and predict the test rows once; the predictions, and how it went."""
    task, training = run.task, run.training
    metric = build_metric(run.metric, task.output)
    chosen = draw_rows(len(model_input.rows("train")), training.fraction, run.seed)
    loss = build_loss(task.loss, task.output.kind, positive_weight=training.positive_weight)
    problem = Problem(
        task, model_input, chosen, run.seed, training.class_weights, training.positive_weight, metric, loss
    )
    started = time.perf_counter()
    fitted = fit_baseline(run, problem)
    seconds = time.perf_counter() - started
    validation = None
    if len(problem.validation):
        held_out = predict_rows(fitted.predict, problem.validation)
        validation = score(metric, held_out["prediction"], held_out["truth"])
    outcome = predict_rows(fitted.predict, model_input.rows("test"))
    record = {
        "validation": validation,
        "best_epoch": fitted.best_epoch,
        "n_train": len(chosen),
        "train_seconds": round(seconds, 2),
        "samples_per_second": round(len(chosen) * fitted.passes / seconds, 2),
        "peak_memory_mb": round(peak_memory_mb()),
        "device": fitted.device,
        "precision": "no",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("pare", "kedro")},
            **fitted.versions,
        },
    }
    return average_groups(outcome) if task.average_groups else outcome, record


def compute_baseline_metrics(
    run: BaselineRun, baseline_record: dict[str, Any], model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions as those of a method are; what a baseline does not have is null."""
    nothing = dict.fromkeys(("source", "proxy", "proxy_samples", "epochs"))
    return score_run(run, baseline_record, model_input, predictions) | nothing
