import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.metrics import log_loss as sklearn_log_loss

from pare.uncertainty import fit_temperature, log_loss

RNG = np.random.default_rng(0)


def drawn(logits):
    """Classes that are drawn with the probabilities of the logits."""
    return np.array([RNG.choice(len(p), p=p) for p in softmax(logits, axis=1)])


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_logits_that_are_too_large_are_divided_by_what_they_were_multiplied_with(factor):
    logits = RNG.normal(size=(4000, 3)) * 2
    assert fit_temperature(factor * logits, drawn(logits)) == pytest.approx(factor, rel=0.1)
    labels = (RNG.random((4000, 2)) < expit(logits[:, :2])).astype(np.float32)
    assert fit_temperature(factor * logits[:, :2], labels) == pytest.approx(factor, rel=0.1)


def test_the_loss_is_that_of_scikit_learn():
    logits = RNG.normal(size=(50, 3))
    y = drawn(logits)
    assert log_loss(logits, y) == pytest.approx(sklearn_log_loss(y, softmax(logits, axis=1)))
    labels = RNG.integers(2, size=(50, 2))
    wanted = np.mean([sklearn_log_loss(labels[:, i], expit(logits[:, i])) for i in range(2)])
    assert log_loss(logits[:, :2], labels) == pytest.approx(wanted)


def test_rows_without_a_mistake_do_not_make_a_model_certain():
    logits, truth = np.array([[2.0, 0.0], [0.0, 2.0]] * 20), np.array([0, 1] * 20)
    assert 0.4 < fit_temperature(logits, truth) < 0.6
    assert fit_temperature(2 * logits, truth) == 1  # little is left to be gained


def test_what_is_not_clearly_better_changes_nothing():
    """Of models that were as sure as they should be, about one in twenty is changed."""
    logits = RNG.normal(size=(400, 50, 2)) * 2
    changed = np.mean([fit_temperature(rows, drawn(rows)) != 1 for rows in logits])
    assert 0.01 < changed < 0.09


def test_a_sure_mistake_makes_a_model_doubt():
    logits = np.array([[9.0, 0.0], [0.0, 9.0]] * 5)
    assert fit_temperature(logits, np.array([0, 1] * 4 + [1, 0])) > 3


@pytest.mark.parametrize("rows", [30, 300])
def test_the_temperature_is_the_most_likely_one_of_a_grid_with_its_prior(rows):
    """By scikit-learn's loss and the normal density of scipy, on a grid of temperatures."""
    logits = RNG.normal(size=(rows, 3)) * 6
    truth = drawn(logits / 3)
    grid = np.exp(np.linspace(-1, 2, 3001))
    losses = [sklearn_log_loss(truth, softmax(logits / t, axis=1), labels=range(3)) for t in grid]
    for spread in (0.25, 0.5):
        wanted = grid[np.argmax(norm.logpdf(np.log(grid), scale=spread) - rows * np.array(losses))]
        assert fit_temperature(logits, truth, spread) == pytest.approx(wanted, rel=2e-3)


def test_a_narrow_prior_stays_nearer_to_one_and_harms_less_where_few_rows_mislead():
    """A rare class that the few rows happen to lack; the new rows have it."""
    logits = np.array([[1.5, 0.0]] * 30)
    truth, new = np.zeros(30, int), np.array([0] * 24 + [1] * 6)
    wide, narrow = (fit_temperature(logits, truth, spread) for spread in (0.5, 0.25))
    assert wide < narrow < 1
    assert log_loss(logits / narrow, new) < log_loss(logits / wide, new)
