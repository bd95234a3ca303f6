"""The distance against linear programming, direct Sinkhorn calls, closed forms and finite differences."""

import numpy as np
import ot
import pytest
import torch
from scipy.linalg import sqrtm

from pare.learners.networks.alignment import otdd
from pare.learners.networks.alignment.otdd import class_distances, sinkhorn_divergence


def labelled(rng, n, shift=0.0, classes=3, width=4):
    """Features around a centre per class, and the classes."""
    labels = torch.from_numpy(np.arange(n) % classes)
    x = torch.from_numpy(rng.normal(size=(n, width))) * 0.5 + labels[:, None] + shift
    return x, labels


@pytest.fixture
def datasets():
    rng = np.random.default_rng(0)
    return *labelled(rng, 12), *labelled(rng, 10, shift=1.5, classes=2)


def costs(a, b):
    """Squared distances, written out."""
    return ((a[:, None] - b[None]) ** 2).sum(-1).numpy()


def entropic(cost, regularisation):
    """⟨P, cost⟩ + ε KL(P | uniform) of POT's plan in double precision."""
    n, m = cost.shape
    plan = ot.bregman.sinkhorn(
        ot.unif(n), ot.unif(m), cost, regularisation, method="sinkhorn_log", stopThr=1e-9, numItermax=2000
    )
    return (plan * cost).sum() + regularisation * (plan * np.log(np.maximum(plan, 1e-300) * n * m)).sum()


def debiased(x, y, cost, regularisation):
    return (
        entropic(cost(x, y), regularisation)
        - (entropic(cost(x, x), regularisation) + entropic(cost(y, y), regularisation)) / 2
    )


def test_exact_distance_equals_a_direct_computation_by_sinkhorn(datasets):
    x, x_labels, y, y_labels = datasets
    clouds = [x[x_labels == c] for c in range(3)] + [y[y_labels == c] for c in range(2)]
    between = np.array([[0.0 if a is b else debiased(a, b, costs, 2.0) for b in clouds] for a in clouds])
    sets = {"x": (x, x_labels.numpy()), "y": (y, y_labels.numpy() + 3)}

    def cost(a, b):
        (a, a_labels), (b, b_labels) = sets[a], sets[b]
        return costs(a, b) + between[np.ix_(a_labels, b_labels)]

    expected = debiased("x", "y", cost, 2.0)
    assert otdd(x, x_labels, y, y_labels, regularisation=2.0).item() == pytest.approx(expected, rel=1e-4)


def test_with_little_entropy_the_divergence_is_the_unregularised_transport(datasets):
    x, _, y, _ = datasets
    expected = ot.emd2(ot.unif(len(x)), ot.unif(len(y)), costs(x, y))
    assert sinkhorn_divergence(x, y, 0.1).item() == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("rows", [3, 40])
def test_gaussian_class_distances_equal_the_closed_form(rows):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(rows, 5)), rng.normal(size=(rows + 2, 5)) @ np.diag([1, 2, 3, 1, 0.5]) + 1
    one, other = (np.cov(part, rowvar=False, bias=True) for part in (a, b))
    root = sqrtm(one + 1e-12 * np.eye(5))
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one + other - 2 * sqrtm(root @ other @ root).real)
    distances = class_distances([torch.from_numpy(a), torch.from_numpy(b)], "gaussian", 0.1)
    np.testing.assert_allclose(distances, [[0, expected], [expected, 0]], rtol=1e-6)


def test_gaussian_class_distances_are_never_larger_than_the_transport_of_the_samples():
    rng = np.random.default_rng(2)
    clouds = [torch.from_numpy(rng.exponential(scale, size=(15, 3))) for scale in (1, 2, 4)]
    exact = [[ot.emd2(ot.unif(15), ot.unif(15), costs(a, b)) for b in clouds] for a in clouds]
    assert (class_distances(clouds, "gaussian", 0.1).numpy() <= np.array(exact) + 1e-9).all()


@pytest.mark.parametrize("classes", ["exact", "gaussian"])
def test_the_distance_is_symmetric_and_zero_on_the_same_dataset(datasets, classes):
    x, x_labels, y, y_labels = datasets
    there = otdd(x, x_labels, y, y_labels, classes=classes, regularisation=2.0)
    assert there > 1
    assert otdd(y, y_labels, x, x_labels, classes=classes, regularisation=2.0).item() == pytest.approx(
        there.item(), rel=1e-4
    )
    same = otdd(x, x_labels, x.clone(), x_labels + 7, classes=classes, regularisation=2.0)
    assert same.item() == pytest.approx(0, abs=1e-5)


def test_the_same_samples_under_other_labels_are_another_dataset(datasets):
    x, x_labels, *_ = datasets
    shuffled = x_labels.roll(4).clone()
    shuffled[:6] = 0
    assert otdd(x, x_labels, x, shuffled, regularisation=2.0) > 0.1


@pytest.mark.parametrize("classes", ["exact", "gaussian"])
def test_the_gradient_is_that_of_finite_differences(datasets, classes):
    x, x_labels, y, y_labels = datasets
    y.requires_grad_()
    otdd(x, x_labels, y, y_labels, classes=classes, regularisation=2.0).backward()
    rng, step = np.random.default_rng(3), 1e-3
    direction = torch.from_numpy(rng.normal(size=tuple(y.shape)))
    with torch.no_grad():
        ends = [
            otdd(x, x_labels, y + s * direction, y_labels, classes=classes, regularisation=2.0) for s in (step, -step)
        ]
    assert (y.grad * direction).sum().item() == pytest.approx((ends[0] - ends[1]).item() / (2 * step), rel=1e-3)


def test_against_a_single_class_the_labels_move_no_gradient(datasets):
    x, x_labels, y, y_labels = datasets
    y, y_labels = y.requires_grad_(), torch.zeros_like(y_labels)
    (with_labels,) = torch.autograd.grad(_detached_labels(x, x_labels, y, y_labels), y)
    (without,) = torch.autograd.grad(sinkhorn_divergence(x, y, 2.0), y)
    torch.testing.assert_close(with_labels, without, rtol=1e-4, atol=1e-6)


def _detached_labels(x, x_labels, y, y_labels):
    """OTDD whose label distances are plain numbers, as ORCA has them, in the parts that depend on ``y``."""
    clouds = [x[x_labels == c] for c in range(3)] + [y[y_labels == 0]]
    between = class_distances([cloud.detach() for cloud in clouds], "exact", 2.0)
    cost = ot.dist(x, y) + between[x_labels][:, y_labels + 3]
    whole = ot.solve(cost, reg=2.0, grad="envelope", tol=1e-9).value
    return whole - ot.solve(ot.dist(y, y), reg=2.0, grad="envelope", tol=1e-9).value / 2
