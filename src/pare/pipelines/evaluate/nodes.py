"""Nodes of the evaluate pipeline."""

import logging
from typing import Any

import numpy as np
from accelerate import PartialState
from matplotlib.figure import Figure
from scipy.special import expit, softmax

from pare.config import Run, TaskRun
from pare.evaluation.figures import (
    confusion_figure,
    dense_figure,
    multilabel_figure,
    regression_figure,
    replaced_figure,
    representative_samples,
    training_figure,
)
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.prediction import average_groups, constant_prediction, predict, sample_errors, score
from pare.storage.store import ArrayStore
from pare.training import TrainedModel

logger = logging.getLogger(__name__)
FROM_RECORD = ("validation", "best_epoch", "n_train", "train_seconds", "samples_per_second", "peak_memory_mb")


def predict_test_rows(run: Run, model: TrainedModel, model_input: ArrayStore) -> dict[str, np.ndarray]:
    """Predict the test rows, averaged over their groups where the task says so: the only time they are touched."""
    outcome = predict(model.model, model_input.rows("test"), PartialState().device)
    return average_groups(outcome) if run.task.average_groups else outcome


def compute_metrics(
    run: Run, model: TrainedModel, model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions, and beside them what predicting always the same scores."""
    source = {"source": run.source_name, "proxy": run.proxy_name, "proxy_samples": run.proxy_samples}
    return score_run(run, model.record, model_input, predictions) | source | {"epochs": run.training.epochs}


def score_run(
    run: TaskRun, record: dict[str, Any], model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """What the metrics of a run say, whatever learnt the task.

    Args:
        run: the run.
        record: validation metric, best epoch, rows, time, memory, device, precision and versions of the training.
        model_input: whose training rows the constant prediction is made of.
        predictions: of the test rows.
    """
    spec, metric = METRICS[run.metric], build_metric(run.metric, run.task.output)
    truth = predictions["truth"]
    constant = constant_prediction(model_input.rows("train"), run.task, len(truth))
    test, baseline = score(metric, predictions["prediction"], truth), score(metric, constant, truth)
    logger.info(
        "%s, %s, seed %d: test %s on %d samples (always the same prediction: %.4g).",
        *(run.task_name, run.method_folder, run.seed, spec.text(test), len(truth), baseline),
    )
    return {
        "task": run.task_name,
        "method": run.method_name,
        "variant": run.variant,
        "overridden": run.overridden,
        "seed": run.seed,
        "protocol": run.protocol,
        "simulated": run.task.raw.chosen.simulated,
        "metric": {"name": run.metric, "title": spec.title, "unit": spec.unit, "direction": spec.direction},
        "test": test,
        "constant_prediction": baseline,
        "n_test": len(truth),
        **{name: record[name] for name in FROM_RECORD},
        "device": record["device"],
        "precision": record["precision"],
        "paper": _paper_figure(run),
        "versions": record["versions"],
    }


def _paper_figure(run: TaskRun) -> float | None:
    """The paper's figure of the method; None where it is one of another metric than the run's, or of other values."""
    published = run.task.paper_metric or run.task.metric
    same = run.metric == published and not run.variant
    return run.task.paper.get(run.method_name) if same else None


def draw_predictions(
    run: TaskRun, model_input: ArrayStore, predictions: dict[str, np.ndarray], metrics: dict[str, Any]
) -> Figure:
    """Fields: input, truth, prediction, error. Classes: confusion and ROC. Labels and numbers: how well each is met."""
    title = f"{_title(run)}: test {METRICS[run.metric].text(metrics['test'])}"
    prediction, truth = predictions["prediction"], predictions["truth"]
    names = model_input.description.get("classes") or [str(i) for i in range(run.task.output.shape[0])]
    match run.task.output.kind:
        case "classification":
            return confusion_figure(softmax(prediction, axis=1), truth, class_names=names, title=title)
        case "multilabel":
            return multilabel_figure(prediction, truth, label_names=names, title=title)
        case "regression":
            return regression_figure(prediction, truth, names=_output_names(run), title=title)
        case _:
            return _draw_fields(run, model_input, prediction, truth, title)


def _draw_fields(
    run: TaskRun, model_input: ArrayStore, prediction: np.ndarray, truth: np.ndarray, title: str
) -> Figure:
    """The best, the median, the 90th percentile and the worst field."""
    masks = run.task.loss == "binary_cross_entropy"
    names = [f"{name} (probability)" for name in _output_names(run)] if masks else _output_names(run)
    prediction = expit(prediction) if masks else prediction
    relative = METRICS[run.metric].relative
    errors = sample_errors(prediction, truth, relative=relative)
    chosen = representative_samples(errors, truth.shape[1])
    error = METRICS[run.metric if relative else "rmse"]
    samples = [sample for sample, _ in chosen]
    inputs = _inputs(model_input, samples)
    given = list(model_input.description["channels"] or [])[: inputs.shape[1]]
    return dense_figure(
        inputs,
        truth[samples],
        prediction[samples],
        captions=[f"{role}: sample {sample}\n{error.text(errors[sample])}" for sample, role in chosen],
        title=title,
        input_names=given + [f"channel {i + 1}" for i in range(len(given), inputs.shape[1])],
        output_names=names,
    )


def _inputs(model_input: ArrayStore, samples: list[int]) -> np.ndarray:
    """The inputs of a few test rows in physical units, ``(rows, channels, *grid)``."""
    rows, statistics = model_input.rows("test"), model_input.statistics
    inputs = np.concatenate([rows.array("x", sample, sample + 1) for sample in samples])
    if "x_mean" in statistics:  # coordinates, the last channels, were never scaled
        scaled = inputs[:, : len(statistics["x_mean"])]
        scaled[:] = scaled * statistics["x_scale"] + statistics["x_mean"]
    return inputs


def _output_names(run: TaskRun) -> list[str]:
    """A name for each channel or number: the task's own, one for all or one each, separated by commas."""
    count, name = run.task.output.shape[0], run.task.output.name or "output"
    names = [name] if count == 1 else [part.strip() for part in name.split(",")]
    return names if len(names) == count else [f"{name} {i + 1}" for i in range(count)]


def _title(run: TaskRun) -> str:
    return f"{run.task.title}, {run.method_folder}, seed {run.seed}"


def draw_training(run: Run, model: TrainedModel) -> tuple[Figure, list[dict[str, Any]]]:
    """Losses and validation metric over the epochs, as a figure and as the numbers behind it."""
    spec = METRICS[run.metric]
    history = model.record["history"]
    figure = training_figure(
        history,
        title=_title(run),
        metric_title=spec.label,
        metric_direction=spec.direction,
        kept_epoch=model.record["best_epoch"],
    )
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
        title=f"{_title(run)}: replaced patches",
    )
