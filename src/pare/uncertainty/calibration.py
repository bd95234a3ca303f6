"""What a model says of validation rows, and what follows for other rows: temperature, sets, intervals and bands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.special import expit, logsumexp, softmax

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.storage.access import usual_rights
from pare.uncertainty.conformal import conformal_quantile
from pare.uncertainty.temperature import fit_temperature

FILE = "validation.safetensors"
LEVELS = 200  # quantiles that are kept of the errors of a field
SMALLEST = 0.01  # typical error at a point, in that of all points
Batches = Iterable[tuple[np.ndarray, np.ndarray]]  # predictions and truths, ``(rows, …)`` each


@dataclass(frozen=True, eq=False)
class Calibration:
    """Outputs for validation rows by a model that never learnt from them.

    The coverage that is asked for holds on average over all choices of validation rows, for new rows that could be
    exchanged with them.

    Attributes:
        kind: of output: ``classification``, ``multilabel``, ``regression`` or ``dense``.
        arrays: ``prediction`` (logits or numbers) and ``truth`` of each row, ``(rows, …)``, and ``group`` where rows
            have one. Of fields ``spread``, the typical error at each point, ``(channels, *grid)``, from one half of
            the rows, and ``ratios`` of the other half, quantiles of error over spread, ``(rows, LEVELS)``.
    """

    kind: str
    arrays: Mapping[str, np.ndarray]

    @classmethod
    def of_fields(cls, first: Batches, second: Batches) -> "Calibration":
        """That of fields ``(rows, channels, *grid)`` in physical units, NaN in the truth where it is masked.

        Args:
            first: half of the rows, which say where errors are large.
            second: the other half, which say how large they are.
        """
        spread = _spread(first)
        ratios = [_ratios(truth - prediction, spread) for prediction, truth in second]
        none = np.empty((0, LEVELS), np.float32)
        return cls("dense", {"spread": spread, "ratios": np.concatenate([none, *ratios])})

    @classmethod
    def of_rows(
        cls, task: Task, prediction: np.ndarray, truth: np.ndarray, groups: np.ndarray | None
    ) -> "Calibration | None":
        """That of rows whose predictions are at hand.

        Args:
            task: what is predicted.
            prediction: logits, numbers or fields, ``(rows, …)``.
            truth: answers, ``(rows, …)``.
            groups: of the rows, ``(rows,)``; None where they have none.

        Returns:
            What calibrates the model; None of masks.
        """
        if task.output.kind == "dense":  # every other row, as neighbours may be alike
            halves = ([(prediction[first::2], truth[first::2])] for first in (0, 1))
            return cls.of_fields(*halves) if task.compares_values else None
        more = {} if groups is None else {"group": groups}
        return cls(task.output.kind, {"prediction": prediction, "truth": truth, **more})

    @property
    def rows(self) -> int:
        """Rows that calibrate: of fields, those of the second half."""
        return len(self.arrays["ratios" if self.kind == "dense" else "truth"])

    @cached_property
    def temperature(self) -> float:
        """What divides the logits of classes or labels; 1 for numbers and fields."""
        if self.kind not in ("classification", "multilabel"):
            return 1.0
        return fit_temperature(self.arrays["prediction"], self.arrays["truth"])

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Of classes ``(rows, classes)`` or labels ``(rows, labels)``, at the temperature."""
        return probabilities(logits.astype(np.float64) / self.temperature, self.kind)

    def sets(self, logits: np.ndarray, coverage: float) -> np.ndarray:
        """Which classes are in the set of each row, ``(rows, classes)``; the most probable one always is.

        All classes that are at least as probable as a threshold (LAC, Sadinle et al. 2019). The temperature, which
        depends on the validation rows as well, is left out.

        Raises:
            PareError: where no classes are predicted, or rows are too few for the coverage.
        """
        if self.kind != "classification":
            raise PareError(f"sets are of classes, this model predicts {self.kind}; use predict_interval for numbers")
        strange = _surprise(self.arrays["prediction"])
        truth = self.arrays["truth"]
        most = conformal_quantile(strange[np.arange(len(truth)), truth, None], coverage)
        surprise = _surprise(logits)
        return (surprise <= most) | (surprise == surprise.min(axis=1, keepdims=True))

    def interval(self, prediction: np.ndarray, coverage: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of each number, or of the band at each point of a field, each as the prediction.

        Raises:
            PareError: where no numbers are predicted, or rows are too few for the coverage.
        """
        margin = self._margin(coverage)
        return prediction - margin, prediction + margin

    def _margin(self, coverage: float) -> np.ndarray:
        """Half of the width, ``(numbers,)`` float64 or ``(channels, *grid)`` float32."""
        match self.kind:
            case "dense":
                return conformal_quantile(self.arrays["ratios"], coverage) * self.arrays["spread"]
            case "regression":
                errors = np.abs(self.arrays["truth"].astype(np.float64) - self.arrays["prediction"])
                return np.array([conformal_quantile(of_one[:, None], coverage) for of_one in errors.T])
        raise PareError(f"intervals are of numbers and fields, this model predicts {self.kind}; use predict_set")

    def save(self, folder: Path) -> None:
        """Write the file; SafetensorError where it cannot be written."""
        with usual_rights(folder / FILE):
            save_file({name: np.ascontiguousarray(array) for name, array in self.arrays.items()}, folder / FILE)

    @classmethod
    def load(cls, folder: Path, kind: str) -> "Calibration | None":
        """Read what `save` wrote; None where there is none: without validation rows, or of an older version."""
        return cls(kind, load_file(folder / FILE)) if (folder / FILE).is_file() else None


def probabilities(logits: np.ndarray, kind: str) -> np.ndarray:
    """Of classes, ``(rows, classes)``, which add up to one; or of labels and points, each for itself."""
    return softmax(logits, axis=1) if kind == "classification" else expit(logits)


def _surprise(logits: np.ndarray) -> np.ndarray:
    """−log of the probability of each class, ``(rows, classes)``: finite where a probability would round to 0."""
    logits = logits.astype(np.float64)
    return logsumexp(logits, axis=1, keepdims=True) - logits


def _spread(batches: Batches) -> np.ndarray:
    """Root mean square of the errors at each point, ``(channels, *grid)`` float32, nowhere next to nothing."""
    sums, counts = np.zeros(1), np.zeros(1)
    for prediction, truth in batches:
        valid = np.isfinite(truth)
        sums = sums + np.where(valid, np.square(truth.astype(np.float64) - prediction), 0).sum(axis=0)
        counts = counts + valid.sum(axis=0)
    overall = sums.sum() / counts.sum().clip(1)
    means = np.where(counts > 0, sums / counts.clip(1), overall)  # a point that no row has: as all others
    return np.sqrt(means + SMALLEST**2 * overall).astype(np.float32).clip(np.finfo(np.float32).tiny)


def _ratios(errors: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Quantiles of error over spread in each field, ``(rows, LEVELS)``; a field without a valid point has no row.

    At least the share i/LEVELS of the points is at most quantile i, so no share is ever taken for larger than it is.
    """
    levels = np.arange(1, LEVELS + 1) / LEVELS
    ratios = [np.abs(error / spread)[np.isfinite(error)] for error in errors]
    found = [np.quantile(r, levels, method="inverted_cdf") for r in ratios if len(r)]
    return np.array(found, np.float32).reshape(-1, LEVELS)
