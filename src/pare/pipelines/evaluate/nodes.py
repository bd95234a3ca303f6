"""Nodes of the evaluate pipeline."""

import logging
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from accelerate import PartialState
from matplotlib.figure import Figure

from pare.config import Library, Run
from pare.config.raw import OWN_FILES
from pare.evaluation.figures import message_figure, replaced_figure, training_figure
from pare.evaluation.metrics import METRICS
from pare.evaluation.metrics_record import comparison, evaluation_record, summary
from pare.evaluation.prediction_figures import draw_calibration
from pare.evaluation.scoring import average_groups, predict_rows
from pare.learners.libraries.by_name import reference_model
from pare.learners.networks.trained_model import TrainedModel
from pare.storage.store import ArrayStore
from pare.tracking import curve

logger = logging.getLogger(__name__)


def predict_test_rows(run: Run, model: TrainedModel, model_input: ArrayStore) -> dict[str, np.ndarray]:
    """Predict the test rows, averaged over their groups where the task says so: the only time they are touched.

    Raises:
        PareError: where the model is not the run's, or was trained on another model input.
    """
    model.check(run, model_input, model.run.command("evaluate"))
    outcome = predict_rows(partial(model.outputs, device=PartialState().device), model_input.rows("test"))
    return average_groups(outcome) if run.task.average_groups else outcome


def score_predictions(
    run: Run, library: Library, model: TrainedModel, model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions, and the constant baseline with them.

    A task of the user's own, which no table of results has, is compared with a cheap baseline on the validation rows.
    """
    record = evaluation_record(run, model.record, model_input, predictions, model.calibration)
    logger.info("%s, %s, seed %d: %s.", run.task_name, run.label, run.seed, summary(record))
    if run.task.raw.origin == OWN_FILES and (reference := reference_model(run, library, model_input)):
        record["rival"] = asdict(reference)
        logger.info("%s", comparison(record))
    return record


def draw_uncertainty(
    run: Run, model: TrainedModel, predictions: dict[str, np.ndarray], metrics: dict[str, Any]
) -> Figure:
    """Draw how sure the model was of the test rows, and whether it should have been."""
    return draw_calibration(run, model.calibration, predictions, metrics)


def draw_training(run: Run, model: TrainedModel) -> tuple[Figure, list[dict[str, Any]]]:
    """Losses and validation metric over the epochs, as a figure and as the numbers behind it.

    A solved start is epoch 0, which has no loss. Of several members it is the first.
    """
    spec, history, start = METRICS[run.metric], model.record["history"], model.record.get("start")
    if not history:
        return message_figure(_without_epochs(run)), history
    history, members = curve(history, start), len(model.record.get("members", ()))
    figure = training_figure(
        history,
        title=f"{run.title}, the first of {members} trainings" if members else run.title,
        metric_title=spec.label,
        metric_direction=spec.direction,
        kept_epoch=model.record["best_epoch"],
    )
    return figure, history


def draw_replaced_patches(run: Run, model: TrainedModel) -> Figure:
    """Which patches were replaced over the epochs; a method that does not mix says so."""
    history, replaced = model.record["history"], model.record["replaced"]
    if not replaced:
        mixes = run.mixing and run.training.epochs
        return message_figure(_without_epochs(run) if mixes else f"Method {run.method_name!r} replaces no patches.")
    return replaced_figure(
        np.asarray(replaced),
        epochs=[row["epoch"] for row in history],
        fractions=[row["lambda"] for row in history],
        grid=run.grid,
        title=f"{run.title}: replaced patches",
        names=model.preparation.columns or (),
    )


def _without_epochs(run: Run) -> str:
    if run.training.epochs:
        return "The solved start left nothing to train."
    return f"Method {run.method_name!r} solves its heads and has no epochs."
