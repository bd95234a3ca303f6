"""Linear heads that are solved: the penalty is chosen by folds, then the head is fitted to all rows.

Heads of the encoder are logistic or ridge regressions. Their features are centred and given one common scale, then
turned to their principal axes: a ridge penalty does not notice the rotation, and where features outnumber rows the
problem becomes as small as the rows. A penalty leaves out the axes that it forbids anyway, and each fold goes on from
the weights of the last penalty.
"""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear, pad

from pare.learners.networks.start.cross_validation import FOLDS, Folds, clearly_smaller
from pare.learners.networks.start.regressions import Array, library, like, on_cpu
from pare.learners.networks.start.ridge_heads import IMPOSSIBLE, Head, solve_ridge_head

logger = logging.getLogger(__name__)
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)  # C of scikit-learn: the larger, the weaker the penalty
SPREAD = 3.0  # root mean square norm of the features of a row
SMALLEST = 1e-4  # principal axes below this share of the largest singular value are left out
FAINT = 0.1  # C times the squares of an axis: below, its share of the logits is less than a tenth of the residuals
ROUGHLY = 5e-4  # largest gradient at which a fold's regression ends; the last one goes on to scikit-learn's own 1e-4
MOST_STEPS = 1000  # steps of a regression on a device; a hundred are usual
Map = tuple[np.ndarray, np.ndarray]  # weight and bias


