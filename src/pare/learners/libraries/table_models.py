"""Tables: estimators of all classes, or of each label or number, put together to a prediction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.data.formats.memory import OBJECTS, check_memory
from pare.learners.libraries.problem import LibraryModel

LEAST_PROBABILITY = 1e-9  # probability of a class that the training rows do not have
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

    def probabilities(self, x: Any, classes: int) -> np.ndarray:
        """``(rows, classes)``; of a class that was never seen, `LEAST_PROBABILITY`."""
        probabilities = np.full((len(x), classes), LEAST_PROBABILITY)
        probabilities[:, self.present] = self.estimator.predict_proba(x).clip(LEAST_PROBABILITY)
        return probabilities


@dataclass(frozen=True)
class Library:
    """How a library takes a table, and how its estimators become files.

    Attributes:
        name: name of the library.
        version: version of the library.
        suffix: suffix of a file.
        frame: inputs ``(rows, features)`` and the number of categories per column, to its estimators' inputs.
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
class TableModel(LibraryModel):
    """Fitted estimators as one model.

    Attributes:
        task: the task.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
        estimators: one for all classes, or one for each label or number.
        library: library of the estimators.
    """

    batch_rows: ClassVar[int] = 1_000_000

    task: Task
    categories: Sequence[int]
    estimators: list[OutputModel]
    library: Library

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Logits of classes or labels, or numbers."""
        x, classes = self.library.frame(inputs, self.categories), self.task.classes
        if classes:
            return np.log(self.estimators[0].probabilities(x, classes)).astype(np.float32)
        if self.task.output.kind == "regression":
            return np.stack([output.estimator.predict(x) for output in self.estimators], 1).astype(np.float32)
        logs = [np.log(output.probabilities(x, 2)) for output in self.estimators]
        return np.stack([log[:, 1] - log[:, 0] for log in logs], 1).astype(np.float32)

    def write(self, folder: Path) -> None:
        """A file for each estimator, in the format of its library, and their outputs, as JSON."""
        for i, output in enumerate(self.estimators):
            if not isinstance(output.estimator, ConstantLabel):
                self.library.write(output.estimator, self.library.path(folder, i))
        present = [None if output.present is None else output.present.tolist() for output in self.estimators]
        content = {"categories": list(self.categories), "present": present}
        (folder / OUTPUTS).write_text(json.dumps(content), encoding="utf-8")


def load_table_model(folder: Path, task: Task, library: Library) -> TableModel:
    """Read what `TableModel.write` wrote."""
    content = json.loads((folder / OUTPUTS).read_text(encoding="utf-8"))
    check_memory(OBJECTS * sum(content["categories"]), f"{folder / OUTPUTS}: its list of categories")
    if any((known is None) != (task.output.kind == "regression") for known in content["present"]):
        raise PareError(f"{OUTPUTS} lacks the classes of an output, or has some of a number")
    outputs = [_load_output(library, library.path(folder, i), known) for i, known in enumerate(content["present"])]
    return TableModel(task, content["categories"], outputs, library)


def _load_output(library: Library, path: Path, present: list[int] | None) -> OutputModel:
    if present is None:
        return OutputModel(library.read(path, True), None)
    return OutputModel(ConstantLabel() if len(present) == 1 else library.read(path, False), np.array(present))


def answers_by_output(task: Task, y: np.ndarray) -> list[np.ndarray]:
    """What each estimator learns: the classes, or one of the labels or numbers, ``(rows,)`` each."""
    if task.classes:
        return [y]
    return list(np.array(y.T, y.dtype if task.output.kind == "regression" else int, order="C"))
