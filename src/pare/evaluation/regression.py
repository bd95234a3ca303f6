"""Metrics of numbers ``(rows, numbers)`` and fields ``(rows, channels, *grid)``; NaN in the truth is masked.

The metric of PSICOV is the error of the predicted distance where two residues touch (NAS-Bench-360; Adhikari 2020).
"""

from functools import partial

import numpy as np
from sklearn.metrics import r2_score

from pare.config.errors import PareError
from pare.evaluation.checks import UndefinedMetric, check_numbers, require_finite, require_samples
from pare.evaluation.row_sums import RowSums, mean

SEPARATION = 24  # residues apart in the sequence: contacts of nearer residues are easy to guess
CONTACT = 8.0  # Å
FLOOR = 0.01  # Å: no predicted distance is smaller


def _ratios(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The relative error of each row, and whether it has a valid point, ``(rows, 2)``."""
    prediction, truth, valid = check_numbers(prediction, truth)
    seen = valid.reshape(len(valid), -1).any(axis=1)
    error, norm = (np.linalg.norm(part.reshape(len(part), -1), axis=1) for part in (prediction - truth, truth))
    undefined = int((seen & (norm == 0)).sum())
    if undefined:
        raise PareError(
            f"relative L2 error needs true fields that are not zero everywhere, found {undefined} of {len(truth)} "
            "samples in a batch that are; say metric: rmse and loss: rmse in the task, or leave such samples out"
        )
    return np.stack([error / np.where(seen, norm, 1), seen], axis=1)


def _squares(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return _summed((prediction, truth), np.square)


def _distances(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return _summed((prediction, truth), np.abs)


def _summed(arrays: tuple[np.ndarray, np.ndarray], of_error: np.ufunc) -> np.ndarray:
    """The sum of a function of the errors of each row, and how many are valid, ``(rows, 2)``."""
    prediction, truth, valid = check_numbers(*arrays)
    parts = of_error(prediction - truth), valid
    return np.stack([part.reshape(len(part), -1).sum(axis=1, dtype=np.float64) for part in parts], axis=1)


def _root_mean(sums: np.ndarray) -> float:
    return float(np.sqrt(mean(sums)))


# Mean over samples of ``||prediction - truth||_2 / ||truth||_2``, both norms over the valid points of the sample; one
# without any is left out. PDEBench's nRMSE over all channels and positions of a sample,
# √mean((prediction − truth)²) / √mean(truth²), is the same number, as the counts under the roots cancel. Provenance:
# the Darcy metric of the Fourier neural operator, the paper's tables 1 and 2.
RELATIVE_L2 = RowSums(_ratios, mean)
RMSE = RowSums(_squares, _root_mean)  # over all valid numbers of all samples, in units of the truth, as is the next
MAE = RowSums(_distances, mean)


def r2(prediction: np.ndarray, truth: np.ndarray) -> float:
    """R², at most 1, averaged over the predicted numbers; 0 for the mean of the truth as constant prediction.

    It is no sum over rows: sums of squares would cancel where the mean is large.

    Raises:
        PareError: if a truth is masked.
        UndefinedMetric: if there is no sample, or the truth is the same number in all of them.
    """
    prediction, truth, valid = check_numbers(prediction, truth)
    require_samples(len(truth))
    if not valid.all():
        raise PareError("R² needs a true number everywhere, found NaN; leave such samples out of the task")
    if (truth == truth[0]).all(axis=0).any():
        raise UndefinedMetric(
            f"R² needs true numbers that differ, found the same in all {len(truth)} samples; "
            f"enlarge the part it is computed on, or use metric: rmse"
        )
    return float(r2_score(truth, prediction))


def _contact_errors(prediction: np.ndarray, truth: np.ndarray, *, published: bool = False) -> np.ndarray:
    """The mean error of each protein in Å, and whether it has a contact, ``(rows, 2)``.

    Over pairs of residues i < j with ``j - i >= 24`` whose true distance is at most 8 Å, with the mean of the
    predictions for (i, j) and (j, i).

    The released code scores one protein at a time and assumes that each is as long as the first of the list, so it
    scores only a corner of longer ones; here the whole protein is scored. It fails on a protein without a contact.

    Args:
        prediction: predicted distances in Å, ``(rows, 1, C, C)``.
        truth: true distances, the same shape; NaN where it is masked.
        published: whether the triangles are weighed as in the released code, which averages them twice, the second
            time the mean with one of its parts. The result is 0.75 of the prediction for (j, i) and 0.25 of that for
            (i, j), i < j, apart from floors.
    """
    if prediction.shape != truth.shape or truth.ndim != 4 or truth.shape[1:] != (1, *[truth.shape[-1]] * 2):
        raise ValueError(
            f"prediction has shape {prediction.shape}, truth has {truth.shape}: both must be (rows, 1, C, C)"
        )
    require_finite(prediction)
    prediction, truth = (part[:, 0].astype(np.float64) for part in (prediction, truth))
    lower = prediction.swapaxes(1, 2)
    distance = np.maximum((prediction + lower) / 2, FLOOR)
    if published:
        distance = (distance + np.maximum(lower, FLOOR)) / 2
    touching = np.triu(truth <= CONTACT, SEPARATION)  # NaN is no contact
    errors = np.where(touching, np.abs(distance - truth), 0).sum(axis=(1, 2))
    pairs = touching.sum(axis=(1, 2))
    return np.stack([errors / pairs.clip(1), pairs > 0], axis=1)


def _mean_of_proteins(sums: np.ndarray) -> float:
    if not sums[1]:
        raise UndefinedMetric(
            f"MAE of contacts needs a protein with two residues at least {SEPARATION} apart and at most "
            f"{CONTACT:g} Å away, found none; enlarge the part it is computed on, or the canvas"
        )
    return mean(sums)


# MAE₈ of long-range contacts, the mean over proteins that have one, and as released; provenance: the paper's table 1.
MAE_8A = RowSums(_contact_errors, _mean_of_proteins)
MAE_8A_PUBLISHED = RowSums(partial(_contact_errors, published=True), _mean_of_proteins)
