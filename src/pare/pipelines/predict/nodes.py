"""Nodes of the predict pipeline."""

import logging
from pathlib import Path

from pare.config import PareError, Run
from pare.own_data.predict import NewPredictions, predict_file
from pare.raw.origins.manifest import RawFolder
from pare.raw.origins.own_files import find_path
from pare.raw.readers.registry import open_raw_files
from pare.storage.store import ArrayStore
from pare.training import SourceFolders, TrainedModel, check_data

logger = logging.getLogger(__name__)


def predict_new_rows(
    run: Run,
    file: str,
    *,
    raw: RawFolder,
    model: TrainedModel,
    model_input: ArrayStore,
    encoder: RawFolder,
    proxy: RawFolder,
) -> NewPredictions:
    """Predict each row of a file as the test rows were predicted.

    Args:
        run: the run whose model predicts.
        file: with the new rows; absolute, or relative to the current folder.
        raw: the task's own files, which say how categories are numbered.
        model: the trained model.
        model_input: what it was trained on; its statistics normalise the new rows.
        encoder: what it was trained from.
        proxy: what it was trained with.

    Raises:
        PareError: if no file is named, it does not fit, or the model is not the run's or was trained on other data.
    """
    if not file:
        raise PareError(f"name the file with new rows: --params task={run.task_name},predict=PATH")
    model.check(run, model_input, f"{model.run.command('predict')},predict={file}")
    check_data(model, model_input, SourceFolders.of(encoder, proxy))
    path = find_path(file, Path.cwd())
    known = next(iter(open_raw_files(run.task.reader, raw.path).values()))
    predictions = predict_file(path, known, model, model_input)
    logger.info("%d rows of %s predicted by %s, seed %d.", len(predictions.content), path, run.label, run.seed)
    return predictions
