"""Tables: one estimator for all classes, or one for each label or number, put together to a prediction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pare.baselines.problem import Fitted, Problem

LEAST_PROBABILITY = 1e-9  # of a class that the training rows do not have


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


def answers_by_output(problem: Problem, y: np.ndarray) -> list[np.ndarray]:
    """What each estimator learns: the classes, or one of the labels or numbers, ``(rows,)`` each."""
    if problem.task.classes:
        return [y]
    return list(np.array(y.T, y.dtype if problem.task.output.kind == "regression" else int, order="C"))


def as_fitted(
    problem: Problem, columns: list[OutputModel], versions: dict[str, str], frame: Callable[[np.ndarray], Any]
) -> Fitted:
    """Fitted estimators as one baseline.

    Args:
        problem: what is predicted.
        columns: an estimator for all classes, or one for each label or number.
        versions: of the libraries, by name.
        frame: inputs ``(rows, features)`` to what the estimators take.
    """
    kind, classes = problem.task.output.kind, problem.task.classes

    def predict(rows: np.ndarray) -> np.ndarray:
        x = frame(rows)
        if classes:
            return columns[0].log_probabilities(x, classes).astype(np.float32)
        if kind == "regression":
            return np.stack([column.estimator.predict(x) for column in columns], 1).astype(np.float32)
        logs = [column.log_probabilities(x, 2) for column in columns]
        return np.stack([log[:, 1] - log[:, 0] for log in logs], 1).astype(np.float32)

    return Fitted(predict, versions)
