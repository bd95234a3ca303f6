import numpy as np
import pytest
from scipy.special import expit, softmax
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
