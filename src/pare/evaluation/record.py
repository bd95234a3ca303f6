"""What is kept of an evaluation: scores, the run that they belong to, and how its training went."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pare.config import Run, TaskRun
from pare.config.words import counted
from pare.evaluation.bootstrap import bootstrap_interval
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.prediction import constant_prediction, score
from pare.evaluation.uncertainty import uncertainty_record
from pare.evaluation.usual import usual_metrics
from pare.storage.samples import Repeats
from pare.storage.store import ArrayStore
from pare.uncertainty import Calibration

SOLVED_START = "solved start"  # what is kept where training added nothing
FROM_TRAINING = ("validation", "best_epoch", "n_train", "train_seconds", "samples_per_second", "peak_memory_mb")


def evaluation_record(
    run: TaskRun,
    training: Mapping[str, Any],
    model_input: ArrayStore,
    predictions: Mapping[str, np.ndarray],
    calibration: Calibration | None = None,
) -> dict[str, Any]:
    """The content of ``metrics.json``, for a method or a baseline; what a baseline does not have is None.

    Args:
        run: the run.
        training: validation metric, best epoch, rows, time, memory, device, precision and versions of the training.
        model_input: of whose training rows the constant prediction is made.
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
        "test": score(metric, predictions["prediction"], truth),
        "constant_prediction": score(metric, constant, truth),
        "test_interval": bootstrap_interval(metric, predictions["prediction"], truth, predictions.get("group")),
        "n_test": len(truth),
        "usual": usual_metrics(run.task, predictions),
        "uncertainty": uncertainty_record(run.task, calibration, predictions),
        **{name: training[name] for name in FROM_TRAINING},
        "kept": _kept(training),
        "start_validation": (training.get("start") or {}).get("validation"),
        "start_left_nothing": _left_nothing(run, training),
        "device": training["device"],
        "precision": training["precision"],
        "threads": training.get("threads"),
        "paper": _paper_figure(run),
        "versions": training["versions"],
        **({"repeats": model_input.repeats} if model_input.repeats else {}),
        **_source(run, training),
    }


def _kept(training: Mapping[str, Any]) -> str | None:
    """What the model is: the solved start, that of an epoch, or a mean; None for a baseline without epochs."""
    if training["best_epoch"] is None:
        return None
    if members := training.get("members"):
        return f"mean of {len(members)} trainings"
    return f"epoch {training['best_epoch']}" if training["best_epoch"] else SOLVED_START


def _left_nothing(run: TaskRun, training: Mapping[str, Any]) -> bool:
    """Whether no epoch was made, because none could be better than the solved start."""
    asked = isinstance(run, Run) and run.training.epochs > 0
    return asked and bool(training.get("start")) and not training["history"]


def _source(run: TaskRun, training: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(run, Run):
        return dict.fromkeys(("source", "proxy", "proxy_samples", "epochs"))
    return {
        "source": run.source_name,
        "proxy": run.proxy_name,
        "proxy_samples": run.proxy_samples,
        "epochs": len(training["history"]),
    }


def _paper_figure(run: TaskRun) -> float | None:
    """The paper's figure of the method; None where it is of another metric than the run's, or of other values."""
    published = run.task.paper_metric or run.task.metric
    same = run.metric == published and not run.variant
    return run.task.paper.get(run.method_name) if same else None


def summary(record: Mapping[str, Any]) -> str:
    """One line for the log: the test metric, that of the constant baseline, and what was kept of a training."""
    spec = METRICS[record["metric"]["name"]]
    start, added = record["start_validation"], ""
    if start is not None and _could_train(record):
        added = f". Kept: {record['kept']}, validation {spec.quantity(record['validation'])}; "
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


def comparison(record: Mapping[str, Any]) -> str:
    """One line for the log: the validation metric of the run, of its solved start and of a cheap rival."""
    spec, rival = METRICS[record["metric"]["name"]], record["rival"]
    values = {record["method"]: record["validation"]}
    if record["start_validation"] is not None and _could_train(record):
        values["solved start"] = record["start_validation"]
    values[rival["name"]] = rival["validation"]
    text = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    ahead = spec.error(rival["validation"]) < spec.error(record["validation"])
    advice = (
        f". {rival['name']} is ahead; the best of several: kedro run --pipelines=choose --params task={record['task']}"
    )
    return f"Validation {spec.label}: {text}" + (advice if ahead else "")
