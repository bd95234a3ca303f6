"""The figures of a run's test predictions and of how sure they are, for every kind of output."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit, softmax

from pare.config import Run
from pare.evaluation.calibration import Calibration, probabilities
from pare.evaluation.coverage import COVERAGE, calibration_of
from pare.evaluation.figures.canvas import message_figure
from pare.evaluation.figures.dense import dense_figure, representative_samples
from pare.evaluation.figures.reliability import band_figure, interval_figure, reliability_figure
from pare.evaluation.figures.scalars import confusion_figure, multilabel_figure, regression_figure
from pare.evaluation.metrics import METRICS
from pare.evaluation.scoring import sample_errors
from pare.storage.statistics import unscale_inputs
from pare.storage.store import ArrayStore

ASKED = f"{100 * COVERAGE:g}\u00a0%"


def draw_predictions(
    run: Run, store: ArrayStore, predictions: Mapping[str, np.ndarray], metrics: Mapping[str, Any]
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


def _draw_fields(run: Run, store: ArrayStore, prediction: np.ndarray, truth: np.ndarray, title: str) -> Figure:
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
        captions=[f"{role}: sample {sample + 1}\n{error.text(errors[sample])}" for sample, role in shown],
        title=title,
        input_names=given + [f"channel {i + 1}" for i in range(len(given), inputs.shape[1])],
        output_names=names,
    )


def draw_calibration(
    run: Run,
    calibration: Calibration | None,
    predictions: Mapping[str, np.ndarray],
    metrics: Mapping[str, Any],
) -> Figure:
    """Classes and labels: reliability. Numbers: intervals. Fields: the band's width. Nothing known: a sentence.

    Args:
        run: the run.
        calibration: calibration of its model, by rows.
        predictions: ``prediction`` and ``truth`` of the test rows, ``(rows, …)``.
        metrics: metrics with those of `uncertainty_record`, for the heading.
    """
    scored, record = calibration_of(run.task, calibration), metrics["uncertainty"]
    prediction, truth = predictions["prediction"], predictions["truth"]
    if scored is None:
        return message_figure("How sure this model is, is unknown: it has no calibration.")
    if scored.kind in ("classification", "multilabel"):
        return _draw_reliability(run, scored, prediction, truth, record)
    if record["coverage"] is None:
        return message_figure(f"{scored.rows} validation rows are too few for a coverage of {ASKED}.")
    lower, upper = scored.interval(prediction, COVERAGE)
    names, covered_percent = run.task.output.names("output"), f"{100 * record['coverage']:.3g}\u00a0%"
    if scored.kind == "regression":
        title = f"{run.title}: intervals of {ASKED} hold {covered_percent} of the true numbers"
        return interval_figure(prediction, (lower, upper), truth, names=names, title=title)
    inside, known = ((lower <= truth) & (truth <= upper)).sum(axis=0), np.isfinite(truth).sum(axis=0)
    covered = np.where(known > 0, inside / known.clip(1), np.nan)
    title = f"{run.title}: the band of {ASKED} holds {covered_percent} of the points of {len(truth)} test fields"
    return band_figure(upper[0] - lower[0], covered, names=names, asked=COVERAGE, title=title)


def _draw_reliability(
    run: Run, calibration: Calibration, logits: np.ndarray, truth: np.ndarray, record: Mapping[str, Any]
) -> Figure:
    """Of classes the probability of the predicted one, of labels that of each label."""
    curves = {"as predicted": probabilities(logits.astype(np.float64), calibration.kind)}
    error, temperature = record["calibration_error"], record["temperature"]
    title = f"{run.title}: calibration error {error['before']:.3g}"
    if temperature != 1:
        curves[f"at the temperature {temperature:.3g}"] = calibration.probabilities(logits)
        title += f", at the temperature {error['after']:.3g}"
    if calibration.kind == "multilabel":
        flat = {name: given.ravel() for name, given in curves.items()}
        return reliability_figure(flat, truth.ravel() == 1, what="probability of a label", title=title)
    sure, right = {name: given.max(axis=1) for name, given in curves.items()}, logits.argmax(axis=1) == truth
    return reliability_figure(sure, right, what="probability of the predicted class", title=title)
