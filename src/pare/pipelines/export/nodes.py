"""Nodes of the export pipeline."""

import logging

from rich import get_console

from pare.config import Run
from pare.data.own.format import held_rows
from pare.export import OnnxModel, to_onnx
from pare.learners.model import Model
from pare.prediction.predict import Predictor
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
MOST_ROWS = 200


def export_model(run: Run, model: Model, model_input: ArrayStore) -> OnnxModel:
    """Make an ONNX file of the model, whose answers to the first test rows are the model's own.

    Raises:
        PareError: where the model is not the run's, was trained on another model input, or cannot be exported, as that
            of a library.
    """
    model.check(run, model_input, model.run.command("export"))
    logger.info("Converting %s to ONNX takes up to a minute.", run.label)
    test = model_input.rows("test")
    x = test.read(0, min(len(test), MOST_ROWS))["x"]
    with get_console().status("converting"):
        return to_onnx(Predictor(model, "cpu"), held_rows(model.preparation.raw(x)))
