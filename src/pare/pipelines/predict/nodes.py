"""Nodes of the predict pipeline."""

import logging

from pare.config import Run
from pare.config.words import counted
from pare.learners.model import Model
from pare.prediction.asked import named_file
from pare.prediction.predict import NewPredictions, Predictor, predict_file

logger = logging.getLogger(__name__)


def predict_new_rows(run: Run, file: str, model: Model) -> NewPredictions:
    """Predict each row of a file as the test rows were predicted.

    Args:
        run: the run whose model predicts.
        file: with the new rows; absolute, or relative to the current folder.
        model: the trained model, which knows how to prepare them.

    Raises:
        PareError: if no file is named, it does not fit, or the model was trained with other values than the run's.
    """
    path = named_file(run, file)
    model.check_values(run, model.run.command("predict", predict=file))
    predictions = predict_file(path, Predictor(model))
    rows = counted(len(predictions.content), "row")
    logger.info("%s of %s predicted by %s, seed %d.", rows, path, run.label, run.seed)
    return predictions
