"""Predictions of new rows, as the test rows were predicted."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from accelerate import PartialState
from scipy.special import expit, softmax

from pare.config import PareError, Task
from pare.own_data.new_rows import NewRows, open_new_rows
from pare.preparation import scale_inputs
from pare.storage.samples import Samples
from pare.storage.store import ArrayStore
from pare.training import TrainedModel

BATCH_ROWS = 64


@dataclass(frozen=True)
class NewPredictions:
    """Predictions in physical units, and probabilities of classes, labels and masks.

    Attributes:
        name: of the file with the new rows, without its ending.
        content: a table with a line for each row, or fields ``(rows, channels, *grid)``.
    """

    name: str
    content: pd.DataFrame | np.ndarray


def predict_file(path: Path, known: Samples, model: TrainedModel, store: ArrayStore) -> NewPredictions:
    """Predict each row of a file.

    Args:
        path: the file, or a folder of images; see `open_new_rows`.
        known: samples with an answer, as the task's reader gives them; they say how categories are numbered.
        model: the trained model.
        store: the model input that it was trained on; its statistics normalise the new rows.

    Raises:
        PareError: if the rows do not fit the task.
    """
    task = model.run.task
    rows = open_new_rows(path, task.reader, known)
    output = _outputs(rows, model, store)
    if task.output.kind == "multilabel" or task.loss == "binary_cross_entropy":
        output = expit(output)
    if task.output.kind == "dense":
        return NewPredictions(path.stem, output)
    return NewPredictions(path.stem, _table(task, rows.names, output, store.description["classes"]))


def _outputs(rows: NewRows, model: TrainedModel, store: ArrayStore) -> np.ndarray:
    """Logits, numbers or fields of all rows, ``(rows, …)``."""
    device, seen = PartialState().device, _seen_categories(store)
    network = model.model.to(device)
    coordinates = model.run.task.normalisation.coordinates
    outputs = []
    with torch.inference_mode():
        for start in range(0, len(rows.names), BATCH_ROWS):
            raw_x = rows.read(start, min(start + BATCH_ROWS, len(rows.names)))
            _check_shape(raw_x, model)
            x = scale_inputs(raw_x, store.statistics, coordinates=coordinates)
            for column, levels in seen.items():
                x[~np.isin(x[:, column], levels), column] = np.nan
            outputs.append(network(torch.from_numpy(x).to(device)).float().cpu().numpy())
    return np.concatenate(outputs)


def _check_shape(x: np.ndarray, model: TrainedModel) -> None:
    shape = model.run.task.input.shape
    if model.run.task.normalisation.coordinates:  # appended, one for each axis
        shape = (shape[0] - len(shape) + 1, *shape[1:])
    if x.shape[1:] != shape:
        raise PareError(
            f"the new rows have shape {list(x.shape[1:])}, those of task {model.run.task_name!r} have "
            f"{list(shape)}; bring rows of that shape"
        )


def _seen_categories(store: ArrayStore) -> dict[int, np.ndarray]:
    """Codes of the categories that training rows have, by column; others count as missing."""
    columns = [column for column, count in enumerate(store.description["categories"]) if count]
    if not columns:
        return {}
    x = store.rows("train").array("x")
    return {column: np.unique(x[:, column]) for column in columns}


def _table(task: Task, names: list[str], output: np.ndarray, classes: list[str] | None) -> pd.DataFrame:
    """A line for each new row: its name, the prediction, and probabilities where there are any."""
    table = pd.DataFrame({"row": names})
    if task.output.kind != "classification":
        return table.assign(**dict(zip(task.output.names("prediction"), output.T, strict=True)))
    labels = classes or [str(i) for i in range(output.shape[1])]
    table[task.output.name or "prediction"] = [labels[code] for code in output.argmax(axis=1)]
    probabilities = zip(labels, softmax(output, axis=1).T, strict=True)
    return table.assign(**{f"probability of {label}": share for label, share in probabilities})
