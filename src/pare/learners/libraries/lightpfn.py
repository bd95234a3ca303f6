"""Tables: LightPFN, a network pretrained on synthetic tables that reads the training rows as its context.

Its weights, Apache-2.0, are not in the package. A folder of yours holds them: https://huggingface.co/ueuegio/LightPFN
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field, PositiveInt
from safetensors.numpy import load_file, save_file

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.strict import Strict
from pare.learners.libraries.problem import Estimator, LibraryFit, LibraryModel, Problem, class_scores
from pare.learners.packages import require
from pare.storage.access import usual_rights

CONTEXT, CHECKPOINT = "context.safetensors", ("model.safetensors", "config.json")
MOST_CLASSES = 10  # in its pretraining


class LightPFNOptions(Strict):
    """Where its weights are, and how much it reads."""

    checkpoint: Path | None = Field(default=None, description="folder with model.safetensors and config.json")
    estimators: PositiveInt = Field(default=4, description="orders of columns and classes that are averaged")
    rows: PositiveInt = Field(default=20_000, description="training rows that are read, at most")


@dataclass(frozen=True)
class LightPFNModel(LibraryModel):
    """The network and the rows that it reads.

    Attributes:
        classifier: fitted, by the library.
        x: training rows, ``(rows, features)``, codes for categories.
        y: their classes, ``(rows,)``.
        categories: number of categories per column, 0 for numbers.
        classes: classes of the task.
        checkpoint: folder of the weights.
    """

    batch_rows: ClassVar[int] = 1000  # which read the context together

    classifier: Any
    x: np.ndarray
    y: np.ndarray
    categories: Sequence[int]
    classes: int
    checkpoint: Path

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Logarithms of probabilities, ``(rows, classes)``."""
        probabilities = self.classifier.predict_proba(_frame(inputs, self.categories))
        return class_scores(np.log(probabilities.clip(1e-9)), np.unique(self.y), self.classes)

    def write(self, folder: Path) -> None:
        """Copies of the weights, and the rows that are read."""
        for name in CHECKPOINT:
            shutil.copyfile(self.checkpoint / name, folder / name)
        with usual_rights(folder / CONTEXT):
            save_file({"x": self.x, "y": self.y, "categories": np.array(self.categories, int)}, folder / CONTEXT)


def _frame(x: np.ndarray, categories: Sequence[int]) -> pd.DataFrame:
    """The rows as the library takes them: columns of categories have codes as text, missing ones none."""
    columns: dict[int, Any] = dict(enumerate(x.T))
    for column, levels in enumerate(categories):
        if levels:
            codes = x[:, column]
            text = [None if np.isnan(code) else f"{code:.0f}" for code in codes]
            columns[column] = pd.Categorical(text, [str(code) for code in range(levels)])
    return pd.DataFrame(columns)


def _fitted(
    checkpoint: Path, x: np.ndarray, y: np.ndarray, categories: Sequence[int], classes: int, options: LightPFNOptions
) -> LightPFNModel:
    library = require("lightpfn")
    sizes = {"n_estimators": options.estimators, "max_context": options.rows}
    classifier = library.LightPFNClassifier(checkpoint=checkpoint, device="cpu", seed=0, **sizes)
    return LightPFNModel(classifier.fit(_frame(x, categories), y), x, y, categories, classes, checkpoint)


def fit_lightpfn(problem: Problem, options: LightPFNOptions) -> LibraryFit:
    """Let the network read the training rows; nothing is trained.

    Raises:
        PareError: where no folder has its weights, or the task has more than 10 classes.
    """
    classes = problem.task.classes or 0
    if classes > MOST_CLASSES:
        raise PareError(f"LightPFN was pretrained for at most {MOST_CLASSES} classes, the task has {classes}")
    folder = options.checkpoint
    if folder is None or not all((folder / name).is_file() for name in CHECKPOINT):
        raise PareError(
            f"LightPFN needs a folder with {' and '.join(CHECKPOINT)} of huggingface.co/ueuegio/LightPFN, found "
            f"{folder or 'none'}; download them once and name it: options.checkpoint=FOLDER"
        )
    model = _fitted(folder, *problem.training_arrays(), problem.categories, classes, options)
    return LibraryFit(model, {"lightpfn": version("lightpfn")})


def load_lightpfn(folder: Path, run: Run, options: LightPFNOptions) -> LightPFNModel:
    """Read the weights and the rows of a fitted network."""
    context = load_file(folder / CONTEXT)
    categories = context["categories"].tolist()
    return _fitted(folder, context["x"], context["y"], categories, run.task.classes or 0, options)


ESTIMATORS = {"lightpfn": Estimator(("lightpfn",), LightPFNOptions, fit_lightpfn, load_lightpfn)}
