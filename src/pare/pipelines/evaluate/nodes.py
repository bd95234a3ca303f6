"""Nodes of the evaluate pipeline."""

import logging
from typing import Any

import numpy as np
from accelerate import PartialState
from matplotlib.figure import Figure
from scipy.special import softmax

from pare.arrays.store import ArrayStore
from pare.config import Run
from pare.evaluation.figures import confusion_figure, dense_figure, replaced_figure, training_figure
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.prediction import constant_prediction, predict, score
from pare.training import TrainedModel

logger = logging.getLogger(__name__)
FROM_RECORD = ("validation", "best_epoch", "n_train", "train_seconds", "samples_per_second", "peak_memory_mb")


def predict_test_rows(model: TrainedModel, model_input: ArrayStore) -> dict[str, np.ndarray]:
    """Predict the test rows: the only time that they are touched."""
    return predict(model.model, model_input.rows("test"), PartialState().device)


def compute_metrics(
    run: Run, model: TrainedModel, model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions, and beside them what predicting always the same scores."""
    spec, metric = METRICS[run.task.metric], build_metric(run.task.metric, run.task.classes)
    truth = predictions["truth"]
    constant = constant_prediction(model_input.rows("train"), run.task.output, len(truth))
    record = model.record
    test, baseline = score(metric, predictions["prediction"], truth), score(metric, constant, truth)
    logger.info(
        "%s, %s, seed %d: test %s %.4g on %d rows (always the same prediction: %.4g).",
        *(run.task_name, run.method_name, run.seed, spec.title, test, len(truth), baseline),
    )
    return {
        "task": run.task_name,
        "method": run.method_name,
        "source": run.source_name,
        "proxy": run.proxy_name,
        "seed": run.seed,
        "protocol": run.protocol,
        "simulated": run.task.raw.chosen.simulated,
        "metric": {"name": run.task.metric, "title": spec.title, "direction": spec.direction},
        "test": test,
        "constant_prediction": baseline,
        "n_test": len(truth),
        "epochs": run.training.epochs,
        **{name: record[name] for name in FROM_RECORD},
        "device": record["device"],
        "precision": record["precision"],
        "paper": run.task.paper.get(run.method_name),
        "versions": record["versions"],
    }


def draw_predictions(
    run: Run, model_input: ArrayStore, predictions: dict[str, np.ndarray], metrics: dict[str, Any]
) -> Figure:
    """Fields: input, truth, prediction, error. Classes: confusion and ROC."""
    title = (
        f"{run.task.title}, {run.method_name}, seed {run.seed}: test {metrics['metric']['title']} {metrics['test']:.4g}"
    )
    prediction, truth = predictions["prediction"], predictions["truth"]
    if run.task.output.kind == "classification":
        names = model_input.description["classes"] or [str(i) for i in range(prediction.shape[1])]
        return confusion_figure(softmax(prediction, axis=1), truth, class_names=names, title=title)
    rows = model_input.rows("test")
    inputs = np.stack([row["x"] for row in rows.__getitems__(range(len(rows)))])[:, :1]
    statistics = model_input.statistics
    if "x_mean" in statistics:
        inputs = inputs * statistics["x_scale"][:1] + statistics["x_mean"][:1]
    metric = build_metric(run.task.metric, run.task.classes)
    return dense_figure(
        inputs,
        truth,
        prediction,
        title=title,
        channel_names=[model_input.description["channels"][0]],
        metric_title=metrics["metric"]["title"],
        scores=[score(metric, p[None], t[None]) for p, t in zip(prediction, truth, strict=True)],
    )


def draw_training(run: Run, model: TrainedModel) -> tuple[Figure, list[dict[str, Any]]]:
    """Losses and validation metric over the epochs, as a figure and as the numbers behind it."""
    spec = METRICS[run.task.metric]
    history = model.record["history"]
    title = f"{run.task.title}, {run.method_name}, seed {run.seed}"
    figure = training_figure(history, title=title, metric_title=spec.title, metric_direction=spec.direction)
    return figure, history


def draw_replaced(run: Run, model: TrainedModel) -> Figure:
    """Which patches were replaced over the epochs; a method that does not mix says so."""
    replaced = model.record["replaced"]
    if not replaced:
        figure = Figure(figsize=(6, 1))
        figure.text(0.5, 0.5, f"Method {run.method_name!r} replaces no patches.", ha="center", va="center")
        return figure
    history = model.record["history"]
    return replaced_figure(
        np.asarray(replaced),
        epochs=[row["epoch"] for row in history],
        fractions=[row["lambda"] for row in history],
        grid=run.task.grid,
        title=f"{run.task.title}, {run.method_name}, seed {run.seed}: replaced patches",
    )
