"""A head on many features: ridge regression, solved once for all penalties, as MiniRocket's authors have it."""

from collections.abc import Iterator, Sequence

import numpy as np

from pare.start.folds import Folds
from pare.start.heads import IMPOSSIBLE, Head
from pare.uncertainty.temperature import fit_temperature, log_loss

RIDGE_PENALTIES = tuple(10.0 ** (-power / 2) for power in range(-6, 11))  # inverse of scikit-learn's alpha
# Neighbouring points of a series are alike, and what counts may be faint: weaker penalties have to be tried as well.
POINT_PENALTIES = tuple(10.0 ** (power / 2) for power in range(-6, 15))
TINY = 1e-14  # added where a fold that all but decides the fit would leave nothing to divide by
SHARPNESS = 5.0  # by which scores between -1 and 1 become logits, before their temperature is fitted


def solve_ridge_head(
    features: np.ndarray,
    y: np.ndarray,
    kind: str,
    outputs: int,
    *,
    balanced: bool = False,
    weights: np.ndarray | None = None,
    chosen: np.ndarray | None = None,
    folds: Folds | None = None,
    penalties: Sequence[float] = RIDGE_PENALTIES,
) -> Head:
    """Fit a head to rows; the penalty, and how sure it is, come of leaving out one row at a time, or those of a fold.

    Classes and labels are -1 or 1 to the regression.

    Args:
        features: ``(rows, features)``, each of a standard deviation near 1.
        y: classes ``(rows,)``, labels or numbers ``(rows, outputs)``.
        kind: ``classification``, ``multilabel`` or ``regression``.
        outputs: classes, labels or numbers.
        balanced: whether classes are weighted by their inverse frequency.
        weights: how much each row counts, ``(rows,)``; None: all count alike.
        chosen: numbers of the rows of which the head has what is said when they are left out; None for all.
        folds: of these rows, where some belong together, which alone choose the penalty then; None: each row is one.
        penalties: to choose from, each the inverse of scikit-learn's ``alpha``.
    """
    from sklearn.linear_model import Ridge, RidgeCV  # noqa: PLC0415

    targets = np.eye(outputs)[y] if kind == "classification" else y
    if kind != "regression":
        targets = 2 * targets - 1
    alphas = [1 / penalty for penalty in penalties]
    if balanced and kind == "classification":
        from sklearn.utils.class_weight import compute_sample_weight  # noqa: PLC0415

        weights = compute_sample_weight("balanced", y) * (1 if weights is None else weights)
    some = np.arange(len(y)) if chosen is None else chosen
    if folds is None:
        ridge: Ridge | RidgeCV = RidgeCV(alphas, scoring="neg_mean_squared_error", store_cv_results=True)
        ridge.fit(features, targets, sample_weight=weights)
        best, tried = alphas.index(ridge.alpha_), np.arange(len(y))
        left_out = ridge.cv_results_.reshape(len(y), -1, len(alphas))[:, :, best]
    else:
        of_tried, tried = None if weights is None else weights[some], some
        found = [*left_out_of(features[some], targets[some], of_tried, alphas, folds)]
        best = int(np.argmin([np.average(((each - targets[some]) ** 2).mean(1), weights=of_tried) for each in found]))
        # RidgeCV computes in double precision whatever it is given; Ridge would not, and weak penalties need it.
        ridge, left_out = Ridge(alphas[best]).fit(features.astype(float), targets, sample_weight=weights), found[best]
    weight, bias = np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)
    kept = np.searchsorted(tried, some)
    if kind == "regression":
        loss = float(np.square(left_out - y[tried]).mean())
        return Head(weight, bias, penalties[best], loss, left_out[kept])
    scale = SHARPNESS / fit_temperature(SHARPNESS * left_out, y[tried])
    left_out = left_out * scale
    head = Head(weight * scale, bias * scale, penalties[best], log_loss(left_out, y[tried]), left_out[kept])
    if kind == "classification":
        head.bias[np.setdiff1d(np.arange(outputs), y)] = IMPOSSIBLE
    return head


def left_out_of(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, alphas: Sequence[float], folds: Folds
) -> Iterator[np.ndarray]:
    """What a ridge regression that is fitted without a fold says of its rows, solved once for all folds and penalties.

    The residuals e of a fit to all rows say it: those of a fit without the rows g are (I − H_gg)⁻¹ e_g, where H maps
    targets to what is fitted. Of one row this is what `RidgeCV` has.

    Args:
        x: features, ``(rows, features)``.
        y: targets, ``(rows, outputs)``.
        weights: of the rows, ``(rows,)``; None: all count alike.
        alphas: penalties of scikit-learn's `Ridge`.
        folds: only the rows that are left out count; each row is in one of them.

    Yields:
        Of each penalty, ``(rows, outputs)``.
    """
    weights = np.ones(len(x)) if weights is None else weights
    root = np.sqrt(weights)[:, None]
    centred, targets = (root * (part - np.average(part, axis=0, weights=weights)) for part in (x, y))
    values, turn = _axes(centred)
    along = turn.T @ targets
    intercept = root / np.sqrt(weights.sum())
    for alpha in alphas:
        kept = values / (values + alpha)
        residuals = targets - (turn * kept) @ along
        found = np.empty_like(targets)
        for _, rows in folds:
            hat = (turn[rows] * kept) @ turn[rows].T + intercept[rows] @ intercept[rows].T
            missing = np.linalg.solve((1 + TINY) * np.eye(len(rows)) - hat, residuals[rows])
            found[rows] = y[rows] - missing / root[rows]
        yield found


def _axes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squares of the singular values of a matrix, and its left singular vectors: ``(axes,)`` and ``(rows, axes)``."""
    from scipy.linalg import eigh  # noqa: PLC0415

    if x.shape[1] >= len(x):
        values, turn = eigh(x @ x.T)
        return values.clip(0), turn
    values, turn = eigh(x.T @ x)
    some = values > np.finfo(values.dtype).eps * len(values) * values[-1]
    return values[some], x @ (turn[:, some] / np.sqrt(values[some]))
