"""A head on many features: ridge regression, solved once for all penalties, as MiniRocket's authors have it."""

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.utils.class_weight import compute_sample_weight

from pare.start.heads import IMPOSSIBLE, Head
from pare.uncertainty.temperature import fit_temperature, log_loss

RIDGE_PENALTIES = tuple(10.0 ** (-power / 2) for power in range(-6, 11))  # inverse of scikit-learn's alpha
# Neighbouring points of a series are alike, and what counts may be faint: weaker penalties have to be tried as well.
POINT_PENALTIES = tuple(10.0 ** (power / 2) for power in range(-6, 15))
SHARPNESS = 5.0  # by which scores between -1 and 1 become logits, before their temperature is fitted


def solve_ridge_head(
    features: np.ndarray,
    y: np.ndarray,
    kind: str,
    outputs: int,
    *,
    balanced: bool = False,
    penalties: Sequence[float] = RIDGE_PENALTIES,
) -> Head:
    """Fit a head to rows; the penalty, and how sure it is, come of leaving out one row at a time.

    Classes and labels are -1 or 1 to the regression.

    Args:
        features: ``(rows, features)``, each of a standard deviation near 1.
        y: classes ``(rows,)``, labels or numbers ``(rows, outputs)``.
        kind: ``classification``, ``multilabel`` or ``regression``.
        outputs: classes, labels or numbers.
        balanced: whether classes are weighted by their inverse frequency.
        penalties: to choose from, each the inverse of scikit-learn's ``alpha``.
    """
    targets = np.eye(outputs)[y] if kind == "classification" else y
    if kind != "regression":
        targets = 2 * targets - 1
    alphas = [1 / penalty for penalty in penalties]
    ridge = RidgeCV(alphas, scoring="neg_mean_squared_error", store_cv_results=True)
    weights = compute_sample_weight("balanced", y) if balanced and kind == "classification" else None
    ridge.fit(features, targets, sample_weight=weights)
    chosen = alphas.index(ridge.alpha_)
    left_out = ridge.cv_results_.reshape(len(y), -1, len(alphas))[:, :, chosen]
    weight, bias = np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
    if kind == "regression":
        return Head(weight, bias, penalties[chosen], float(np.square(left_out - y).mean()), left_out)
    scale = SHARPNESS / fit_temperature(SHARPNESS * left_out, y)
    left_out = left_out * scale
    head = Head(weight * scale, bias * scale, penalties[chosen], log_loss(left_out, y), left_out)
    if kind == "classification":
        head.bias[np.setdiff1d(np.arange(outputs), y)] = IMPOSSIBLE
    return head
