"""From the outputs for validation rows to other rows: sets, intervals, bands, and the temperature of probabilities.

Sets, intervals and bands are split conformal prediction: Papadopoulos et al. 2002 for one score a row, Angelopoulos et
al. 2022 (conformal risk control) for many. A temperature is one number that divides all logits (Guo et al. 2017).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil, exp, log
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.storage.access import usual_rights

FILE = "validation.safetensors"
LEVELS = 200  # quantiles of the errors of a field in the file
SMALLEST = 0.01  # typical error at a point, in that of all points
DIGITS = 6  # decimals of a rank: 0.9 · 30 is 27.000000000000004 in floating point
LARGEST = 20.0  # temperature, and its inverse the smallest
CLEARLY = 1.92  # nats: half of the 95 % quantile of χ² with one degree of freedom
SPREAD = 0.25  # prior of the logarithm of a temperature: a model that learnt from its labels is rarely far from 1


@dataclass(frozen=True, eq=False)
class Calibration:
    """Outputs for validation rows by a model that never learnt from them.

    The coverage that is asked for holds on average over all choices of validation rows, for new rows that could be
    exchanged with them.

    Attributes:
        kind: kind of output: ``classification``, ``multilabel``, ``regression`` or ``dense``.
        arrays: ``prediction`` (logits or numbers) and ``truth`` of each row, ``(rows, …)``, and ``group`` where rows
            have one. Of fields ``spread``, the typical error at each point, ``(channels, *grid)``, from one half of
            the rows, and ``ratios`` of the other half, quantiles of error over spread, ``(rows, LEVELS)``.
    """

    kind: str
    arrays: Mapping[str, np.ndarray]

    @classmethod
    def of_rows(
        cls, task: Task, prediction: np.ndarray, truth: np.ndarray, groups: np.ndarray | None
    ) -> "Calibration | None":
        """Calibration from rows whose predictions are at hand.

        Args:
            task: what is predicted.
            prediction: logits, numbers or fields, ``(rows, …)``.
            truth: answers, ``(rows, …)``.
            groups: group of each row, ``(rows,)``; None without groups.

        Returns:
            What calibrates the model; None of masks.
        """
        if task.output.kind == "dense":  # every other row, as neighbours may be alike
            if not task.compares_values:
                return None
            spread = _spread(truth[::2].astype(np.float64) - prediction[::2])
            return cls("dense", {"spread": spread, "ratios": _ratios(truth[1::2] - prediction[1::2], spread)})
        more = {} if groups is None else {"group": groups}
        return cls(task.output.kind, {"prediction": prediction, "truth": truth, **more})

    @property
    def rows(self) -> int:
        """Number of rows that calibrate; for fields, the rows of the second half."""
        return len(self.arrays["ratios" if self.kind == "dense" else "truth"])

    @cached_property
    def temperature(self) -> float:
        """Divisor of the logits of classes or labels; 1 for numbers and fields."""
        if self.kind not in ("classification", "multilabel"):
            return 1.0
        return fit_temperature(self.arrays["prediction"], self.arrays["truth"], SPREAD)

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
        """Read what `save` wrote; None without the file: a model without validation rows, or of an older version."""
        return cls(kind, load_file(folder / FILE)) if (folder / FILE).is_file() else None


def probabilities(logits: np.ndarray, kind: str) -> np.ndarray:
    """Probabilities of classes ``(rows, classes)``, which add up to one; or of labels and points, each for itself."""
    from scipy.special import expit, softmax  # noqa: PLC0415

    return softmax(logits, axis=1) if kind == "classification" else expit(logits)


def _surprise(logits: np.ndarray) -> np.ndarray:
    """−log of the probability of each class, ``(rows, classes)``: finite where a probability would round to 0."""
    from scipy.special import logsumexp  # noqa: PLC0415

    logits = logits.astype(np.float64)
    return logsumexp(logits, axis=1, keepdims=True) - logits


def _spread(errors: np.ndarray) -> np.ndarray:
    """Root mean square of the errors at each point, ``(channels, *grid)`` float32, nowhere next to nothing."""
    valid = np.isfinite(errors)
    sums, counts = np.where(valid, np.square(errors), 0).sum(axis=0), valid.sum(axis=0)
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


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """The smallest score that is large enough for new rows.

    If the rows and a new one could be exchanged, the expected share of the new row's scores that are at most this
    one is ``coverage`` or more. With one score a row that is the probability that it is.

    Args:
        scores: how strange each row is, ``(rows, scores)``.
        coverage: the share, between 0 and 1.

    Raises:
        PareError: where the coverage is no share, or the rows are too few for it.
    """
    rows, count = scores.shape
    needed = fewest_rows(coverage)
    if rows < needed:
        most = f"; or ask for a coverage of at most {rows / (rows + 1):.4g}" if rows else ""
        raise PareError(
            f"a coverage of {coverage:g} needs {needed} validation rows that calibrate, found {rows}; train again with "
            f"more of them: enlarge split.validation of the task, or give an estimator more rows, of which it holds "
            f"out a tenth{most}"
        )
    # Of one score a row, the rank is ⌈coverage · (rows + 1)⌉; of many, each counts as a part of its row.
    rank = ceil(round(count * coverage * (rows + 1), DIGITS))
    return float(np.partition(scores.ravel(), rank - 1)[rank - 1])


def fewest_rows(coverage: float) -> int:
    """The fewest rows of which one can be large enough; PareError where the coverage is not between 0 and 1."""
    if not 0 < coverage < 1:
        raise PareError(f"a coverage lies between 0 and 1, found {coverage:g}; 0.9 covers nine of ten truths")
    return ceil(round(coverage / (1 - coverage), DIGITS))


def fit_temperature(logits: np.ndarray, truth: np.ndarray, spread: float = 0.5) -> float:
    """The most likely temperature, from rows that were not learnt from; above 1 the model was too sure.

    Few rows say little: those that are all predicted rightly would make a model certain. So the logarithm of the
    temperature has a normal prior around 0, which many rows outweigh; and where the likelihood of the rows does not
    rise clearly (likelihood-ratio test at 5 %), it is 1 and nothing changes.

    Args:
        logits: logits of classes ``(rows, classes)``, or of labels or points of a mask ``(rows, …)``.
        truth: class numbers ``(rows,)``, or labels 0 or 1 ``(rows, …)``, NaN where they are ignored.
        spread: standard deviation of the prior; the smaller it is, the nearer to 1 is a temperature from few rows.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415

    found = minimize_scalar(
        lambda power: len(truth) * log_loss(logits * exp(-power), truth) + (power / spread) ** 2 / 2,
        bounds=(-log(LARGEST), log(LARGEST)),
        method="bounded",
    )
    temperature = exp(found.x)
    gain = len(truth) * (log_loss(logits, truth) - log_loss(logits / temperature, truth))
    return temperature if gain > CLEARLY else 1.0


def log_loss(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean negative log-likelihood of classes, or of labels, in nats; arguments as for `fit_temperature`."""
    from scipy.special import log_expit, log_softmax  # noqa: PLC0415

    logits = logits.astype(np.float64)
    if truth.ndim > 1:
        return float(-np.nanmean(truth * log_expit(logits) + (1 - truth) * log_expit(-logits)))
    return float(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())
