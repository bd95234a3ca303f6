"""How far a metric may be off because the test rows are few: a percentile bootstrap (Efron 1979)."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric

from pare.evaluation.checks import UndefinedMetric
from pare.evaluation.prediction import score

LEVEL = 0.95
DRAWS = 1000
FEWEST = 10  # rows
# A metric of all predictions together, such as AUROC, is computed from the beginning for each draw.
DRAWS_TOGETHER, MOST_TOGETHER = 200, 1_000_000


def bootstrap_interval(
    metric: Metric, prediction: np.ndarray, truth: np.ndarray, groups: np.ndarray | None = None
) -> dict[str, Any] | None:
    """The middle 95 % of the metric over draws of as many rows, with replacement; the same every time.

    Rows of a group, such as those of a patient, are no independent ones: whole groups are drawn. Draws for which the
    metric is undefined, such as AUROC without a row of some class, are left out.

    Args:
        metric: of the test rows.
        prediction: ``(rows, …)``; where groups are averaged, a row is a group.
        truth: ``(rows, …)``.
        groups: of the rows, ``(rows,)``; None where each is on its own.

    Returns:
        ``level``, ``lower``, ``upper`` and ``draws``; None for fewer than ten rows or groups, where most draws are
        undefined, or for a ranking of more than a million points.
    """
    units = np.arange(len(truth)) if groups is None else np.unique(groups, return_inverse=True)[1].reshape(-1)
    if len(truth) < FEWEST or units.max() + 1 < FEWEST:
        return None
    sums = _sums(metric, prediction, truth)
    if sums is None and prediction.size > MOST_TOGETHER:
        return None
    draws = DRAWS if sums else DRAWS_TOGETHER
    values = list(_values(metric, prediction, truth, sums, draws, units))
    if len(values) < draws / 2:
        return None
    lower, upper = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"level": LEVEL, "lower": float(lower), "upper": float(upper), "draws": len(values)}


def _values(
    metric: Metric,
    prediction: np.ndarray,
    truth: np.ndarray,
    sums: dict[str, Tensor] | None,
    draws: int,
    units: np.ndarray,
) -> Iterator[float]:
    """The metric of each draw of units, which are rows or groups, for which it is defined."""
    rng, n = np.random.default_rng(0), units.max() + 1
    for _ in range(draws):
        times = np.bincount(rng.integers(n, size=n), minlength=n)[units]  # that each row is drawn
        try:
            if sums:
                yield _of_sums(metric, sums, times)
            else:
                drawn = np.repeat(np.arange(len(truth)), times)
                yield score(metric, prediction[drawn], truth[drawn])
        except UndefinedMetric:
            continue


def _sums(metric: Metric, prediction: np.ndarray, truth: np.ndarray) -> dict[str, Tensor] | None:
    """What each row adds to a metric that is made of sums over rows, ``(rows, …)``; None for another metric."""
    metric.reset()
    if not all(isinstance(state, Tensor) for state in metric.metric_state.values()):
        return None
    rows = []
    for i in range(len(truth)):
        metric.reset()
        metric.update(*(torch.tensor(array[i : i + 1]) for array in (prediction, truth)))
        rows.append({name: torch.as_tensor(state).clone() for name, state in metric.metric_state.items()})
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def _of_sums(metric: Metric, sums: dict[str, Tensor], times: np.ndarray) -> float:
    weights = torch.from_numpy(times)
    metric.reset()
    metric.merge_state({name: torch.tensordot(weights.to(rows), rows, dims=1) for name, rows in sums.items()})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*was called before", UserWarning)  # merging is no update
        return float(metric.compute())
