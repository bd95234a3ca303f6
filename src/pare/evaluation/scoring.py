"""Predictions of test rows, their score, its interval by a percentile bootstrap (Efron 1979), the constant baseline."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rich import get_console
from rich.progress import track
from scipy.special import logit

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.evaluation.calibration import Calibration
from pare.evaluation.checks import UndefinedMetric
from pare.evaluation.row_sums import Metric, RowSums, batches, blocks
from pare.storage.store import Rows

LEVEL = 0.95
DRAWS = 1000
FEWEST = 10  # rows
# A metric of all predictions together, such as AUROC, is computed from the beginning for each draw.
DRAWS_TOGETHER, MOST_TOGETHER = 200, 1_000_000


def predict_rows(forward: Callable[[np.ndarray], np.ndarray], rows: Rows) -> dict[str, np.ndarray]:
    """Predict every row; in memory are the predictions, the truths and two blocks of inputs.

    Args:
        forward: inputs ``(rows, …)`` to logits, numbers, or fields in physical units, ``(rows, …)``; it gets as many
            rows as memory allows, and divides them into batches itself where it needs them.
        rows: rows of the test split.

    Returns:
        ``prediction``, ``truth`` and, where the rows have groups, ``group``; each ``(rows, …)``.
    """
    parts = list(blocks(len(rows), rows.array("x", 0, 1).nbytes))
    predictions, truths = [], []
    shown = get_console().is_terminal
    for start, stop in track(parts, "predicting", transient=True, disable=not shown):
        batch = rows.read(start, stop)
        predictions.append(forward(batch["x"]))
        truths.append(batch["y"])
    outcome = {"prediction": np.concatenate(predictions), "truth": np.concatenate(truths)}
    groups = rows.groups
    return outcome | ({} if groups is None else {"group": groups})


def calibrated(task: Task, forward: Callable[[np.ndarray], np.ndarray], rows: Rows) -> Calibration | None:
    """The calibration of a model by rows that it did not learn from; None without rows, and for masks.

    Args:
        task: what is predicted.
        forward: as for `predict_rows`.
        rows: rows of the validation split.
    """
    if not len(rows):
        return None
    outcome = predict_rows(forward, rows)
    return Calibration.of_rows(task, outcome["prediction"], outcome["truth"], outcome.get("group"))


def average_groups(outcome: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One prediction a group, such as a clip cut into chunks: the mean of the logits or numbers of its rows.

    Args:
        outcome: what `predict_rows` returned.

    Returns:
        The same arrays, one row for each group, in the order in which the groups first occur; the truth is that of a
        group's first row.

    Raises:
        PareError: where the rows have no groups, or are fields.
    """
    if "group" not in outcome or outcome["truth"].ndim > 2:
        found = "rows without groups" if "group" not in outcome else "fields"
        raise PareError(
            f"average_groups needs classes, labels or numbers of rows with a group each, found {found}; "
            "set average_groups: false in the task, or use a reader that gives groups"
        )
    groups, first, member = np.unique(outcome["group"], return_index=True, return_inverse=True)
    sums = np.zeros((len(groups), *outcome["prediction"].shape[1:]))
    np.add.at(sums, member, outcome["prediction"])
    means = sums / np.bincount(member)[:, None]
    order = np.argsort(first)
    return {
        "prediction": means[order].astype(np.float32),
        "truth": outcome["truth"][first[order]],
        "group": groups[order],
    }


def defined_score(metric: Metric, prediction: np.ndarray, truth: np.ndarray) -> float | None:
    """The metric over all rows; None where it is undefined, such as AUROC without a row of some class."""
    try:
        return metric(prediction, truth)
    except UndefinedMetric:
        return None


