"""Nodes of the predict pipeline."""

import logging

import numpy as np
import pandas as pd
import torch
from accelerate import PartialState
from scipy.special import expit, softmax

from pare.config import PareError, Task
from pare.datasets import NewPredictions, RawFolder
from pare.own_data.new_rows import NewRows, open_new_rows
from pare.pipelines.preprocess.nodes import open_raw_files
from pare.preparation import scale_inputs
from pare.raw.origins.own_files import find_path
from pare.storage.store import ArrayStore
from pare.training import SourceFolders, TrainedModel, run_fingerprint

logger = logging.getLogger(__name__)
BATCH_ROWS = 64


def check_model(model: TrainedModel, model_input: ArrayStore, encoder: RawFolder, proxy: RawFolder) -> TrainedModel:
    """Refuse a model that was trained on other data than those whose statistics would normalise the new rows.

    Raises:
        PareError: if the model input is not the one that the model was trained on.
    """
    source = SourceFolders(encoder.path, proxy.path, (encoder.manifest.fingerprint, proxy.manifest.fingerprint))
    if run_fingerprint(model.run, model_input, source) != model.record["fingerprint"]:
        own = {"variant": model.run.variant, **model.run.overridden} if model.run.variant else {}
        run = {"task": model.run.task_name, "method": model.run.method_name, "seed": model.run.seed, **own}
        raise PareError(
            "the data or the task changed since the model was trained; train it again: "
            f"kedro run --pipelines=pare_train --params {','.join(f'{key}={value}' for key, value in run.items())}"
        )
    return model


def predict_new_rows(file: str, raw: RawFolder, model: TrainedModel, model_input: ArrayStore) -> NewPredictions:
    """Predict each row of a file as the test rows were predicted.

    Args:
        file: with the new rows; absolute, or relative to the project.
        raw: the task's own files, which say how categories are numbered.
        model: the trained model.
        model_input: what it was trained on; its statistics normalise the new rows.

    Returns:
        Predictions in physical units, and probabilities of classes, labels and masks.

    Raises:
        PareError: if no file is named, or it does not fit.
    """
    run, task = model.run, model.run.task
    if not file:
        raise PareError(f"name the file with new rows: --params task={run.task_name},predict=PATH")
    path = find_path(file, raw.path.absolute().parents[2])
    known = next(iter(open_raw_files(run, raw).values()))
    rows = open_new_rows(path, task.reader, known)
    output = _outputs(rows, model, model_input)
    if task.output.kind == "multilabel" or task.loss == "binary_cross_entropy":
        output = expit(output)
    logger.info("%d rows of %s predicted by %s, seed %d.", len(rows.names), path, run.method_folder, run.seed)
    if task.output.kind == "dense":
        return NewPredictions(path.stem, output)
    return NewPredictions(path.stem, _table(task, rows.names, output, model_input.description["classes"]))


def _outputs(rows: NewRows, model: TrainedModel, model_input: ArrayStore) -> np.ndarray:
    """Logits, numbers or fields of all rows, ``(rows, …)``."""
    task, device = model.run.task, PartialState().device
    shape = task.input.shape
    if task.normalisation.coordinates:  # appended, one for each axis
        shape = (shape[0] - len(shape) + 1, *shape[1:])
    network = model.model.to(device)
    seen = _seen_categories(model_input)
    outputs = []
    with torch.inference_mode():
        for start in range(0, len(rows.names), BATCH_ROWS):
            raw_x = rows.read(start, min(start + BATCH_ROWS, len(rows.names)))
            if raw_x.shape[1:] != shape:
                raise PareError(
                    f"the new rows have shape {list(raw_x.shape[1:])}, those of task {model.run.task_name!r} have "
                    f"{list(shape)}; bring rows of that shape"
                )
            x = scale_inputs(raw_x, model_input.statistics, coordinates=task.normalisation.coordinates)
            for column, levels in seen.items():
                x[~np.isin(x[:, column], levels), column] = np.nan
            outputs.append(network(torch.from_numpy(x).to(device)).float().cpu().numpy())
    return np.concatenate(outputs)


def _seen_categories(model_input: ArrayStore) -> dict[int, np.ndarray]:
    """Codes of the categories that training rows have, by column; others are as good as missing."""
    columns = [column for column, count in enumerate(model_input.description["categories"]) if count]
    if not columns:
        return {}
    x = model_input.rows("train").array("x")
    return {column: np.unique(x[:, column]) for column in columns}


def _table(task: Task, names: list[str], output: np.ndarray, classes: list[str] | None) -> pd.DataFrame:
    """A line for each new row: its name, the prediction, and probabilities where there are any."""
    said, count = task.output.name or "prediction", output.shape[1]
    table = pd.DataFrame({"row": names})
    if task.output.kind == "classification":
        labels = classes or [str(i) for i in range(count)]
        probabilities = zip(labels, softmax(output, axis=1).T, strict=True)
        table[said] = [labels[code] for code in output.argmax(axis=1)]
        return table.assign(**{f"probability of {label}": share for label, share in probabilities})
    parts = [part.strip() for part in said.split(",")]
    columns = parts if len(parts) == count else [f"{said} {i + 1}" for i in range(count)]
    return table.assign(**dict(zip(columns, output.T, strict=True)))
