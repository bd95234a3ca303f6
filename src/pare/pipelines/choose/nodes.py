"""Nodes of the choose pipeline."""

import logging
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from accelerate import PartialState
from matplotlib.figure import Figure

from pare.config import ChoiceRun
from pare.data.origins.manifest import RawFolder, raw_fingerprint
from pare.data.preparation import check_model_input
from pare.evaluation.metrics import METRICS, check_classes
from pare.evaluation.metrics_record import evaluation_record, summary
from pare.evaluation.prediction_figures import draw_calibration
from pare.evaluation.scoring import average_groups, predict_rows
from pare.learners.ensemble.blend import weights_text
from pare.learners.ensemble.choice import Choice
from pare.learners.ensemble.chosen import ChosenModel
from pare.learners.ensemble.leaderboard import leaderboard_figure, leaderboard_table
from pare.learners.libraries.by_name import INSTALL
from pare.learners.networks.training import SourceFolders
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)


def describe_choice(
    run: ChoiceRun, raw: RawFolder, model_input: ArrayStore, encoder: RawFolder, proxy: RawFolder
) -> Choice:
    """Say what is compared on which rows, which is done as the model is saved.

    Raises:
        PareError: where the model input is not that of the run's raw files, task and protocol, or lacks a class.
    """
    check_model_input(run, raw_fingerprint(run.task.raw.active, raw.manifest.files), model_input)
    check_classes(run, model_input)
    return Choice(run, model_input, SourceFolders.of(encoder, proxy))


def predict_test_rows(run: ChoiceRun, model: ChosenModel, model_input: ArrayStore) -> dict[str, np.ndarray]:
    """Predict the test rows as those of a method are predicted: the only time they are touched.

    Raises:
        PareError: where the model is not the run's, or was chosen on another model input.
    """
    model.check(run, model_input, model.run.command("choose"))
    outcome = predict_rows(partial(model.outputs, device=PartialState().device), model_input.rows("test"))
    return average_groups(outcome) if run.task.average_groups else outcome


def score_predictions(
    run: ChoiceRun, model: ChosenModel, model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions as those of a method are, and the constant baseline with them."""
    record = evaluation_record(run, model.record, model_input, predictions, model.calibration)
    record |= {"candidates": model.record["candidates"], "kept": weights_text(model.blend.weights)}
    missing = ", ".join(model.record.get("not_installed", ()))
    left_out = f" Not installed, so left out: {missing} ({INSTALL})." if missing else ""
    given = run.task_name, run.label, run.seed, summary(record), record["kept"], left_out
    logger.info("%s, %s, seed %d: %s. Selected: %s.%s", *given)
    return record


def draw_uncertainty(
    run: ChoiceRun, model: ChosenModel, predictions: dict[str, np.ndarray], metrics: dict[str, Any]
) -> Figure:
    """Draw how sure the model was of the test rows, and whether it should have been."""
    return draw_calibration(run, model.calibration, predictions, metrics)


def draw_candidates(run: ChoiceRun, model: ChosenModel) -> tuple[Figure, pd.DataFrame]:
    """The candidates with the metric of each fold, as a figure and as a table."""
    candidates = model.record["candidates"]
    figure = leaderboard_figure(candidates, model.record["validation"], METRICS[run.metric], title=run.title)
    return figure, leaderboard_table(candidates)