def constant_prediction(rows: Rows, task: Task, n: int) -> np.ndarray:
    """The constant baseline: the mean of the training targets, or the logits of the class frequencies.

    Points of a field are averaged over the rows in which they are valid; one that is masked in every row gets the
    mean of all points.

    Args:
        rows: the whole training split, even if the run trains on a fraction of it.
        task: what is predicted, and whether as logits.
        n: rows to predict.

    Returns:
        ``(n, …)``, one row seen n times: fields, numbers, or logits of classes or labels.
    """
    if task.classes:
        counts = np.bincount(rows.array("y"), minlength=task.classes)
        constant = np.log(np.maximum(counts, 1e-9) / len(rows))
    else:
        constant = _mean_target(rows)
        if task.loss == "binary_cross_entropy":
            constant = logit(constant.clip(1e-9, 1 - 1e-9))
    return np.broadcast_to(constant.astype(np.float32), (n, *constant.shape))


def sample_errors(prediction: np.ndarray, truth: np.ndarray, *, relative: bool) -> np.ndarray:
    """Error of each field, to choose those that are shown.

    Args:
        prediction: ``(n, …)``.
        truth: the same shape; NaN where it is masked.
        relative: whether the root mean squared error is divided by the root mean square of the truth.

    Returns:
        Errors ``(n,)``, NaN for a sample without a valid point.
    """
    errors = np.full(len(truth), np.nan)
    for i, fields in enumerate(zip(prediction, truth, strict=True)):
        valid = np.isfinite(fields[1])
        if valid.any():
            p, t = (field[valid].astype(np.float64) for field in fields)  # squares of 1e-23 or 1e25 are no float32
            errors[i] = np.sqrt(np.mean((p - t) ** 2))
            errors[i] /= np.sqrt(np.mean(t**2)) if relative else 1
    return errors


def _mean_target(rows: Rows) -> np.ndarray:
    """Mean of each number or point over the rows in which it is valid, ``(…)``."""
    first = rows.array("y", 0, 1)
    sums, counts = np.zeros(first.shape[1:]), np.zeros(first.shape[1:], int)
    for start, stop in batches(len(rows), first.nbytes):
        y = rows.array("y", start, stop)
        valid = np.isfinite(y)
        sums += np.where(valid, y, 0).sum(0, dtype=np.float64)
        counts += valid.sum(0)
    return np.where(counts, sums / counts.clip(1), sums.sum() / counts.sum().clip(1))


def bootstrap_interval(
    metric: Metric, prediction: np.ndarray, truth: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, Any] | None:
    """The middle 95 % of the metric over draws of as many rows, with replacement; the same every time.

    Rows of a group, such as those of a patient, are no independent ones: whole groups are drawn. Draws for which the
    metric is undefined, such as AUROC without a row of some class, are left out.

    Args:
        metric: metric of the test rows.
        prediction: ``(rows, …)``; where groups are averaged, a row is a group.
        truth: ``(rows, …)``.
        groups: group of each row, ``(rows,)``; None where each is on its own.

    Returns:
        ``level``, ``lower``, ``upper`` and ``draws``; None for fewer than ten rows or groups, where most draws are
        undefined, or for a ranking of more than a million points.
    """
    units = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    if len(truth) < FEWEST or units.max() + 1 < FEWEST:
        return None
    if not isinstance(metric, RowSums) and prediction.size > MOST_TOGETHER:
        return None
    draws = DRAWS if isinstance(metric, RowSums) else DRAWS_TOGETHER
    values = list(_values(metric, prediction, truth, draws, units))
    if len(values) < draws / 2:
        return None
    lower, upper = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"level": LEVEL, "lower": float(lower), "upper": float(upper), "draws": len(values)}


def _values(
    metric: Metric, prediction: np.ndarray, truth: np.ndarray, draws: int, units: np.ndarray
) -> Iterator[float]:
    """The metric of each draw of units, which are rows or groups, for which it is defined."""
    rng, n = np.random.default_rng(0), units.max() + 1
    terms = metric.of_rows(prediction, truth) if isinstance(metric, RowSums) else None
    for _ in range(draws):
        times = np.bincount(rng.integers(n, size=n), minlength=n)[units]  # that each row is drawn
        try:
            if isinstance(metric, RowSums):
                yield metric.value(times @ terms)
            else:
                drawn = np.repeat(np.arange(len(truth)), times)
                yield metric(prediction[drawn], truth[drawn])
        except UndefinedMetric:
            continue
