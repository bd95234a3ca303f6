"""Optimal transport dataset distance, OTDD (Alvarez-Melis & Fusi 2020), of labelled embeddings.

Moving a sample (x, c) onto (x', c') costs ‖x − x'‖² + W₂²(class c, class c'), so classes are compared
by their samples and need no common names. All transport is entropic and debiased: the distance to itself is 0.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import ot
import torch
from torch import Tensor

TOLERANCE = 1e-5  # error of the plan's margins, within reach of single precision
ROUNDS = 1000  # rounds of Sinkhorn's iteration; POT warns if they do not suffice


def otdd(
    x: Tensor,
    x_labels: Tensor,
    y: Tensor,
    y_labels: Tensor,
    *,
    classes: Literal["exact", "gaussian"] = "exact",
    regularisation: float = 0.1,
) -> Tensor:
    """Squared distance of two labelled datasets, a number; differentiable with respect to the features.

    Args:
        x: features of the one, ``(samples, width)``.
        x_labels: their classes, ``(samples,)``, any integers.
        y: features of the other, ``(other samples, width)``.
        y_labels: their classes, ``(other samples,)``.
        classes: how two classes are compared: by the transport between their samples, or between the normal
            distributions of their means and covariances, which is faster and never larger.
        regularisation: weight of the entropy, in the unit of the squared distances. ORCA halves the cost and takes
            0.1, which is 0.2 here.
    """
    x_classes, x_labels = torch.unique(x_labels, return_inverse=True)
    y_classes, y_labels = torch.unique(y_labels, return_inverse=True)
    clouds = [x[x_labels == c] for c in range(len(x_classes))] + [y[y_labels == c] for c in range(len(y_classes))]
    between = class_distances(clouds, classes, regularisation)
    y_labels = y_labels + len(x_classes)

    def cost(a: Tensor, a_labels: Tensor, b: Tensor, b_labels: Tensor) -> Tensor:
        return transport_cost(ot.dist(a, b) + between[a_labels][:, b_labels], regularisation)

    return cost(x, x_labels, y, y_labels) - (cost(x, x_labels, x, x_labels) + cost(y, y_labels, y, y_labels)) / 2


def class_distances(clouds: Sequence[Tensor], kind: Literal["exact", "gaussian"], regularisation: float) -> Tensor:
    """W₂² between all pairs of classes, ``(classes, classes)``, each class ``(its samples, width)``."""
    distances = clouds[0].new_zeros(len(clouds), len(clouds))
    pairs = list(combinations(range(len(clouds)), 2))
    if not pairs:
        return distances
    if kind == "exact":
        own = [self_cost(cloud, regularisation) for cloud in clouds]
        values = [
            sinkhorn_divergence(clouds[i], clouds[j], regularisation, x_self=own[i], y_self=own[j]) for i, j in pairs
        ]
    else:
        moments = [_moments(cloud) for cloud in clouds]
        values = [_bures_wasserstein(moments[i], moments[j]) for i, j in pairs]
    rows, columns = torch.tensor(pairs, device=distances.device).T
    upper = distances.index_put((rows, columns), torch.stack(values))
    return upper + upper.T


def sinkhorn_divergence(
    x: Tensor, y: Tensor, regularisation: float, *, x_self: Tensor | None = None, y_self: Tensor | None = None
) -> Tensor:
    """Debiased entropic W₂² of two clouds (Feydy et al. 2019), a number.

    Args:
        x: ``(samples, width)``.
        y: ``(other samples, width)``.
        regularisation: weight of the entropy.
        x_self: `self_cost` of ``x``, if it is known already.
        y_self: `self_cost` of ``y``.
    """
    x_self = self_cost(x, regularisation) if x_self is None else x_self
    y_self = self_cost(y, regularisation) if y_self is None else y_self
    return transport_cost(ot.dist(x, y), regularisation) - (x_self + y_self) / 2


def self_cost(x: Tensor, regularisation: float) -> Tensor:
    """Entropic cost of moving a cloud, ``(samples, width)``, onto itself: what debiasing subtracts."""
    return transport_cost(ot.dist(x, x), regularisation)


def transport_cost(cost: Tensor, regularisation: float) -> Tensor:
    """Least ⟨P, cost⟩ + regularisation · KL(P | uniform) over plans P with uniform margins, a number.

    The gradient with respect to the cost is the plan itself (envelope theorem): nothing is unrolled.
    """
    solution = ot.solve(cost, reg=regularisation, reg_type="KL", grad="envelope", max_iter=ROUNDS, tol=TOLERANCE)
    return solution.value


def _moments(cloud: Tensor) -> tuple[Tensor, Tensor]:
    """Mean, ``(width,)``, and a root R of the covariance RᵀR, ``(samples, width)``."""
    mean = cloud.mean(0)
    return mean, (cloud - mean) / len(cloud) ** 0.5


def _bures_wasserstein(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> Tensor:
    """W₂² of two normal distributions: ‖m − m'‖² + tr(S + S' − 2 (S^½ S' S^½)^½).

    With S = RᵀR the trace of that root is the sum of the singular values of R R'ᵀ: no root of a matrix is needed, and
    singular covariances, of classes with fewer samples than features, are no special case.
    """
    (mean, root), (other_mean, other_root) = one, other
    overlap = torch.linalg.svdvals(root @ other_root.T).sum()
    return (mean - other_mean).square().sum() + root.square().sum() + other_root.square().sum() - 2 * overlap
