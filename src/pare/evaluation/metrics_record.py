"""The content of metrics.json: the test metric, the usual metrics of the output, the run, and how its training went."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import recall_score

from pare.config import Run
from pare.config.errors import PareError
from pare.config.schema import OutputConfig, Task
from pare.config.words import counted, weights_text
from pare.evaluation.calibration import Calibration, probabilities
from pare.evaluation.coverage import probability_errors, uncertainty_record
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.scoring import bootstrap_interval, constant_prediction
from pare.storage.samples import Repeats
from pare.storage.store import ArrayStore

SOLVED_START = "solved start"  # the model where training added nothing
FROM_TRAINING = ("validation", "best_epoch", "n_train", "train_seconds", "samples_per_second", "peak_memory_mb")


def evaluation_record(
    run: Run,
    training: Mapping[str, Any],
    model_input: ArrayStore,
    predictions: Mapping[str, np.ndarray],
    calibration: Calibration | None = None,
) -> dict[str, Any]:
    """The content of ``metrics.json``, of any learner; what a learner does not have is None.

    Args:
        run: the run.
        training: validation metric, best epoch, rows, time, memory, device, precision and versions of the training.
        model_input: model input, whose training rows make the constant prediction.
        predictions: ``prediction`` and ``truth`` of the test rows, and ``group`` where they have some, ``(rows, …)``.
        calibration: how sure the model's predictions are.
    """
    spec, metric = METRICS[run.metric], build_metric(run.metric, run.task.output)
    truth = predictions["truth"]
    constant = constant_prediction(model_input.rows("train"), run.task, len(truth))
    return {
        "task": run.task_name,
        "method": run.method_name,
        "variant": run.variant,
        "overridden": run.overridden,
        "seed": run.seed,
        "protocol": run.protocol,
        "differs": run.differs,
        "simulated": run.task.raw.active.simulated,
        "metric": {"name": run.metric, "title": spec.title, "unit": spec.unit, "direction": spec.direction},
        "test": metric(predictions["prediction"], truth),
        "constant_prediction": metric(constant, truth),
        "test_interval": bootstrap_interval(metric, predictions["prediction"], truth, predictions.get("group")),
        "n_test": len(truth),
        "usual": usual_metrics(run.task, predictions),
        "uncertainty": uncertainty_record(run.task, calibration, predictions),
        **{name: training[name] for name in FROM_TRAINING},
        "seconds_asked": run.minutes and 60 * run.minutes,
        "kept": _kept(training),
        "start_validation": (training.get("start") or {}).get("validation"),
        "start_left_nothing": _left_nothing(run, training),
        "device": training["device"],
        "precision": training["precision"],
        "threads": training.get("threads"),
        "paper": _paper_figure(run),
        "versions": training["versions"],
        **({"repeats": model_input.repeats} if model_input.repeats else {}),
        **({"candidates": training["candidates"]} if run.candidates else {}),
        **_source(run, training),
    }


def _kept(training: Mapping[str, Any]) -> str | None:
    """What the model is: the solved start, that of an epoch, or a mean; None for one model without epochs."""
    if training.get("candidates"):
        weights = {row["method"]: row["share"] for row in training["candidates"] if row["share"]}
        return weights_text(weights)
    if training["best_epoch"] is None:
        return None
    if members := training.get("members"):
        return f"mean of {len(members)} trainings"
    return f"epoch {training['best_epoch']}" if training["best_epoch"] else SOLVED_START


def _left_nothing(run: Run, training: Mapping[str, Any]) -> bool:
    """Whether no epoch was made, because none could be better than the solved start."""
    return run.learner.is_trained and bool(training.get("start")) and not training["history"]


def _source(run: Run, training: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": run.source_name,
        "proxy": run.proxy_name,
        "proxy_samples": run.proxy_samples,
        "epochs": None if run.learner.library or run.candidates else len(training["history"]),
    }


def _paper_figure(run: Run) -> float | None:
    """The paper's figure of the method; None where it is of another metric than the run's, or of other values."""
    published = run.task.paper_metric or run.task.metric
    same = run.metric == published and not run.variant
    return run.task.paper.get(run.method_name) if same else None


def summary(record: Mapping[str, Any]) -> str:
    """One line for the log: the test metric, that of the constant baseline, and which epoch or start was selected."""
    spec = METRICS[record["metric"]["name"]]
    start, added = record["start_validation"], ""
    if start is not None and _could_train(record):
        added = f". Selected: {record['kept']}, validation {spec.quantity(record['validation'])}; "
        if record["kept"] != SOLVED_START:
            added += f"the solved start had {spec.quantity(start)}"
        else:
            added += "no epoch was clearly better" if record["epochs"] else "it left nothing to train"
    return (
        f"test {spec.text(record['test'])} on {counted(record['n_test'], 'sample')} "
        f"(constant baseline: {spec.quantity(record['constant_prediction'])}){_known(record)}{added}"
    )


def _known(record: Mapping[str, Any]) -> str:
    """What to say of test rows whose inputs a training row has."""
    if not record.get("repeats"):
        return ""
    repeats = Repeats(**record["repeats"])
    return f". {repeats.sentences()[-1]}" if repeats.known else ""


def _could_train(record: Mapping[str, Any]) -> bool:
    """Whether a run has epochs, or would have some, had its start left something to train."""
    return bool(record["epochs"] or record.get("start_left_nothing"))


def usual_metrics(task: Task, predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Metrics of the kind of output, by name; None where one is undefined for these rows, empty for masks.

    Args:
        task: what is predicted.
        predictions: ``prediction`` and ``truth`` of the test rows, ``(rows, …)``.

    Returns:
        Of classes ``accuracy``, ``auroc``, ``f1_macro``, ``recall`` of each class, ``log_loss`` and
        ``calibration_error``. Of labels ``auroc`` and ``map``, both averaged over the labels, ``log_loss`` and
        ``calibration_error``. Of numbers ``rmse``, ``mae`` and ``r2``. Of fields ``relative_l2``, ``rmse`` and
        ``max_error``, and under ``channels`` the same of each where there are several.
    """
    prediction, truth = predictions["prediction"], predictions["truth"]
    match task.output.kind:
        case "classification":
            return _of_classes(task.output, prediction, truth)
        case "multilabel":
            return _of_labels(task.output, prediction, truth)
        case "regression":
            return {name: _value(name, task.output, prediction, truth) for name in ("rmse", "mae", "r2")}
    return _of_fields(task.output, prediction, truth) if task.compares_values else {}


