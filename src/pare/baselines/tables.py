"""Tables: one estimator for all classes, or one for each label or number, put together to a prediction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pare.baselines.problem import Fitted, Problem
from pare.config.schema import Task

LEAST_PROBABILITY = 1e-9  # of a class that the training rows do not have
OUTPUTS = "outputs.json"


class ConstantLabel:
    """An estimator of a label that all training rows share."""

    def predict_proba(self, x: Any) -> np.ndarray:
        """One for the only class, ``(rows, 1)``."""
        return np.ones((len(x), 1))


@dataclass(frozen=True)
class OutputModel:
    """One estimator of a task: all classes, or one label or number of several.

    Attributes:
        estimator: the library's.
        present: classes that the training rows have, in the order of the estimator's; none for numbers.
    """

    estimator: Any
    present: np.ndarray | None

    def log_probabilities(self, x: Any, classes: int) -> np.ndarray:
        """``(rows, classes)``; of a class that was never seen, that of `LEAST_PROBABILITY`."""
        logs = np.full((len(x), classes), np.log(LEAST_PROBABILITY))
        logs[:, self.present] = np.log(self.estimator.predict_proba(x).clip(LEAST_PROBABILITY))
        return logs


@dataclass(frozen=True)
class Library:
    """How a library takes a table, and how its estimators become files.

    Attributes:
        name: of the library.
        version: of the library.
        suffix: of a file.
        frame: inputs ``(rows, features)`` and the number of categories per column, to what its estimators take.
        write: an estimator to a file.
        read: a file, and whether its estimator predicts a number, to an estimator that predicts as the written one.
    """

    name: str
    version: str
    suffix: str
    frame: Callable[[np.ndarray, Sequence[int]], Any]
    write: Callable[[Any, Path], object]
    read: Callable[[Path, bool], Any]

    def path(self, folder: Path, output: int) -> Path:
        """The file of an estimator."""
        return folder / f"output_{output}{self.suffix}"


@dataclass(frozen=True)
class TableModel:
    """Fitted estimators as one baseline.

    Attributes:
        task: what is predicted.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
        columns: an estimator for all classes, or one for each label or number.
        library: theirs.
    """

    task: Task
    categories: Sequence[int]
    columns: list[OutputModel]
    library: Library

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Logits of classes or labels, or numbers."""
        x, classes = self.library.frame(inputs, self.categories), self.task.classes
        if classes:
            return self.columns[0].log_probabilities(x, classes).astype(np.float32)
        if self.task.output.kind == "regression":
            return np.stack([column.estimator.predict(x) for column in self.columns], 1).astype(np.float32)
        logs = [column.log_probabilities(x, 2) for column in self.columns]
        return np.stack([log[:, 1] - log[:, 0] for log in logs], 1).astype(np.float32)

    def write(self, folder: Path) -> None:
        """A file for each estimator, in the format of its library, and what they are estimators of, as JSON."""
        for i, column in enumerate(self.columns):
            if not isinstance(column.estimator, ConstantLabel):
                self.library.write(column.estimator, self.library.path(folder, i))
        present = [None if column.present is None else column.present.tolist() for column in self.columns]
        content = {"categories": list(self.categories), "present": present}
        (folder / OUTPUTS).write_text(json.dumps(content), encoding="utf-8")


def load_table_model(folder: Path, task: Task, library: Library) -> TableModel:
    """Read what `TableModel.write` wrote."""
    content = json.loads((folder / OUTPUTS).read_text(encoding="utf-8"))
    columns = []
    for i, present in enumerate(content["present"]):
        constant = present is not None and len(present) == 1
        estimator = ConstantLabel() if constant else library.read(library.path(folder, i), present is None)
        columns.append(OutputModel(estimator, None if present is None else np.array(present)))
    return TableModel(task, content["categories"], columns, library)


def answers_by_output(problem: Problem, y: np.ndarray) -> list[np.ndarray]:
    """What each estimator learns: the classes, or one of the labels or numbers, ``(rows,)`` each."""
    if problem.task.classes:
        return [y]
    return list(np.array(y.T, y.dtype if problem.task.output.kind == "regression" else int, order="C"))


def as_fitted(problem: Problem, columns: list[OutputModel], library: Library) -> Fitted:
    """Fitted estimators, one for all classes or one for each label or number, as one baseline."""
    return Fitted(TableModel(problem.task, problem.categories, columns, library), {library.name: library.version})
