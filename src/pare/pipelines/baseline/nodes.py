"""Nodes of the baseline pipeline."""

import logging
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pare.config import BaselineRun
from pare.evaluation.drawing import draw_predictions
from pare.evaluation.metrics import check_classes
from pare.evaluation.record import evaluation_record, summary
from pare.pipelines.baseline.fit import BaselineFit
from pare.preparation import check_model_input
from pare.raw.origins.manifest import RawFolder, raw_fingerprint
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
Predicted = tuple[dict[str, np.ndarray], dict[str, Any]]  # arrays of the test rows, and the record of the fitting


def describe_fit(run: BaselineRun, raw: RawFolder, model_input: ArrayStore) -> BaselineFit:
    """Say what is fitted to which rows, which is done as the predictions are saved.

    Raises:
        PareError: where the model input is not that of the run's raw files, task and protocol, or lacks a class.
    """
    check_model_input(run, raw_fingerprint(run.task.raw.active, raw.manifest.files), model_input)
    check_classes(run, model_input)
    return BaselineFit(run, model_input)


def score_predictions(run: BaselineRun, predicted: Predicted, model_input: ArrayStore) -> dict[str, Any]:
    """Score the predictions as those of a method are, and the constant baseline with them."""
    arrays, fitting = predicted
    record = evaluation_record(run, fitting, model_input.rows("train"), arrays)
    logger.info("%s, %s, seed %d: %s.", run.task_name, run.label, run.seed, summary(record))
    return record


def draw_baseline(run: BaselineRun, model_input: ArrayStore, predicted: Predicted, metrics: dict[str, Any]) -> Figure:
    """Draw the predictions as those of a method are."""
    arrays, _ = predicted
    return draw_predictions(run, model_input, arrays, metrics)
