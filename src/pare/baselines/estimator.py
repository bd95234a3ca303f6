"""What a baseline's estimator takes, what it predicts, and how it is fitted and loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from pare.baselines.problem import Fitted, FittedModel, Problem
from pare.config.run import BaselineRun
from pare.config.schema import Task

LABELS = ("classification", "multilabel")


def as_series(task: Task) -> tuple[int, int] | None:
    """Channels and length of a task's series; none where its input is no series.

    A single channel on a grid of two axes, such as 16 electrodes × 52 samples or a spectrogram, is a series along the
    second axis with a channel for each line of the first.
    """
    shape = task.input.shape
    match shape if len(shape) != 3 or shape[0] != 1 else shape[1:]:
        case (channels, length):
            return channels, length
    return None


INPUTS: dict[str, Callable[[Task], bool]] = {
    "tables": lambda task: len(task.input.shape) == 1,
    "series": lambda task: as_series(task) is not None,
    "images": lambda task: task.kind == "image" and len(task.input.shape) == 3,
    "grids": lambda task: len(task.input.shape) > 1,
}


@dataclass(frozen=True)
class Estimator:
    """What an estimator takes, what it predicts, and how it is fitted and loaded.

    Attributes:
        inputs: a key of `INPUTS`.
        kinds: the kinds of output that it predicts.
        packages: modules that it imports.
        options: the options that it knows.
        fit: fits it.
        load: reads what a fitted model wrote, from its folder, the run that made it and the run's options.
        weighted: whether rows may count differently.
    """

    inputs: str
    kinds: tuple[str, ...]
    packages: tuple[str, ...]
    options: type[BaseModel]
    fit: Callable[[Problem, Any], Fitted]
    load: Callable[[Path, BaselineRun, Any], FittedModel]
    weighted: bool = False

    def suits(self, task: Task) -> bool:
        """Whether it takes the task's input and predicts its kind of output."""
        return INPUTS[self.inputs](task) and task.output.kind in self.kinds


def class_scores(scores: np.ndarray, present: np.ndarray, classes: int) -> np.ndarray:
    """Scores of all classes, ``(rows, classes)`` float32; a class that was never seen gets less than any other.

    Args:
        scores: ``(rows,)`` of the second class where there are two, else ``(rows, present classes)``.
        present: classes of the training rows.
        classes: number of the task's classes.
    """
    scores = np.stack([-scores, scores], 1) / 2 if scores.ndim == 1 else scores
    full = np.repeat(scores.min(1, keepdims=True) - 10, classes, 1)
    full[:, present] = scores
    return full.astype(np.float32)
