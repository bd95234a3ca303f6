"""Tables: estimators of all classes, or of each label or number, put together to a prediction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pare.config.schema import Task

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


Bag = list[OutputModel]  # models of one output, fitted to different rows; their mean is predicted


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

    def path(self, folder: Path, output: int, member: int) -> Path:
        """The file of an estimator."""
        return folder / f"output_{output}_{member}{self.suffix}"


@dataclass(frozen=True)
class TableModel:
    """Fitted estimators as one model.

    Attributes:
        task: the task.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
        bags: one for all classes, or one for each label or number.
        library: library of the estimators.
    """

    task: Task
    categories: Sequence[int]
    bags: list[Bag]
    library: Library

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Logits of the mean probabilities of classes or labels, or mean numbers."""
        x, classes = self.library.frame(inputs, self.categories), self.task.classes
        if classes:
            return np.log(_mean_probabilities(self.bags[0], x, classes)).astype(np.float32)
        if self.task.output.kind == "regression":
            means = [np.mean([member.estimator.predict(x) for member in bag], 0) for bag in self.bags]
            return np.stack(means, 1).astype(np.float32)
        logs = [np.log(_mean_probabilities(bag, x, 2)) for bag in self.bags]
        return np.stack([log[:, 1] - log[:, 0] for log in logs], 1).astype(np.float32)

    def write(self, folder: Path) -> None:
        """A file for each estimator, in the format of its library, and their outputs, as JSON."""
        for i, bag in enumerate(self.bags):
            for k, member in enumerate(bag):
                if not isinstance(member.estimator, ConstantLabel):
                    self.library.write(member.estimator, self.library.path(folder, i, k))
        present = [[None if member.present is None else member.present.tolist() for member in bag] for bag in self.bags]
        content = {"categories": list(self.categories), "present": present}
        (folder / OUTPUTS).write_text(json.dumps(content), encoding="utf-8")


def _mean_probabilities(bag: Bag, x: Any, classes: int) -> np.ndarray:
    return np.mean([member.probabilities(x, classes) for member in bag], 0)


def load_table_model(folder: Path, task: Task, library: Library) -> TableModel:
    """Read what `TableModel.write` wrote."""
    content = json.loads((folder / OUTPUTS).read_text(encoding="utf-8"))
    bags = [
        [_load_member(library, library.path(folder, i, k), present) for k, present in enumerate(members)]
        for i, members in enumerate(content["present"])
    ]
    return TableModel(task, content["categories"], bags, library)


def _load_member(library: Library, path: Path, present: list[int] | None) -> OutputModel:
    if present is None:
        return OutputModel(library.read(path, True), None)
    return OutputModel(ConstantLabel() if len(present) == 1 else library.read(path, False), np.array(present))


def answers_by_output(task: Task, y: np.ndarray) -> list[np.ndarray]:
    """What each estimator learns: the classes, or one of the labels or numbers, ``(rows,)`` each."""
    if task.classes:
        return [y]
    return list(np.array(y.T, y.dtype if task.output.kind == "regression" else int, order="C"))
