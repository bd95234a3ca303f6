"""Kernel ridge regression on fields."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import euclidean_distances

from pare.config import PareError
from pare.learners.libraries import kernel_ridge
from pare.learners.libraries.kernel_ridge import KernelRidgeOptions, fit_kernel_ridge

GRID = 24


def rows(n: int, seed: int, f) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(n, 1, GRID)).astype(np.float32)
    return x, f(x).astype(np.float32)


def shift(x: np.ndarray) -> np.ndarray:
    return 100 + 20 * np.roll(x, 3, axis=-1)


def test_a_linear_equation_is_solved_to_its_precision(problem):
    fitted = fit_kernel_ridge(
        problem("dense", train=rows(60, 0, shift), validation=rows(20, 1, shift)),
        KernelRidgeOptions(penalties=[1e-8, 1.0], widths=[]),
    )
    x, y = rows(20, 2, shift)
    prediction = fitted.model.predict(x)
    assert prediction.dtype == np.float32 and prediction.shape == y.shape
    np.testing.assert_allclose(prediction, y, atol=1e-2)


@pytest.mark.parametrize("validated", [True, False])
def test_points_without_a_target_are_as_in_a_fit_without_them(problem, validated):
    """A wall that no row has a value at changes nothing elsewhere; a gap of one row costs little."""

    def walled(x):
        y = shift(x)
        y[..., :3] = np.nan
        y[0, 0, 5] = np.nan
        return y

    def predicted(f):
        parts = {"train": rows(60, 0, f)} | ({"validation": rows(20, 1, f)} if validated else {})
        return fit_kernel_ridge(
            problem("dense", **parts), KernelRidgeOptions(penalties=[1e-8, 1.0], widths=[])
        ).model.predict(x)

    x, y = rows(20, 2, shift)
    found, whole = predicted(walled), predicted(shift)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[..., 6:], whole[..., 6:], atol=1e-2)
    np.testing.assert_allclose(found[..., 5], y[..., 5], atol=10)


@pytest.mark.parametrize("widths", [[], [1.0]])
def test_of_few_rows_each_is_left_out_and_of_one_none_can_be(problem, widths):
    options = KernelRidgeOptions(penalties=[0.1, 1.0], widths=widths)
    for count in (2, 4):
        x, y = rows(count, 0, shift)
        assert np.isfinite(fit_kernel_ridge(problem("dense", train=(x, y)), options).model.predict(x)).all()
    with pytest.raises(PareError, match="needs 2 training rows, found 1"):
        fit_kernel_ridge(problem("dense", train=(x[:1], y[:1])), options)


def test_the_linear_kernel_is_ridge_regression(problem):
    train, (x, _) = rows(40, 0, lambda x: x**2), rows(5, 2, lambda x: x)
    fitted = fit_kernel_ridge(problem("dense", train=train), KernelRidgeOptions(penalties=[0.1], widths=[]))
    flat = train[0].reshape(40, -1).astype(float)
    alpha = 0.1 * np.mean(((flat - flat.mean(0)) ** 2).sum(1))
    expected = Ridge(alpha=alpha).fit(flat, train[1].reshape(40, -1)).predict(x.reshape(5, -1))
    np.testing.assert_allclose(fitted.model.predict(x).reshape(5, -1), expected, atol=1e-4)


def test_the_gaussian_kernel_is_the_mean_of_a_gaussian_process(problem):
    train, (x, _) = rows(40, 0, np.sin), rows(5, 2, np.sin)
    fitted = fit_kernel_ridge(problem("dense", train=train), KernelRidgeOptions(penalties=[0.1], widths=[2.0]))
    flat, y = train[0].reshape(40, -1), train[1].reshape(40, -1)
    distances = euclidean_distances(flat)
    process = GaussianProcessRegressor(RBF(2.0 * np.median(distances[distances > 0])), alpha=0.1, optimizer=None)
    expected = process.fit(flat, y - y.mean(0)).predict(x.reshape(5, -1)) + y.mean(0)
    np.testing.assert_allclose(fitted.model.predict(x).reshape(5, -1), expected, atol=1e-4)


@pytest.mark.parametrize("validation", [True, False])
def test_noise_asks_for_a_penalty_and_none_asks_for_none(problem, validation):
    def fit(spread, penalties):
        def noisy(x):
            return shift(x) + np.random.default_rng(3).normal(0, spread, x.shape)

        splits = {"train": rows(30, 0, noisy)} | ({"validation": rows(30, 1, noisy)} if validation else {})
        return fit_kernel_ridge(problem("dense", **splits), KernelRidgeOptions(penalties=penalties, widths=[]))

    x, y = rows(50, 2, shift)
    for spread in (0.0, 60.0):
        errors = {
            tuple(penalties): np.square(fit(spread, penalties).model.predict(x) - y).mean()
            for penalties in ([1e-6], [1.0], [1e-6, 1.0])
        }
        assert errors[1e-6, 1.0] == min(errors.values())


def test_states_of_a_simulation_are_left_out_together(problem):
    """Nearly the same inputs have the same field, by chance: only from one another can they be predicted."""
    rng, group = np.random.default_rng(0), np.arange(40) // 4
    x, y = (rng.normal(size=(10, 1, GRID)).astype(np.float32)[group] for _ in "xy")
    x += 0.001 * rng.normal(size=x.shape).astype(np.float32)
    new, options = (
        rng.normal(size=(5, 1, GRID)).astype(np.float32),
        KernelRidgeOptions(penalties=[1e-3, 1e3], widths=[]),
    )
    apart = fit_kernel_ridge(problem("dense", train=(x, y)), options).model.predict(new)
    together = fit_kernel_ridge(problem("dense", train=(x, y), groups={"train": group}), options).model.predict(new)
    assert np.abs(together - y.mean(0)).max() < 0.1 < np.abs(apart - y.mean(0)).max()


def test_more_rows_than_the_memory_takes_are_refused(problem, monkeypatch):
    monkeypatch.setattr(kernel_ridge, "MOST_ROWS", 20)
    with pytest.raises(PareError, match="at most 20, found 30"):
        fit_kernel_ridge(problem("dense", train=rows(30, 0, shift)), KernelRidgeOptions(penalties=[1.0], widths=[]))


def test_the_validation_metric_is_that_of_a_fit_without_the_validation_rows(problem):
    """More inputs than rows: rows that were learnt from are met exactly, others are not."""
    train, held = rows(10, 0, np.sin), rows(20, 1, np.sin)
    options = KernelRidgeOptions(penalties=[1e-10], widths=[])
    alone = fit_kernel_ridge(problem("dense", train=train), options)
    whole = problem("dense", train=train, validation=held)
    fitted = fit_kernel_ridge(whole, options)
    expected, found = (whole.error(said, held[1]) for said in (alone.model.predict(held[0]), fitted.unseen))
    assert found == pytest.approx(expected, rel=1e-3)
    np.testing.assert_allclose(fitted.model.predict(train[0]), train[1], atol=0.5)


def test_how_sure_it_is_comes_from_a_fit_without_the_validation_rows(problem):
    """The rows that were learnt from as well are met exactly, which says nothing of new ones."""
    held = rows(20, 1, np.sin)
    whole = problem("dense", train=rows(10, 0, np.sin), validation=held)
    fitted = fit_kernel_ridge(whole, KernelRidgeOptions(penalties=[1e-10], widths=[2.0]))
    typical = np.sqrt(np.mean((fitted.unseen[::2] - held[1][::2]) ** 2, axis=0))
    assert np.abs(fitted.model.predict(held[0]) - held[1]).max() < 0.1 * typical.mean()


def test_inputs_that_are_all_alike_give_the_mean_field(problem):
    x, y = rows(20, 0, shift)
    fitted = fit_kernel_ridge(
        problem("dense", train=(np.ones_like(x), y)), KernelRidgeOptions(penalties=[1e-8, 1.0], widths=[])
    )
    np.testing.assert_allclose(fitted.model.predict(x[:1]), y.mean(0, keepdims=True), rtol=1e-5)
