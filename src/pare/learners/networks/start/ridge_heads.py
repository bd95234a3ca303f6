"""Linear heads on many features: ridge regressions, solved once for all penalties and folds.

MiniRocket's authors have it so for classes, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pare.evaluation.calibration import fit_temperature, log_loss
from pare.learners.networks.start.cross_validation import Folds
from pare.learners.networks.start.regressions import Array, Ridge, average, library, like, on_cpu

IMPOSSIBLE = -20.0  # logit of a class without rows: probability 2e-9
RIDGE_PENALTIES = tuple(10.0 ** (-power / 2) for power in range(-6, 11))  # inverse of scikit-learn's alpha
# Neighbouring points of a series are alike, and what counts may be faint: weaker penalties have to be tried as well.
POINT_PENALTIES = tuple(10.0 ** (power / 2) for power in range(-6, 15))
TINY = 1e-14  # added where a fold that all but decides the fit would leave nothing to divide by
SHARPNESS = 5.0  # by which scores between -1 and 1 become logits, before their temperature is fitted


@dataclass(frozen=True)
class Head:
    """A linear map of raw features.

    Attributes:
        weight: ``(outputs, features)``.
        bias: ``(outputs,)``.
        penalty: the C that was chosen.
        loss: out-of-fold loss with it; NaN where nothing was chosen.
        out_of_fold: out-of-fold outputs of the rows that chose the penalty, ``(rows, outputs)``; None where classes or
            labels had too few rows for folds, or one penalty.
    """

    weight: np.ndarray
    bias: np.ndarray
    penalty: float
    loss: float
    out_of_fold: np.ndarray | None = None

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """``(rows, features)`` to ``(rows, outputs)``."""
        return features @ self.weight.T + self.bias


def solve_ridge_head(
    features: Array,
    y: np.ndarray,
    kind: str,
    outputs: int,
    *,
    balanced: bool = False,
    weights: np.ndarray | None = None,
    chosen: np.ndarray | None = None,
    folds: Folds | None = None,
    penalties: Sequence[float] = RIDGE_PENALTIES,
    of_folds: Sequence[Array] | None = None,
) -> Head:
    """Fit a head to rows; leaving out one row, or one fold, at a time chooses the penalty and the temperature.

    Classes and labels are -1 or 1 to the regression.

    Args:
        features: ``(rows, features)``, each of a standard deviation near 1; tensors of a device are solved there.
        y: classes ``(rows,)``, labels or numbers ``(rows, outputs)``.
        kind: ``classification``, ``multilabel`` or ``regression``.
        outputs: classes, labels or numbers.
        balanced: whether classes are weighted by their inverse frequency.
        weights: how much each row counts, ``(rows,)``; None: all count alike.
        chosen: rows whose out-of-fold predictions are returned; None for all.
        folds: folds of these rows, if some belong together; these rows alone choose the penalty. None: each row is one.
        penalties: to choose from, each the inverse of scikit-learn's ``alpha``.
        of_folds: features of the chosen rows for each of the given folds, where features depend on the rows that are
            fitted; None: they do not.
    """
    from sklearn.utils.class_weight import compute_sample_weight  # noqa: PLC0415

    # Weak penalties need double precision, slow as it is on most GPUs.
    features = library(features).asarray(features, dtype=library(features).float64)
    targets = np.eye(outputs)[y] if kind == "classification" else y
    if kind != "regression":
        targets = 2 * targets - 1
    if balanced and kind == "classification":
        weights = compute_sample_weight("balanced", y) * (1 if weights is None else weights)
    some = np.arange(len(y)) if chosen is None else chosen
    tried = np.arange(len(y)) if folds is None else some
    of_tried, alphas = None if weights is None else weights[tried], [1 / penalty for penalty in penalties]
    if of_folds and folds:
        found = list(np.zeros((len(alphas), *targets[tried].shape)))
        for x, fold in zip(of_folds, folds, strict=True):
            inputs = library(x).asarray(x, dtype=library(x).float64)
            for whole, part in zip(found, _predictions(inputs, targets[tried], of_tried, alphas, [fold]), strict=True):
                whole[fold[1]] = part[fold[1]]
    else:
        found = list(_predictions(features[tried], targets[tried], of_tried, alphas, folds))
    best = int(np.argmin([np.average(((each - targets[tried]) ** 2).mean(1), weights=of_tried) for each in found]))
    (weight, bias), out_of_fold = _ridge(features, targets, weights, alphas[best]), found[best]
    kept = np.searchsorted(tried, some)
    if kind == "regression":
        loss = float(np.square(out_of_fold - y[tried]).mean())
        return Head(weight, bias, penalties[best], loss, out_of_fold[kept])
    scale = SHARPNESS / fit_temperature(SHARPNESS * out_of_fold, y[tried])
    out_of_fold = out_of_fold * scale
    head = Head(weight * scale, bias * scale, penalties[best], log_loss(out_of_fold, y[tried]), out_of_fold[kept])
    if kind == "classification":
        head.bias[np.setdiff1d(np.arange(outputs), y)] = IMPOSSIBLE
    return head


def _predictions(*problem: Any) -> Iterator[np.ndarray]:
    """`out_of_fold_predictions` on the CPU."""
    return map(on_cpu, out_of_fold_predictions(*problem))


def _ridge(x: Array, y: np.ndarray, weights: np.ndarray | None, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights ``(outputs, features)`` and bias ``(outputs,)`` of a ridge regression."""
    if isinstance(x, Tensor):
        ridge = Ridge.fit(x, like(y, x), None if weights is None else like(weights, x))
        weight = ridge.fields(alpha / ridge.squares[-1:].sum()).T @ ridge.directions
        return on_cpu(weight), on_cpu(ridge.constant - weight @ ridge.mean)
    from sklearn.linear_model import Ridge as OfArrays  # noqa: PLC0415

    ridge = OfArrays(alpha).fit(x, y, sample_weight=weights)
    return np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)