@dataclass(frozen=True)
class _Axes:
    """Features as the solver takes them: centred, those of the encoder scaled and on their principal axes.

    Attributes:
        centre: means, ``(features,)``.
        scale: factors of the encoder's features, which come first, ``(encoded,)``.
        axes: their principal axes, ``(axes, encoded)``.
    """

    centre: Array
    scale: Array
    axes: Array

    def __call__(self, features: Array) -> Array:
        """``(rows, features)`` to ``(rows, axes + raw features)``."""
        encoded = len(self.scale)
        own, rest = features[:, :encoded] - self.centre[:encoded], features[:, encoded:] - self.centre[encoded:]
        return library(own).hstack([own @ (self.axes * self.scale).T, rest])

    def raw(self, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights and bias for raw features."""
        centre, scale, axes = map(on_cpu, (self.centre, self.scale, self.axes))
        weight = np.hstack([weight[:, : len(axes)] @ (axes * scale), weight[:, len(axes) :]])
        return weight, bias - weight @ centre


def solve_head(
    features: Array,
    y: np.ndarray,
    kind: str,
    outputs: int,
    *,
    encoded: int,
    standardised: bool,
    chosen: np.ndarray | None = None,
    balanced: bool = False,
    weights: np.ndarray | None = None,
    seed: int = 0,
    folds: Folds | None = None,
    penalties: Sequence[float] = PENALTIES,
    of_folds: Sequence[Array] | None = None,
) -> Head:
    """Fit a head to rows.

    Args:
        features: ``(rows, features)``; the encoder's first, then raw ones; tensors of a device are solved there.
        y: classes ``(rows,)``, labels or numbers ``(rows, outputs)``.
        kind: ``classification``, ``multilabel`` or ``regression``.
        outputs: classes, labels or numbers.
        encoded: how many features are the encoder's.
        standardised: whether each of these is brought to standard deviation 1 before all get their common scale.
        chosen: numbers of the rows that choose the penalty; None for all.
        balanced: whether classes are weighted by their inverse frequency.
        weights: how much each row counts, ``(rows,)``; None: all count alike.
        seed: decides the folds that are made here.
        folds: folds of the rows that choose the penalty, if some belong together; None: made here, stratified.
        penalties: values of C to choose from, the strongest penalty first.
        of_folds: features of the rows that choose the penalty, for each of the given folds, where features depend on
            the rows that are fitted; None: they do not.
    """
    axes = _axes(features, encoded, standardised)
    turned = axes(features)
    some = np.arange(len(y)) if chosen is None else chosen
    if folds is None and len(penalties) > 1:
        folds = stratified_folds(y[some], kind, seed)
        if not folds:
            logger.warning("%d rows are too few to choose a penalty by folds; the head takes C = 1.", len(some))
            penalties = [1.0]
    if kind == "regression":
        head = solve_ridge_head(
            turned,
            y,
            kind,
            outputs,
            weights=weights,
            chosen=some,
            folds=folds or None,
            penalties=penalties,
            of_folds=of_folds and [_axes(x, encoded, standardised)(x) for x in of_folds],
        )
        weight, bias = axes.raw(head.weight, head.bias)
        return replace(head, weight=weight, bias=bias)
    turned = _single(turned)

    def regression(x: Array, rows: np.ndarray, tolerance: float) -> _Logistic | _Labels:
        fitting = x, y[rows], None if weights is None else weights[rows]
        return (_Logistic if kind == "classification" else _Labels)(*fitting, outputs, balanced, tolerance)

    penalty, loss, out_of_fold = penalties[0], float("nan"), None
    if len(penalties) > 1 and folds:
        if of_folds:
            inputs = [_single(_axes(x, encoded, standardised)(x)) for x in of_folds]
        else:
            inputs = [turned[some]] * len(folds)
        parts = [
            (regression(x[fitted], some[fitted], ROUGHLY), x[held], some[held])
            for x, (fitted, held) in zip(inputs, folds, strict=True)
        ]
        penalty, out_of_fold = _choose(parts, y, weights, penalties, kind)
        loss = float(row_losses(out_of_fold, y[some], kind).mean())
    weight, bias = axes.raw(*regression(turned, np.arange(len(y)), 1e-4).solve(penalty))
    return Head(weight, bias, penalty, loss, out_of_fold)


def _single(x: Array) -> Array:
    return library(x).asarray(x, dtype=library(x).float32)


def _axes(features: Array, encoded: int, standardised: bool) -> _Axes:
    """The encoder's features with a common scale, on their principal axes; raw features as they are."""
    centre = features.mean(0, dtype=library(features).float64)
    own = features[:, :encoded] - centre[:encoded]
    scale = library(features).ones_like(centre[:encoded])
    if standardised:
        spread = own.std(0)  # torch's is larger by a factor, which the common scale takes away
        spread[spread <= SMALLEST * spread.max()] = np.inf
        scale /= spread
        own *= scale
    scale *= SPREAD / max(sqrt((own**2).sum(1).mean()), 1e-12)
    return _Axes(centre, scale, _principal(own))


def _principal(x: Array) -> Array:
    """Right singular vectors of values that are not much smaller than the largest, ``(axes, features)``."""
    wide = len(x) < x.shape[1]
    squares, axes = library(x).linalg.eigh(x @ x.T if wide else x.T @ x)  # a quarter of the time of singular values
    kept = squares > SMALLEST**2 * max(squares[-1], np.finfo(float).tiny)
    squares, axes = (library(x).flip(part, (0,)) for part in (squares[kept], axes.T[kept]))
    return (axes @ x) / squares[:, None] ** 0.5 if wide else axes


def _choose(
    folds: Sequence[tuple["_Logistic | _Labels", Array, np.ndarray]],
    y: np.ndarray,
    weights: np.ndarray | None,
    penalties: Sequence[float],
    kind: str,
) -> tuple[float, np.ndarray]:
    """The penalty with the least out-of-fold loss, and its outputs of the held-out rows, in the rows' order.

    From the strongest penalty to the weakest: the first one that some folds show to be clearly worse than the best so
    far ends it, since weaker ones would be worse and take longer.

    Args:
        folds: the regression of the fitted rows of each fold, and features and numbers of its held-out rows.
        y: classes or labels of all rows.
        weights: weights of all rows; None: all count alike.
        penalties: values of C, the strongest penalty first.
        kind: ``classification`` or ``multilabel``.
    """
    held_out = np.concatenate([held for *_, held in folds])
    counts = np.ones(len(y)) if weights is None else weights
    least, best = np.empty(0), (penalties[0], np.empty(0))
    for penalty in penalties:
        losses, outputs = np.empty(0), []
        for regression, x, held in folds:
            weight, bias = regression.solve(penalty)
            outputs.append(on_cpu(x @ like(weight.T, x)) + bias)
            losses = np.append(losses, counts[held] * row_losses(outputs[-1], y[held], kind))
            if len(least) and clearly_smaller(least[: len(losses)], losses):
                return best
        if not len(least) or losses.mean() < least.mean():
            least, best = losses, (penalty, np.concatenate(outputs)[np.argsort(held_out)])
    return best


def stratified_folds(y: np.ndarray, kind: str, seed: int) -> Folds:
    """Rows to fit and held-out rows; the rows of a class, however few, in different folds. Empty if rows are few."""
    from sklearn.model_selection import KFold, StratifiedKFold  # noqa: PLC0415

    counts = np.unique(y, return_counts=True)[1] if kind == "classification" else np.array([len(y)])
    if len(y) < 2 * FOLDS and counts.min() < FOLDS:
        return []
    spread = kind == "classification" and counts.max() >= FOLDS
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")
        return list((StratifiedKFold if spread else KFold)(FOLDS, shuffle=True, random_state=seed).split(y, y))


class _Logistic:
    """Logistic regression of rows, which goes on from the weights of the last penalty."""

    def __init__(
        self,
        x: Array,
        y: np.ndarray,
        weights: np.ndarray | None,
        outputs: int,
        balanced: bool,
        tolerance: float,
    ) -> None:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
        from sklearn.utils.class_weight import compute_sample_weight  # noqa: PLC0415

        self.x, self.y, self.outputs, self.present = x, y, outputs, np.unique(y)
        self.weights = np.ones(len(y)) if weights is None else weights
        if balanced:
            self.weights = self.weights * compute_sample_weight("balanced", y)
        self.squares = on_cpu(like(self.weights, x) @ x**2)
        by_newton = LogisticRegression(solver="newton-cg", tol=tolerance, warm_start=True)
        self.model = _Descent(tolerance) if isinstance(x, Tensor) else by_newton  # which takes no tensors
        rows = 1 if len(self.present) == 2 else len(self.present)  # scikit-learn keeps the second of two classes
        self.coef, self.model.intercept_ = (np.zeros(shape, np.float32) for shape in ((rows, x.shape[1]), rows))

    def solve(self, penalty: float) -> Map:
        """Weights and bias of each class, ``(classes, features)`` and ``(classes,)``."""
        weight, bias = np.zeros((self.outputs, self.x.shape[1])), np.full(self.outputs, IMPOSSIBLE)
        if len(self.present) == 1:
            bias[self.present] = 0.0
            return weight, bias
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415

        some = self.squares >= min(FAINT / penalty, self.squares.max())
        self.model.C, self.model.coef_ = penalty, self.coef[:, some]
        with warnings.catch_warnings():  # folds compare penalties by what the head predicts, converged or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", "Line Search failed")
            self.model.fit(self.x[:, some], self.y, self.weights)
        self.coef[:, some] = self.model.coef_
        bias[self.present] = 0.0
        last = self.present[-len(self.coef) :]
        weight[last], bias[last] = self.coef, self.model.intercept_
        return weight, bias


class _Descent:
    """Scikit-learn's `LogisticRegression` for tensors of a device, as far as it is used here, by L-BFGS.

    Its own takes tensors only in newer versions, and where the environment asks for it before scipy is imported.
    """

    C: float
    coef_: np.ndarray
    intercept_: np.ndarray

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance

    def fit(self, x: Tensor, y: np.ndarray, weights: np.ndarray) -> None:
        """Go on from ``coef_`` and ``intercept_`` by rows ``(rows, axes)``, their classes and weights ``(rows,)``."""
        classes = torch.as_tensor(np.unique(y, return_inverse=True)[1], device=x.device)
        shares, strength = like(weights / weights.sum(), x), 1 / (self.C * weights.sum())
        begin = (np.ascontiguousarray(part) for part in (self.coef_, self.intercept_))
        found = [torch.tensor(part, device=x.device, requires_grad=True) for part in begin]
        search = torch.optim.LBFGS(
            found, max_iter=MOST_STEPS, tolerance_grad=self.tolerance, history_size=10, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            search.zero_grad()
            logits = pad(linear(x, *found), (int(len(found[0]) == 1), 0))  # the first of two classes has the logit 0
            total = shares @ cross_entropy(logits, classes, reduction="none") + found[0].square().sum() * strength / 2
            total.backward()
            return total

        search.step(loss)
        self.coef_, self.intercept_ = (on_cpu(part.detach()) for part in found)


class _Labels:
    """A logistic regression for each label, as for classes; labels are ``(rows, labels)``."""

    def __init__(self, x: Array, y: np.ndarray, weights: np.ndarray | None, outputs: int, *rules: Any) -> None:
        self.labels = [_Logistic(x, y[:, label].astype(int), weights, 2, *rules) for label in range(outputs)]

    def solve(self, penalty: float) -> Map:
        """Weights and bias of each label, ``(labels, features)`` and ``(labels,)``."""
        pairs = [label.solve(penalty) for label in self.labels]
        return np.stack([w[1] - w[0] for w, _ in pairs]), np.array([b[1] - b[0] for _, b in pairs])


def row_losses(outputs: np.ndarray, y: np.ndarray, kind: str) -> np.ndarray:
    """Loss of each row: nats for classes or labels, squared errors for numbers.

    Args:
        outputs: logits or numbers, ``(rows, outputs)``.
        y: classes ``(rows,)``, labels or numbers ``(rows, outputs)``.
        kind: ``classification``, ``multilabel`` or ``regression``.
    """
    return _LOSSES[kind](outputs, y)


def _log_loss(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    logits = logits - logits.max(1, keepdims=True)
    return np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y]


def _binary_loss(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.logaddexp(0, logits) - logits * y).mean(1)


def _squared(prediction: np.ndarray, y: np.ndarray) -> np.ndarray:
    return ((prediction - y) ** 2).mean(1)


_LOSSES = {"classification": _log_loss, "multilabel": _binary_loss, "regression": _squared}
