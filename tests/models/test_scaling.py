"""Scalings of columns against scikit-learn's."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from pare.models.scaling import BEND, QUANTILES, TAIL, Scaling


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