def out_of_fold_predictions(
    x: Array, y: np.ndarray, weights: np.ndarray | None, alphas: Sequence[float], folds: Folds | None
) -> Iterator[Array]:
    """Out-of-fold predictions of ridge regressions, solved once for all folds and penalties.

    The residuals e of a fit to all rows give them: a fit without the rows g has the residuals (M_gg)⁻¹ e_g, where M
    maps targets to residuals. With one row per fold scikit-learn's `RidgeCV` has the same.

    Args:
        x: features, ``(rows, features)``.
        y: targets, ``(rows, outputs)``.
        weights: weights of the rows, ``(rows,)``; None: all count alike.
        alphas: penalties of scikit-learn's `Ridge`.
        folds: only the held-out rows count; each row is in one of them. None: each row is one.

    Yields:
        Predictions by each penalty, ``(rows, outputs)``, where the features are.
    """
    y, weights = like(y, x), like(np.ones(len(x)) if weights is None else weights, x)
    root = weights[:, None] ** 0.5
    centred, targets = (root * (part - average(part, weights)) for part in (x, y))
    constant = root / library(x).sqrt(weights.sum())
    values, turn = _left_axes(centred, constant)
    along = turn.T @ targets
    whole = x.shape[1] >= len(x)  # nothing is left beyond the axes, and however small a penalty is, ratios are exact
    beyond = library(x).zeros_like(targets) if whole else targets - turn @ along
    axes = turn[:, :0] if whole else library(x).hstack([turn, constant])
    for alpha in alphas:
        left = alpha / (values + alpha)
        left = left / left[:1].sum().clip(TINY) if whole else left
        residuals = beyond + turn @ (left[:, None] * along)
        if folds is None:
            own = int(not whole) - (axes**2).sum(1) + turn**2 @ left
            yield y - residuals / (own + TINY)[:, None] / root
            continue
        found = library(x).empty_like(targets)
        for _, g in folds:
            unit = like(np.eye(len(g)), x)
            own = TINY * unit + (turn[g] * left) @ turn[g].T
            if not whole:
                own += unit - axes[g] @ axes[g].T
            found[g] = y[g] - library(x).linalg.solve(own, residuals[g]) / root[g]
        yield found


def _left_axes(x: Array, constant: Array) -> tuple[Array, Array]:
    """Squares of the singular values of a centred matrix, and its left singular vectors beside the constant.

    Returns:
        ``(axes,)`` and ``(rows, axes)``.
    """
    from scipy.linalg import eigh as of_arrays  # noqa: PLC0415

    eigh = torch.linalg.eigh if isinstance(x, Tensor) else of_arrays
    if x.shape[1] >= len(x):
        products = x @ x.T
        values, turn = eigh(products + (1 + products.trace()) * constant @ constant.T)  # the last one is the constant
        return values[:-1].clip(0), turn[:, :-1]
    values, turn = eigh(x.T @ x)
    some = values > values[-1] * len(values) * np.finfo(float).eps
    return values[some], x @ (turn[:, some] / values[some] ** 0.5)
