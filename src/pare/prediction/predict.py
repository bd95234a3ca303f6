"""Predictions of raw rows by a trained model, as the test rows were predicted."""

import logging
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate import PartialState

from pare.config import PareError
from pare.config.run import MODEL, RECORD
from pare.config.words import listed
from pare.data.files import plain_stem
from pare.data.own.format import NewRows
from pare.data.own.new_rows import RawRows, open_new_rows
from pare.data.registries import open_format
from pare.evaluation.calibration import Calibration, probabilities
from pare.evaluation.row_sums import blocks
from pare.learners.model import Model
from pare.prediction.hub import HUB, fetch_model, push_model

logger = logging.getLogger(__name__)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a text begins that a spreadsheet runs; numbers are none
GIVEN = " of the file"  # follows the name of a column of the file that another column has as well
COVERAGE = 0.9  # coverage of the sets and intervals in a file of predictions


def load(folder: str | Path, device: str | torch.device | None = None) -> "Predictor":
    """A trained model that predicts raw rows.

    Args:
        folder: folder of the model, or of its run, such as ``data/06_models/wine/pare/seed_0``; or its address on the
            Hugging Face hub, ``hf://owner/name`` or ``hf://owner/name@revision``.
        device: where it predicts; None: the accelerator if any, else the CPU.

    Raises:
        PareError: where the folder holds no whole model, or the hub does not give it.
    """
    if str(folder).startswith(HUB):
        folder = fetch_model(str(folder))
    found = [path for path in (Path(folder), Path(folder) / MODEL) if (path / RECORD).is_file()]
    if not found:
        raise PareError(
            f"{folder} holds no trained model ({RECORD}); name the folder of a run or of its model, such as "
            "data/06_models/TASK/METHOD/seed_0"
        )
    trained = Model.load(found[0], own=False)
    try:
        open_format(trained.run.task.reader)
    except Exception as error:  # a reader may fail on options of another shape in any way
        raise PareError(f"{found[0]} has options of the reader that do not fit ({error}); train it again") from error
    return Predictor(trained, device)


