"""Nodes of the evaluate pipeline."""

import logging
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from accelerate import PartialState
from matplotlib.figure import Figure

from pare.config import Run
from pare.config.raw import OWN_FILES
from pare.evaluation.figures.canvas import message_figure
from pare.evaluation.figures.epochs import replaced_figure, training_figure
from pare.evaluation.metrics import METRICS
from pare.evaluation.metrics_record import evaluation_record, summary
from pare.evaluation.prediction_figures import draw_calibration
from pare.evaluation.scoring import average_groups, predict_rows
from pare.learners.choice.leaderboard import leaderboard_figure, leaderboard_table
from pare.learners.model import Model
from pare.storage.store import ArrayStore
from pare.tracking import curve

logger = logging.getLogger(__name__)
LEADERBOARD = "leaderboard"  # name of the files that show a choice


def predict_test_rows(run: Run, model: Model, model_input: ArrayStore) -> dict[str, np.ndarray]:
    """Predict the test rows, averaged over their groups where the task says so: the only time they are touched.

    Raises:
        PareError: where the model is not the run's, or was trained on another model input.
    """
    model.check(run, model_input, model.run.command("evaluate"))
    outcome = predict_rows(partial(model.outputs, device=PartialState().device), model_input.rows("test"))
    return average_groups(outcome) if run.task.average_groups else outcome


def score_predictions(
    run: Run, model: Model, model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions, and the constant baseline with them."""
    record = evaluation_record(run, model.record, model_input, predictions, model.calibration)
    logger.info("%s, %s, seed %d: %s.", run.task_name, run.label, run.seed, summary(record))
    if run.task.raw.origin == OWN_FILES and not run.candidates:
        logger.info("The best of several: kedro run --params task=%s,method=choose", run.task_name)
    return record


def draw_uncertainty(run: Run, model: Model, predictions: dict[str, np.ndarray], metrics: dict[str, Any]) -> Figure:
    """Draw how sure the model was of the test rows, and whether it should have been."""
    return draw_calibration(run, model.calibration, predictions, metrics)


def draw_training(run: Run, model: Model) -> tuple[Figure, list[dict[str, Any]]]:
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


def draw_replaced_patches(run: Run, model: Model) -> Figure:
    """Which patches were replaced over the epochs; a method that does not mix says so."""
    history, replaced = model.record["history"], model.record.get("replaced")
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


def draw_candidates(run: Run, model: Model) -> tuple[dict[str, Figure], dict[str, pd.DataFrame]]:
    """The candidates of a choice with the metric of each fold, as a figure and as a table; none for other runs."""
    candidates = model.record.get("candidates")
    if not candidates:
        return {}, {}
    figure = leaderboard_figure(candidates, model.record["validation"], METRICS[run.metric], title=run.title)
    return {LEADERBOARD: figure}, {LEADERBOARD: leaderboard_table(candidates)}


def _without_epochs(run: Run) -> str:
    if not run.learner.is_trained:
        return f"Method {run.method_name!r} has no epochs."
    return "The solved start left nothing to train."
