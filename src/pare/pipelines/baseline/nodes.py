"""Nodes of the baseline pipeline."""

import logging
from functools import partial
from typing import Any

import numpy as np
from accelerate import PartialState

from pare.config import BaselineRun
from pare.data.origins.manifest import RawFolder, raw_fingerprint
from pare.data.preparation import check_model_input
from pare.evaluation.metrics import check_classes
from pare.evaluation.metrics_record import evaluation_record, summary
from pare.evaluation.scoring import average_groups, predict_rows
from pare.learners.libraries import BaselineFit, TrainedBaseline
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)


def describe_fit(run: BaselineRun, raw: RawFolder, model_input: ArrayStore) -> BaselineFit:
    """Say what is fitted to which rows, which is done as the model is saved.

    Raises:
        PareError: where the model input is not that of the run's raw files, task and protocol, or lacks a class.
    """
    check_model_input(run, raw_fingerprint(run.task.raw.active, raw.manifest.files), model_input)
    check_classes(run, model_input)
    return BaselineFit(run, model_input)


def predict_test_rows(run: BaselineRun, model: TrainedBaseline, model_input: ArrayStore) -> dict[str, np.ndarray]:
    """Predict the test rows as those of a method are predicted: the only time they are touched.

    Raises:
        PareError: where the model is not the run's, or was fitted to another model input.
    """
    model.check(run, model_input, model.run.command("baseline"))
    outcome = predict_rows(partial(model.outputs, device=PartialState().device), model_input.rows("test"))
    return average_groups(outcome) if run.task.average_groups else outcome


def score_predictions(
    run: BaselineRun, model: TrainedBaseline, model_input: ArrayStore, predictions: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Score the predictions as those of a method are, and the constant baseline with them."""
    record = evaluation_record(run, model.record, model_input, predictions, model.calibration)
    logger.info("%s, %s, seed %d: %s.", run.task_name, run.label, run.seed, summary(record))
    return record
