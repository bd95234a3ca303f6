"""Scaled columns of tables, and similarities of rows."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.feature_selection import f_classif, f_regression
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from pare.learners.networks.models.table_features import (
    BEND,
    GAUSSIAN,
    LANDMARKS,
    LAPLACE,
    QUANTILES,
    TAIL,
    ChosenValues,
    Scaling,
    Similarities,
    relevance,
)

ROWS, COLUMNS = 60, 4


@pytest.fixture
def columns() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.c_[rng.normal(5, 2, 500), rng.integers(0, 4, 500), rng.exponential(size=500)].astype(np.float32)


def fitted(name: str, x: np.ndarray) -> Scaling:
    scaling = Scaling(name, x.shape[1])
    scaling.calibrate(x)
    return scaling


def test_standard_values_are_those_of_scikit_learn(columns):
    ours = fitted("standard", columns)(torch.from_numpy(columns)).numpy()
    np.testing.assert_allclose(ours, StandardScaler().fit_transform(columns), atol=1e-4)


def test_normal_scores_are_those_of_scikit_learn_between_the_extremes(columns):
    inner = columns[(columns > columns.min(0)).all(1) & (columns < columns.max(0)).all(1)]
    ranks = QuantileTransformer(n_quantiles=QUANTILES, subsample=None).fit(columns).transform(inner)
    ours = fitted("normal", columns)(torch.from_numpy(inner)).numpy()
    np.testing.assert_allclose(ours, norm.ppf(ranks.clip(TAIL, 1 - TAIL)), atol=1e-3)


def test_normal_scores_of_unseen_values_end_at_the_tails(columns):
    far = torch.tensor([[-1e6] * 3, [1e6] * 3])
    scores = fitted("normal", columns)(far)
    torch.testing.assert_close(scores[1], torch.full((3,), float(norm.ppf(1 - TAIL))), atol=1e-3, rtol=0)
    torch.testing.assert_close(scores[0], -scores[1], atol=1e-3, rtol=0)


def test_robust_values_are_those_of_scikit_learn_bent_towards_three(columns):
    scaled = RobustScaler(unit_variance=True).fit_transform(columns)
    ours = fitted("robust", columns)(torch.from_numpy(columns)).numpy()
    np.testing.assert_allclose(ours, scaled / np.sqrt(1 + (scaled / BEND) ** 2), atol=2e-3)


@pytest.mark.parametrize("name", ["standard", "normal", "robust"])
def test_missing_values_stay_missing_and_count_in_no_statistic(name, columns):
    gaps = columns.copy()
    gaps[::3, 0] = np.nan
    scaling = fitted(name, gaps)
    assert torch.isnan(scaling(torch.from_numpy(gaps))).numpy().tolist() == np.isnan(gaps).tolist()
    known = gaps[~np.isnan(gaps[:, 0])]
    expected = fitted(name, known)(torch.from_numpy(known))[:, 0]
    torch.testing.assert_close(scaling(torch.from_numpy(known))[:, 0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["standard", "normal", "robust"])
@pytest.mark.filterwarnings("error")
def test_constant_and_empty_columns_stay_finite(name):
    x = np.c_[np.full(20, 7.0), np.full(20, np.nan)].astype(np.float32)
    scaled = fitted(name, x)(torch.from_numpy(x))
    assert torch.isfinite(scaled[:, 0]).all()
    assert torch.isnan(scaled[:, 1]).all()


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


class Products(TorchDispatchMode):
    """Notes the precision of products of matrices."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func._schema.name == "aten::mm":
            self.found.append(args[0].dtype)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("device", "expected"), [("cuda", torch.float64), ("cpu", torch.float32)])
def test_a_step_on_a_gpu_does_not_take_tf32_for_sums_that_cancel(device, expected):
    """TF32 has ten binary digits: features would be off by a tenth of their size."""
    with FakeTensorMode(), torch.device(device), torch.no_grad(), Products() as products:
        assert Similarities(COLUMNS, ROWS)(torch.zeros(3, COLUMNS)).dtype == torch.float32
    assert products.found == [expected]


def test_equal_rows_are_no_obstacle():
    made = Similarities(COLUMNS, ROWS)
    made.calibrate(torch.ones(7, COLUMNS))
    assert made(torch.randn(3, COLUMNS)).isfinite().all()


def test_there_are_no_more_landmarks_than_training_rows_nor_than_the_limit():
    assert [Similarities(COLUMNS, rows).features for rows in (7, 5 * LANDMARKS)] == [7, LANDMARKS]


@pytest.fixture
def answered() -> tuple[np.ndarray, np.ndarray]:
    """Rows of nine numbers, in units of their own, and classes that depend on some of them."""
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, (ROWS, 9)) * np.geomspace(1e-3, 1e3, 9)
    y = ((x[:, :3] / x[:, :3].std(0)).sum(1) + rng.normal(size=ROWS)).argsort().argsort() * 3 // ROWS
    return x, y


def test_the_relevance_for_classes_is_that_of_an_f_test(answered):
    x, y = answered
    share = relevance(x, y)
    np.testing.assert_allclose(share / (1 - share) * (ROWS - 3) / 2, f_classif(x, y)[0])


def test_the_relevance_for_numbers_is_that_of_an_f_test_with_the_best_of_them(answered):
    x, _ = answered
    y = np.random.default_rng(1).normal(size=(ROWS, 2)) + x[:, [1, 4]] / x[:, [1, 4]].std(0)
    share = relevance(x, y)
    expected = np.maximum(*(f_regression(x, each)[0] for each in y.T))
    np.testing.assert_allclose(share / (1 - share) * (ROWS - 2), expected)


def test_weights_are_repeated_rows_and_a_missing_value_is_the_mean(answered):
    x, y = answered
    counts = np.random.default_rng(2).integers(1, 4, ROWS)
    np.testing.assert_allclose(relevance(x, y, counts.astype(float)), relevance(x.repeat(counts, 0), y.repeat(counts)))
    x[::5, 0] = np.nan
    filled = np.where(np.isnan(x), np.nanmean(x, 0), x)
    np.testing.assert_allclose(relevance(x, y), relevance(filled, y))


def test_columns_that_do_not_vary_or_have_no_value_say_nothing(answered):
    x, y = answered
    x[:, 0], x[:, 1] = 0.1, np.nan
    assert (relevance(x, y)[:2] == 0).all()


def test_numbers_and_single_categories_are_chosen():
    """Column 1 says the class where it is category 2; column 3 says it by its value; column 0 and 2 say nothing."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 2
    category = np.where(y == 1, 2, rng.integers(0, 2, ROWS))
    x = np.stack([rng.normal(size=ROWS), category, rng.integers(0, 2, ROWS), y + 0.1 * rng.normal(size=ROWS)], 1)
    x[0, 1] = np.nan
    chosen = ChosenValues([0, 3, 2, 0], 2)
    chosen.choose(x.astype(np.float32), y)
    assert chosen.column.tolist() == [1, 3]
    found = chosen(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(found, np.stack([np.where(np.isnan(x[:, 1]), np.nan, category == 2), x[:, 3]], 1))