def _of_classes(output: OutputConfig, logits: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    predicted, classes = logits.argmax(axis=1), np.arange(output.shape[0])
    recall = recall_score(truth, predicted, labels=classes, average=None, zero_division=np.nan)
    f1 = _value("one_minus_f1", output, logits, truth)
    return {
        "accuracy": float((predicted == truth).mean()),
        "auroc": _value("auroc_ovo", output, logits, truth),
        "f1_macro": None if f1 is None else 1 - f1,
        "recall": [None if np.isnan(found) else float(found) for found in recall],
        **probability_errors(probabilities(logits, output.kind), logits, truth),
    }


def _of_labels(output: OutputConfig, logits: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    errors = {"auroc": "one_minus_auroc", "map": "one_minus_map"}
    values = {name: _value(metric, output, logits, truth) for name, metric in errors.items()}
    ranked = {name: None if value is None else 1 - value for name, value in values.items()}
    return ranked | probability_errors(probabilities(logits, output.kind), logits, truth)


def _of_fields(output: OutputConfig, prediction: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {name: _value(name, output, prediction, truth) for name in ("relative_l2", "rmse")}
    valid = ~np.isnan(truth)
    found["max_error"] = float(np.abs(prediction - truth)[valid].max()) if valid.any() else None
    if prediction.shape[1] > 1:
        found["channels"] = {
            name: _of_fields(output, prediction[:, i : i + 1], truth[:, i : i + 1])
            for i, name in enumerate(output.names("channel"))
        }
    return found


def _value(name: str, output: OutputConfig, prediction: np.ndarray, truth: np.ndarray) -> float | None:
    """One of the metrics; None where it is undefined, such as AUROC without a row of some class."""
    try:
        return build_metric(name, output)(prediction, truth)
    except PareError:
        return None
