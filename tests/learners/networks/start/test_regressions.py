"""Regressions of fields against scikit-learn."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge as Reference

from as_on_device import AsOnDevice, moved
from pare.learners.networks.start.regressions import GaussianRidge, Ridge, median_distance, on_cpu, rotated


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(30, 50)), rng.normal(size=(30, 4)) + 3


@pytest.mark.parametrize("penalty", [1e-6, 1e-2])
@pytest.mark.parametrize("inputs", [50, 12])
def test_predictions_are_those_of_scikit_learn(rows, inputs, penalty):
    x, y = rows[0][:, :inputs], rows[1]
    largest = np.linalg.svd(x - x.mean(0), compute_uv=False)[0] ** 2
    expected = Reference(alpha=penalty * largest, solver="svd").fit(x, y)
    new = np.random.default_rng(1).normal(size=(7, inputs))
    np.testing.assert_allclose(next(Ridge.fit(x, y).predict(new, penalty)), expected.predict(new), rtol=1e-6)


@pytest.mark.parametrize("penalty", [1e-6, 1e-2])
def test_predictions_with_kernels_are_those_of_scikit_learn(rows, penalty):
    x, y = rows
    new, width = np.random.default_rng(1).normal(size=(7, 50)), 9.0
    found = GaussianRidge.fit(x, y, width)
    kernel = {"kernel": "rbf", "gamma": 1 / (2 * width**2)}
    reference = KernelRidge(alpha=penalty * found.squares.max(), **kernel).fit(x, y - y.mean(0))
    np.testing.assert_allclose(next(found.predict(new, penalty)), reference.predict(new) + y.mean(0), rtol=1e-6)


@pytest.mark.parametrize("inputs", [50, 12])
def test_weights_of_rows_are_those_of_scikit_learn(rows, inputs):
    x, y = rows[0][:, :inputs], rows[1]
    weights = np.random.default_rng(2).uniform(0.1, 10, len(x))
    found = Ridge.fit(x, y, weights)
    expected = Reference(alpha=1e-3 * found.squares.max(), solver="cholesky").fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(next(found.predict(x, 1e-3)), expected.predict(x), rtol=1e-6)


def test_weights_of_rows_with_kernels_are_those_of_scikit_learn(rows):
    x, y = rows
    weights, width = np.random.default_rng(2).uniform(0.1, 10, len(x)), 9.0
    found = GaussianRidge.fit(x, y, width, weights)
    reference = KernelRidge(alpha=1e-3 * found.squares.max(), kernel="rbf", gamma=1 / (2 * width**2))
    constant = np.average(y, 0, weights)
    expected = reference.fit(x, y - constant, sample_weight=weights).predict(x) + constant
    np.testing.assert_allclose(next(found.predict(x, 1e-3)), expected, rtol=1e-6)


def test_inputs_that_never_differ_are_not_read(rows):
    x, y = rows
    more = np.c_[x, np.full((len(x), 3), 5.0)]
    (found,) = Ridge.fit(more, y).predict(more + np.r_[np.zeros(50), 1, 2, 3], 1e-3)
    np.testing.assert_allclose(found, next(Ridge.fit(x, y).predict(x, 1e-3)))


@pytest.mark.parametrize("inputs", [50, 12])
def test_rotated_rows_have_the_same_distances(rows, inputs):
    x = rows[0][:, :inputs]
    found = rotated(x)
    assert found.shape == (30, min(inputs, 30))
    np.testing.assert_allclose(pdist(found), pdist(x))


@pytest.mark.parametrize("width", [0.0, 9.0])
@pytest.mark.parametrize("weights", [None, np.random.default_rng(2).uniform(0.1, 10, 24)])
def test_errors_of_rows_left_out_are_those_of_rotated_rows(rows, width, weights):
    x, y = rows[0], rows[0] @ np.random.default_rng(3).normal(size=(50, 70)) + np.square(rows[0][:, :1]) + 3

    def errors(x, y):
        known = x[:24], y[:24]
        ridge = GaussianRidge.fit(*known, width, weights) if width else Ridge.fit(*known, weights)
        return np.square(next(ridge.predict(x[24:], 1e-3)) - y[24:]).sum(1)

    np.testing.assert_allclose(errors(rotated(x), rotated(y)), errors(x, y), rtol=1e-6)


def test_penalties_one_after_the_other_are_those_one_at_a_time(rows):
    for ridge in (Ridge.fit(*rows), GaussianRidge.fit(*rows, 9.0)):
        for penalty, found in zip((1e-6, 1e-2), ridge.predict(rows[0], 1e-6, 1e-2), strict=True):
            np.testing.assert_allclose(found, next(ridge.predict(rows[0], penalty)))


@pytest.mark.parametrize("inputs", [50, 12])
@pytest.mark.parametrize("weights", [None, np.random.default_rng(2).uniform(0.1, 10, 30)])
def test_tensors_of_a_device_give_what_arrays_give(rows, inputs, weights):
    x, y = np.c_[rows[0][:, :inputs], np.full(30, 5.0)], rows[1]
    expected = [
        ridge.predict(x, 1e-6, 1e-2) for ridge in (Ridge.fit(x, y, weights), GaussianRidge.fit(x, y, 9.0, weights))
    ]
    with AsOnDevice():
        x, y, weights = moved(x, y, weights)
        assert median_distance(x) == pytest.approx(median_distance(rotated(x)))
        ridges = Ridge.fit(x, y, weights), GaussianRidge.fit(x, y, 9.0, weights)
        found = [[on_cpu(one) for one in ridge.predict(x, 1e-6, 1e-2)] for ridge in ridges]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, list(other), rtol=1e-6)


def test_equal_tensors_of_a_device_are_predicted_by_their_mean():
    x, y = moved(np.ones((4, 3)), np.arange(8.0).reshape(4, 2))
    (found,) = Ridge.fit(x, y).predict(x, 1e-3)
    np.testing.assert_array_equal(found, [[3.0, 4.0]] * 4)


def test_what_an_accelerator_would_refuse_is_refused():
    with AsOnDevice():
        for refused in (np.sqrt, lambda t: t * np.ones(3), lambda t: t.numpy()):
            with pytest.raises(AssertionError, match="of a tensor"):
                refused(torch.ones(3))
