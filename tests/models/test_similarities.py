"""Similarities to training rows: against Nyström's features and kernel ridge regression of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from pare.models.similarities import GAUSSIAN, LANDMARKS, LAPLACE, Similarities

ROWS, COLUMNS = 60, 4


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32)


@pytest.fixture
def similarities(rows) -> Similarities:
    made = Similarities(COLUMNS, ROWS)
    made.calibrate(torch.from_numpy(rows))
    return made


@pytest.fixture
def kernel(rows):
    """The same kernel by scikit-learn."""
    city, straight = (np.median(pairwise_distances(rows, metric=metric)) for metric in ("manhattan", "euclidean"))

    def of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        kernels = [rbf_kernel(a, b, gamma=sharpness / straight**2) for sharpness in GAUSSIAN]
        kernels += [laplacian_kernel(a, b, gamma=sharpness / city) for sharpness in LAPLACE]
        return np.mean(kernels, 0)

    return of


def test_the_kernel_is_that_of_scikit_learn(similarities, kernel, rows):
    new = np.random.default_rng(1).normal(size=(9, COLUMNS)).astype(np.float32)
    found = similarities.kernel(torch.from_numpy(new))[:, :ROWS]
    np.testing.assert_allclose(found, kernel(new, rows), atol=2e-3)  # torch takes the lower of two medians


def test_features_have_the_inner_products_of_nystroem(similarities, kernel, rows):
    new = np.random.default_rng(1).normal(size=(9, COLUMNS)).astype(np.float32)
    features = (similarities(torch.from_numpy(new)) + similarities.mean).numpy()
    of_kernel = kernel(new, rows)
    reference = Nystroem("precomputed", n_components=ROWS, random_state=0).fit(kernel(rows, rows)).transform(of_kernel)
    np.testing.assert_allclose(features @ features.T, reference @ reference.T, atol=5e-3)


def test_a_ridge_regression_on_features_is_kernel_ridge_regression(similarities, rows):
    y = np.sin(2 * rows[:, 0]) + np.abs(rows[:, 1])
    new = torch.randn(20, COLUMNS, generator=torch.Generator().manual_seed(0))
    features = [(similarities(x) + similarities.mean).numpy() for x in (torch.from_numpy(rows), new)]
    ridge = Ridge(alpha=0.1, fit_intercept=False).fit(features[0], y)
    own = [similarities.kernel(x)[:, :ROWS].numpy() for x in (torch.from_numpy(rows), new)]
    expected = KernelRidge(alpha=0.1, kernel="precomputed").fit(own[0], y).predict(own[1])
    np.testing.assert_allclose(ridge.predict(features[1]), expected, atol=1e-3)


def test_features_of_the_landmarks_have_mean_0(similarities, rows):
    features = similarities(torch.from_numpy(rows))
    assert features.shape == (ROWS, ROWS)
    torch.testing.assert_close(features.mean(0), torch.zeros(ROWS), atol=1e-5, rtol=0)


def test_features_do_not_lose_precision_where_a_step_runs_in_bf16(similarities, rows):
    x = torch.from_numpy(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = similarities(x)
    assert torch.equal(features, similarities(x))


def test_equal_rows_are_no_obstacle():
    made = Similarities(COLUMNS, ROWS)
    made.calibrate(torch.ones(7, COLUMNS))
    assert made(torch.randn(3, COLUMNS)).isfinite().all()


def test_there_are_no_more_landmarks_than_training_rows_nor_than_the_limit():
    assert [Similarities(COLUMNS, rows).features for rows in (7, 5 * LANDMARKS)] == [7, LANDMARKS]