class Predictor:
    """A trained model that takes raw rows and does to them what training did.

    Rows are a pandas table with the columns of the training rows, an array, or a file that holds either, see
    `open_new_rows`.

    Args:
        trained: the model.
        device: where it predicts; None: the accelerator if any, else the CPU.

    Attributes:
        classes: names of the classes, or their numbers where they have no names; None where none are predicted.
    """

    def __init__(self, trained: Model, device: str | torch.device | None = None) -> None:
        self.trained, self.task = trained, trained.run.task
        self.device = PartialState().device if device is None else torch.device(device)
        names = trained.preparation.classes or range(self.task.classes or 0)
        self.classes = np.array(names) if self.task.classes else None

    def __repr__(self) -> str:
        """Task, method, what a row has, and what is predicted."""
        run, columns = self.trained.run, self.trained.preparation.columns
        takes = f"columns {listed(columns)}" if columns else f"rows of shape {list(self.raw_shape)}"
        output = self.task.output
        named = output.names("prediction") if self.classes is None else [*map(str, self.classes)]
        gives = f"{output.kind} of {listed(named)}"
        return f"<Predictor of task {run.task_name!r} by {run.method_name}: {takes}; {gives}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the model: another machine may have another device."""
        return Predictor, (self.trained,)

    def predict(self, rows: RawRows) -> np.ndarray:
        """Predict each row.

        Returns:
            Names of classes ``(rows,)``; 0 or 1 for each label ``(rows, labels)`` or point of a mask; numbers
            ``(rows, numbers)`` or fields ``(rows, channels, *grid)`` in physical units.

        Raises:
            PareError: where the rows do not fit the task.
        """
        output = self.outputs(self.open(rows))
        if self.classes is not None:
            return self.classes[output.argmax(axis=1)]
        return (output > 0).astype(np.int64) if self.is_binary else output

    def predict_proba(self, rows: RawRows) -> np.ndarray:
        """The probability of each class ``(rows, classes)``, label ``(rows, labels)`` or point of a mask.

        Those of classes and labels are at the temperature that the validation rows ask for, see `fit_temperature`.

        Raises:
            PareError: where the rows do not fit the task, or it predicts numbers.
        """
        if self.classes is None and not self.is_binary:
            raise PareError(f"task {self.trained.run.task_name!r} predicts numbers, without probabilities; use predict")
        return self.probabilities(self.outputs(self.open(rows)))

    def predict_set(self, rows: RawRows, coverage: float = 0.9) -> list[np.ndarray]:
        """The classes that each row may be of: sets with the true one in at least that share of rows.

        Args:
            rows: to predict.
            coverage: the share, on average over new rows that are like the validation rows.

        Returns:
            For each row the names of its classes, the most probable first.

        Raises:
            PareError: where the rows do not fit the task, it predicts no classes, or validation rows are too few.
        """
        sets = self.sets(self.outputs(self.open(rows)), coverage)
        assert self.classes is not None  # else there are no sets
        return [self.classes[codes] for codes in sets]

    def predict_interval(self, rows: RawRows, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends, between which that share of the truths is, each as `predict` returns them.

        Of numbers, each has its own interval. Of fields it is a band with that share of their points.

        Args:
            rows: to predict.
            coverage: the share, on average over new rows that are like the validation rows.

        Raises:
            PareError: where the rows do not fit the task, it predicts no numbers, or validation rows are too few.
        """
        return self.calibration.interval(self.outputs(self.open(rows)), coverage)

    def push_to_hub(self, repo_id: str, *, private: bool | None = None, token: str | None = None) -> str:
        """Upload the model, with its README, to the Hugging Face hub; ``load("hf://owner/name")`` brings it back.

        Look at the README first: it names the licences of the data and of the encoder, which bind you as well.

        Args:
            repo_id: ``owner/name``; the repository is made if there is none.
            private: whether a new repository is; None: what the owner set as default.
            token: token of the hub; None: the one of `hf auth login`.

        Returns:
            The address of the commit.

        Raises:
            PareError: where the hub does not take it.
        """
        return push_model(self.trained, repo_id, private=private, token=token)

    @property
    def calibration(self) -> Calibration:
        """How sure predictions are; PareError where nothing is known of that."""
        if self.trained.calibration is None:
            raise PareError(
                f"nothing is known of how sure the model of {self.trained.run.folder} is: it had no validation rows "
                "(protocol=paper, or an estimator with too few rows) or predicts masks; or it is of an older version "
                "of this project, then delete its folder and train again"
            )
        return self.trained.calibration

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """What `outputs` gave for classes, labels or masks, as probabilities of the same shape."""
        if self.trained.calibration:
            return self.trained.calibration.probabilities(outputs)
        return probabilities(outputs, self.task.output.kind)

    def sets(self, outputs: np.ndarray, coverage: float) -> list[np.ndarray]:
        """What `outputs` gave, as sets of codes of classes, see `predict_set`."""
        members = self.calibration.sets(outputs, coverage)
        order = np.argsort(-outputs, axis=1, kind="stable")
        return [row[inside[row]] for row, inside in zip(order, members, strict=True)]

    def open(self, rows: RawRows) -> NewRows:
        """The rows as the task's reader would give them; PareError where they do not fit."""
        return open_new_rows(rows, self.task.reader, self.trained.preparation)

    def outputs(self, rows: NewRows) -> np.ndarray:
        """What the model gives: logits, numbers or fields of all rows, ``(rows, …)``.

        A warning names the columns or channels whose values are far from those of the training rows.
        """
        preparation = self.trained.preparation
        outputs, bounds = [], []
        for start, stop in blocks(len(rows.names), 4 * prod(self.task.input.shape)):
            raw_x = self._raw(rows, start, stop)
            bounds.append(preparation.bounds_of(raw_x))
            outputs.append(self.trained.outputs(preparation.inputs(raw_x), self.device))
        least, greatest = np.stack(bounds, axis=1)
        far = preparation.far_outside(np.stack([least.min(axis=0), greatest.max(axis=0)]), len(rows.names))
        if far:
            logger.warning(
                "New rows are far from the training rows, where predictions are guesses: %s. Are the units the same?",
                listed(far),
            )
        return np.concatenate(outputs)

    def inputs(self, rows: NewRows, start: int, stop: int) -> np.ndarray:
        """Rows start to stop - 1 as the model takes them, ``(rows, …)``; PareError where they do not fit."""
        return self.trained.preparation.inputs(self._raw(rows, start, stop))

    def _raw(self, rows: NewRows, start: int, stop: int) -> np.ndarray:
        raw_x = rows.read(start, stop)
        self._check_shape(raw_x)
        return raw_x

    @property
    def is_binary(self) -> bool:
        """Whether several answers of yes or no are predicted at once."""
        return self.task.output.kind == "multilabel" or self.task.loss == "binary_cross_entropy"

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of a raw row: that of the model's input without coordinates, which are appended, one for each axis."""
        shape = self.task.input.shape
        return (shape[0] - len(shape) + 1, *shape[1:]) if self.task.normalisation.coordinates else shape

    def _check_shape(self, x: np.ndarray) -> None:
        shape = self.raw_shape
        if x.shape[1:] != shape:
            raise PareError(
                f"the new rows have shape {list(x.shape[1:])}, those of task {self.trained.run.task_name!r} have "
                f"{list(shape)}; bring rows of that shape"
            )


@dataclass(frozen=True)
class NewPredictions:
    """Predictions in physical units, probabilities of classes, labels and masks, and sets or intervals at 90 %.

    Attributes:
        name: name of the file with the new rows, without its ending.
        content: a table with a line for each row, of which no cell is a formula, or fields ``(rows, channels, *grid)``.
    """

    name: str
    content: pd.DataFrame | np.ndarray


def predict_file(path: Path, predictor: Predictor) -> NewPredictions:
    """Predict each row of a file and say how sure that is; arguments and errors as for `Predictor.predict`."""
    rows, task, stem = predictor.open(path), predictor.task, plain_stem(path)
    output = predictor.outputs(rows)
    if task.output.kind == "dense":
        return NewPredictions(stem, predictor.probabilities(output) if predictor.is_binary else output)
    names = task.output.names("prediction")
    if predictor.is_binary:
        predicted: dict[str, Any] = _columns(names, predictor.probabilities(output))
    elif predictor.classes is None:
        predicted = _columns(names, output) | _how_sure(predictor, output)
    else:
        shares = _columns([f"probability of {name}" for name in predictor.classes], predictor.probabilities(output))
        predicted = {task.output.name or "prediction": predictor.classes[output.argmax(axis=1)]}
        predicted |= _how_sure(predictor, output) | shares
    table = pd.DataFrame({"row": rows.names})
    if rows.ignored is not None:
        # As text, since numbers of predictions are rounded, and identifiers may not be.
        table = table.join(rows.ignored.map(str, na_action="ignore"), rsuffix=GIVEN)
    return NewPredictions(stem, without_formulas(table.join(pd.DataFrame(predicted), lsuffix=GIVEN)))


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table, with an apostrophe before each text, name or not, that a spreadsheet would run as a formula."""
    texts = table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"])
    return table.assign(**texts.astype(object).map(_plain_text)).rename(columns=_plain_text)


def _plain_text(value: Any) -> Any:
    try:
        float(value)
    except (TypeError, ValueError):
        return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
    return value


def _columns(names: list[str], values: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(names, values.T, strict=True))


def _how_sure(predictor: Predictor, output: np.ndarray) -> dict[str, Any]:
    """Columns with the set of each row, or the ends of its intervals; none, and a warning, where nothing is known."""
    named = predictor.task.output
    try:
        if predictor.classes is not None:
            sets = [predictor.classes[codes] for codes in predictor.sets(output, COVERAGE)]
            return {f"{named.name or 'prediction'} set": [" | ".join(map(str, names)) for names in sets]}
        ends = predictor.calibration.interval(output, COVERAGE)
    except PareError as error:
        logger.warning("The predictions have no sets or intervals: %s", error)
        return {}
    columns = [_columns(named.names("prediction"), end) for end in ends]
    return {
        f"{name} {end}": of[name] for name in columns[0] for end, of in zip(("lower", "upper"), columns, strict=True)
    }
