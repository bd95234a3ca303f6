import numpy as np
import pytest
import torch

from pare.config import PareError
from pare.training.losses import build_loss


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_relative_l2_is_the_mean_over_samples_of_the_relative_error(rng):
    prediction, truth = rng.normal(size=(2, 5, 1, 4, 4))
    errors = [np.linalg.norm(p - t) / np.linalg.norm(t) for p, t in zip(prediction, truth, strict=True)]
    loss = build_loss("relative_l2")(torch.tensor(prediction), torch.tensor(truth))
    assert loss.item() == pytest.approx(np.mean(errors), rel=1e-6)


def test_relative_l2_of_the_truth_is_zero_and_has_a_finite_gradient():
    truth = torch.ones(2, 1, 3, 3)
    prediction = truth.clone().requires_grad_()
    loss = build_loss("relative_l2")(prediction, truth)
    loss.backward()
    assert loss == 0
    assert prediction.grad.isfinite().all()


def test_cross_entropy_is_the_negative_log_likelihood(rng):
    logits, labels = rng.normal(size=(6, 3)), rng.integers(3, size=6)
    likelihood = np.exp(logits[range(6), labels]) / np.exp(logits).sum(1)
    loss = build_loss("cross_entropy")(torch.tensor(logits), torch.tensor(labels))
    assert loss.item() == pytest.approx(-np.log(likelihood).mean(), rel=1e-6)


def test_class_weights_make_a_weighted_mean(rng):
    logits, labels, weights = rng.normal(size=(6, 3)), rng.integers(3, size=6), np.array([1.0, 2.0, 5.0])
    likelihood = np.exp(logits[range(6), labels]) / np.exp(logits).sum(1)
    loss = build_loss("cross_entropy", torch.tensor(weights, dtype=torch.float32))
    wanted = np.average(-np.log(likelihood), weights=weights[labels])
    assert loss(torch.tensor(logits), torch.tensor(labels)).item() == pytest.approx(wanted, rel=1e-6)


def test_half_precision_predictions_are_scored_in_single_precision():
    truth = torch.full((1, 1, 64, 64), 300.0)  # the squared norm, 3.7e8, overflows half precision
    loss = build_loss("relative_l2")(torch.full_like(truth, 330, dtype=torch.float16), truth)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0.1, rel=1e-3)


def test_an_unknown_loss_is_answered_with_the_known_ones():
    with pytest.raises(PareError, match=r"cross_entropy.*relative_l2"):
        build_loss("relative_l1")
