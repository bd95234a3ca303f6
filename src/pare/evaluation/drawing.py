"""The figure of a run's test predictions, for every kind of output."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit, softmax

from pare.config import TaskRun
from pare.evaluation.figures import (
    confusion_figure,
    dense_figure,
    multilabel_figure,
    regression_figure,
    representative_samples,
)
from pare.evaluation.metrics import METRICS
from pare.evaluation.prediction import sample_errors
from pare.preparation import unscale_inputs
from pare.storage.store import ArrayStore


def draw_predictions(
    run: TaskRun, store: ArrayStore, predictions: Mapping[str, np.ndarray], metrics: Mapping[str, Any]
) -> Figure:
    """Fields: input, truth, prediction, error. Classes: confusion and ROC. Labels, numbers: the quality of each.

    Args:
        run: the run.
        store: the model input.
        predictions: ``prediction`` and ``truth`` of the test rows, ``(rows, …)``.
        metrics: with the value ``test`` of the run's metric, for the heading.
    """
    title = f"{run.title}: test {METRICS[run.metric].text(metrics['test'])}"
    prediction, truth = predictions["prediction"], predictions["truth"]
    output = run.task.output
    names = store.description.get("classes") or [str(i) for i in range(output.shape[0])]
    match output.kind:
        case "classification":
            return confusion_figure(softmax(prediction, axis=1), truth, class_names=names, title=title)
        case "multilabel":
            return multilabel_figure(prediction, truth, label_names=names, title=title)
        case "regression":
            return regression_figure(prediction, truth, names=output.names("output"), title=title)
        case _:
            return _draw_fields(run, store, prediction, truth, title)


def _draw_fields(run: TaskRun, store: ArrayStore, prediction: np.ndarray, truth: np.ndarray, title: str) -> Figure:
    """The best, the median, the 90th percentile and the worst field."""
    names = run.task.output.names("output")
    if run.task.loss == "binary_cross_entropy":
        names, prediction = [f"{name} (probability)" for name in names], expit(prediction)
    relative = METRICS[run.metric].relative
    errors = sample_errors(prediction, truth, relative=relative)
    error = METRICS[run.metric if relative else "rmse"]
    shown = representative_samples(errors, truth.shape[1])
    samples = [sample for sample, _ in shown]
    rows = store.rows("test")
    inputs = np.concatenate([rows.array("x", sample, sample + 1) for sample in samples])
    given = list(store.description["channels"] or [])[: inputs.shape[1]]
    return dense_figure(
        unscale_inputs(inputs, store.statistics),
        truth[samples],
        prediction[samples],
        captions=[f"{role}: sample {sample}\n{error.text(errors[sample])}" for sample, role in shown],
        title=title,
        input_names=given + [f"channel {i + 1}" for i in range(len(given), inputs.shape[1])],
        output_names=names,
    )
