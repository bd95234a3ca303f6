"""Images: a support vector machine on their points, by scikit-learn."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn
import torch
from pydantic import Field, PositiveFloat
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC
from torch.nn import functional as F

from pare.baselines.estimator import Estimator, class_scores
from pare.baselines.problem import Fitted, Problem
from pare.baselines.scikit_learn import cross_validation
from pare.baselines.skops_files import SUFFIX, read_skops, write_skops
from pare.config.errors import PareError
from pare.config.run import BaselineRun
from pare.config.schema import Task
from pare.config.strict import Strict
from pare.storage.store import evenly_spaced

FILE = f"model{SUFFIX}"
# A fit of 4,000 noisy colour images of 32 × 32 points took 19 CPU seconds; time grows with the square of the rows.
MOST_ROWS = 5_000


class MachineOptions(Strict):
    """Options of the support vector machine."""

    strengths: list[PositiveFloat] = Field(min_length=1, description="inverse strengths of the penalty that are tried")
    folds: int = Field(ge=2, description="of the training rows, by which the strength is chosen")
    rows: int = Field(ge=10, description="on which it is chosen, at most")
    edge: int = Field(ge=1, description="points along an edge; a larger image is averaged down to as many")


@dataclass(frozen=True)
class MachineModel:
    """A support vector machine with a Gaussian kernel.

    Attributes:
        task: what is predicted.
        edge: points along an edge, at most.
        machine: scikit-learn's, of points ``(rows, points)``.
    """

    task: Task
    edge: int
    machine: SVC

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Scores of classes, ``(rows, classes)``, which are no logarithms of probabilities."""
        assert self.task.classes is not None  # the task suits
        scores = self.machine.decision_function(_points(inputs, self.edge))
        return class_scores(scores, self.machine.classes_, self.task.classes)

    def write(self, folder: Path) -> None:
        """One file of skops."""
        write_skops(self.machine, folder / FILE)


def fit_machine(problem: Problem, options: MachineOptions) -> Fitted:
    """Fit to the points of all channels; the width of the kernel follows from their variance.

    Raises:
        PareError: where rows are too many, or of one class, or a class has a single training row.
    """
    if (count := len(problem.chosen)) > MOST_ROWS:
        raise PareError(
            f"a support vector machine of {count:,} training rows takes too long, at most {MOST_ROWS:,} are fitted; "
            "use method=probe, or training.fraction"
        )
    images, y = problem.training_arrays()
    if len(np.unique(y)) == 1:
        raise PareError(f"all {len(y)} training rows are of one class, a support vector machine needs two")
    x, rows = _points(images, options.edge), _choosing_rows(y, options.rows)
    folds = cross_validation(problem, y[rows], options.folds, rows)
    machine = SVC(class_weight="balanced" if problem.class_weights else None)
    search = GridSearchCV(machine, {"C": options.strengths}, cv=folds, refit=False).fit(x[rows], y[rows])
    machine.set_params(**search.best_params_).fit(x, y)
    return Fitted(MachineModel(problem.task, options.edge, machine), {"scikit-learn": sklearn.__version__})


def _choosing_rows(y: np.ndarray, most: int) -> np.ndarray:
    """Numbers of rows, in their order: so many evenly spaced ones, and of each class the first two."""
    rows = np.arange(len(y))
    firsts = [np.flatnonzero(y == known)[:2] for known in np.unique(y)]
    return np.unique(np.concatenate([evenly_spaced(rows, most), *firsts]))


def _points(images: np.ndarray, edge: int) -> np.ndarray:
    """The points of images ``(rows, channels, height, width)``, in rows; of larger ones means over areas."""
    size = [min(n, edge) for n in images.shape[2:]]
    if size != list(images.shape[2:]):
        images = F.interpolate(torch.from_numpy(images), size=size, mode="area").numpy()
    return images.reshape(len(images), -1)


def load_machine(folder: Path, run: BaselineRun, options: MachineOptions) -> MachineModel:
    """Read a fitted support vector machine."""
    return MachineModel(run.task, options.edge, read_skops(folder / FILE))


ESTIMATORS = {"svm": Estimator("images", ("classification",), ("sklearn",), MachineOptions, fit_machine, load_machine)}
