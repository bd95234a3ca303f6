from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.metrics import log_loss

from pare.config import PareError
from pare.config.schema import OutputConfig
from pare.learners.networks.models.predictors import PhysicalUnits
from pare.learners.networks.training.losses import (
    FIRST_STEP,
    LOSSES,
    build_loss,
    not_finite,
    typical_size,
    weights_of_classes,
    with_differences,
)
from pare.storage.store import ArrayStore, write_store

FIELD_LOSSES = [name for name, spec in LOSSES.items() if "dense" in spec.kinds]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def fields(rng):
    """Five predictions and truths; one truth lacks some points, one all of them."""
    prediction, truth = rng.normal(size=(2, 5, 2, 4, 3))
    truth[1, 0, :2] = np.nan
    truth[3] = np.nan
    return prediction, truth


def loss_of(name, prediction, truth, kind="dense", **weights):
    """Value and gradient."""
    prediction = torch.tensor(prediction, requires_grad=True)
    value = build_loss(name, kind, **weights)(prediction, torch.tensor(truth))
    value.backward()
    return value.item(), prediction.grad.numpy()


def by_sample(measure, prediction, truth):
    """Mean over samples of a measure of the valid numbers, one sample after the other."""
    values = []
    for p, t in zip(prediction, truth, strict=True):
        valid = ~np.isnan(t)
        if valid.any():
            values.append(measure(p[valid], t[valid]))
    return np.mean(values)


def root_mean_square(values):
    return np.sqrt(np.mean(values**2))


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("relative_l2", lambda p, t: np.linalg.norm(p - t) / np.linalg.norm(t)),
        ("nrmse", lambda p, t: root_mean_square(p - t) / root_mean_square(t)),
        ("rmse", lambda p, t: root_mean_square(p - t)),
    ],
)
def test_losses_by_sample_are_the_mean_over_the_samples_with_a_valid_point(name, measure, fields):
    assert loss_of(name, *fields)[0] == pytest.approx(by_sample(measure, *fields), rel=1e-6)


@pytest.mark.parametrize(("name", "measure"), [("mse", np.square), ("mae", np.abs)])
def test_mse_and_mae_are_the_mean_over_all_valid_numbers(name, measure, fields):
    prediction, truth = fields
    valid = ~np.isnan(truth)
    expected = measure(prediction[valid] - truth[valid]).mean()
    assert loss_of(name, prediction, truth)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["mse", "mae"])
def test_regression_and_complete_fields_agree_with_torch(name, rng):
    prediction, truth = rng.normal(size=(2, 7, 3))
    reference = {"mse": torch.nn.MSELoss(), "mae": torch.nn.L1Loss()}[name]
    expected = reference(torch.tensor(prediction), torch.tensor(truth)).item()
    assert loss_of(name, prediction, truth, "regression")[0] == pytest.approx(expected, rel=1e-6)


def masks(truth):
    """Values 0 and 1 where the truth is positive; NaN stays."""
    return np.where(np.isnan(truth), np.nan, (truth > 0).astype(float))


@pytest.mark.parametrize("positive_weight", [1.0, 4.0])
def test_binary_cross_entropy_is_the_log_loss_with_positives_weighted(fields, positive_weight):
    logits, truth = fields[0], masks(fields[1])
    valid = ~np.isnan(truth)
    weights = np.where(truth[valid] == 1, positive_weight, 1.0)
    expected = log_loss(truth[valid], expit(logits[valid]), sample_weight=weights) * weights.mean()
    value, _ = loss_of("binary_cross_entropy", logits, truth, positive_weight=positive_weight)
    assert value == pytest.approx(expected, rel=1e-6)


def test_binary_cross_entropy_of_labels_is_the_mean_over_samples_and_labels(rng):
    logits, labels = rng.normal(size=(6, 5)), (rng.random((6, 5)) < 0.3).astype(float)
    value, _ = loss_of("binary_cross_entropy", logits, labels, "multilabel")
    assert value == pytest.approx(log_loss(labels.ravel(), expit(logits).ravel()), rel=1e-6)


@pytest.mark.parametrize("name", FIELD_LOSSES)
@pytest.mark.parametrize("exploded", [1.0, np.nan, np.inf])
def test_what_is_masked_neither_counts_nor_has_a_gradient_whatever_is_predicted_there(name, fields, exploded):
    prediction, truth = fields
    truth = masks(truth) if name == "binary_cross_entropy" else truth
    valid = ~np.isnan(truth)
    value, gradient = loss_of(name, prediction, truth)
    assert (gradient[~valid] == 0).all()
    assert (gradient[valid] != 0).any()
    other, other_gradient = loss_of(name, np.where(valid, prediction, exploded), truth)
    assert other == value
    np.testing.assert_array_equal(gradient, other_gradient)


@pytest.mark.parametrize("name", FIELD_LOSSES)
def test_gradients_are_those_of_finite_differences(name, fields):
    truth = masks(fields[1]) if name == "binary_cross_entropy" else fields[1]
    loss = build_loss(name, "dense")
    points = torch.tensor(fields[0], requires_grad=True)
    # The losses compute in single precision, so the step is a large one.
    assert torch.autograd.gradcheck(lambda p: loss(p, torch.tensor(truth)).double(), points, eps=1e-2, atol=1e-4)


@pytest.mark.parametrize("name", FIELD_LOSSES)
def test_a_batch_in_which_all_is_masked_has_loss_zero(name):
    value, gradient = loss_of(name, np.ones((2, 1, 3)), np.full((2, 1, 3), np.nan))
    assert value == 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("name", ["relative_l2", "nrmse", "rmse", "mse", "mae"])
def test_the_truth_itself_is_worth_zero_and_has_a_finite_gradient(name):
    value, gradient = loss_of(name, np.ones((2, 1, 3, 3)), np.ones((2, 1, 3, 3)))
    assert value == 0
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("unit", [2.0**-76, 2.0**83])
@pytest.mark.parametrize("name", ["relative_l2", "nrmse", "rmse"])
def test_squares_that_single_precision_does_not_have_are_not_needed(name, unit, fields):
    prediction, truth = (field.astype(np.float32) for field in fields)
    value, gradient = loss_of(name, prediction, truth)
    scaled, other = loss_of(name, prediction * np.float32(unit), truth * np.float32(unit))
    factor = unit if name == "rmse" else 1
    assert scaled == pytest.approx(value * factor, rel=1e-5)
    np.testing.assert_allclose(other * np.float64(unit) / factor, gradient, rtol=1e-4, atol=1e-7)
    loss = with_differences(build_loss(name, "dense"), 0.1)
    usual, other = (loss(*(torch.tensor(field * np.float32(u)) for field in (prediction, truth))) for u in (1, unit))
    assert other.item() == pytest.approx(usual.item() * factor, rel=1e-5)


def test_cross_entropy_is_the_negative_log_likelihood(rng):
    logits, labels = rng.normal(size=(6, 3)), rng.integers(3, size=6)
    likelihood = np.exp(logits[range(6), labels]) / np.exp(logits).sum(1)
    value, _ = loss_of("cross_entropy", logits, labels, "classification")
    assert value == pytest.approx(-np.log(likelihood).mean(), rel=1e-6)


def test_class_weights_make_a_weighted_mean(rng):
    logits, labels, weights = rng.normal(size=(6, 3)), rng.integers(3, size=6), np.array([1.0, 2.0, 5.0])
    likelihood = np.exp(logits[range(6), labels]) / np.exp(logits).sum(1)
    given = torch.tensor(weights, dtype=torch.float32)
    value, _ = loss_of("cross_entropy", logits, labels, "classification", class_weights=given)
    assert value == pytest.approx(np.average(-np.log(likelihood), weights=weights[labels]), rel=1e-6)


def classes(count):
    return OutputConfig(kind="classification", shape=(count,))


def test_weights_of_classes_are_the_inverse_frequencies():
    assert weights_of_classes(np.array([0, 1, 0, 0]), classes(2)).tolist() == pytest.approx([4 / 3, 4])


def test_weights_of_classes_need_a_row_of_each():
    with pytest.raises(PareError, match=r"classes \[1, 3\] have no training row"):
        weights_of_classes(np.array([0, 2]), classes(4))


def test_numbers_are_compared_in_standard_deviations(rng):
    prediction, truth = torch.tensor(rng.normal(size=(2, 5, 2)), dtype=torch.float32)
    deviations, units = torch.tensor([1e-6, 1e5]), PhysicalUnits((2,))
    units.set(torch.tensor([1.0, -1.0]), deviations)
    found = build_loss("mse", "regression", units=units)(prediction * deviations, truth * deviations)
    assert found.item() == pytest.approx(np.mean((prediction - truth).numpy() ** 2), rel=1e-5)
    physical = build_loss("mse", "dense", units=units)(prediction, truth)
    assert physical.item() == pytest.approx(found.item(), rel=1e-5)  # a field has one unit


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_predictions_are_scored_in_single_precision(dtype):
    truth = torch.full((1, 1, 64, 64), 300.0)  # the squared norm, 3.7e8, overflows half precision
    loss = build_loss("relative_l2", "dense")(torch.full_like(truth, 330, dtype=dtype), truth)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0.1, rel=1e-3)


def test_a_prediction_of_another_shape_is_not_broadcast():
    with pytest.raises(ValueError, match=r"\(2, 3, 3\) and target \(2, 1, 3, 3\)"):
        build_loss("mse", "dense")(torch.ones(2, 3, 3), torch.ones(2, 1, 3, 3))


def test_an_unknown_loss_is_answered_with_the_known_ones():
    with pytest.raises(PareError, match=r"cross_entropy.*relative_l2"):
        build_loss("relative_l1", "dense")


def test_a_loss_that_does_not_suit_the_output_is_answered_with_those_that_do():
    with pytest.raises(PareError, match="suits dense, the task predicts multilabel; use binary_cross_entropy"):
        build_loss("relative_l2", "multilabel")
    with pytest.raises(PareError, match="suits multilabel and dense, the task predicts classification; use cross_"):
        build_loss("binary_cross_entropy", "classification")


@pytest.mark.parametrize("kind", ["classification", "multilabel", "regression", "dense"])
def test_every_kind_of_output_has_a_loss(kind):
    assert any(kind in spec.kinds for spec in LOSSES.values())


def test_weights_that_a_loss_does_not_take_are_refused():
    with pytest.raises(PareError, match=r"found 'mse'; set training.class_weights=false"):
        build_loss("mse", "regression", class_weights=torch.ones(2))
    with pytest.raises(PareError, match=r"found 'cross_entropy'; set training.positive_weight=1"):
        build_loss("cross_entropy", "classification", positive_weight=2.0)


@pytest.mark.parametrize("name", FIELD_LOSSES)
def test_differences_between_neighbours_are_a_second_comparison(name, fields):
    prediction, truth = (torch.tensor(field, dtype=torch.float32) for field in fields)
    loss = build_loss(name, "dense")
    expected = loss(prediction, truth)
    for axis in (2, 3):
        expected = expected + 0.1 * loss(
            *(torch.tensor(np.diff(field, axis=axis)) for field in (prediction.numpy(), truth.numpy()))
        )
    torch.testing.assert_close(with_differences(loss, 0.1)(prediction, truth), expected, rtol=0.1, atol=0)
    assert with_differences(loss, 0) is loss


def test_differences_of_a_flat_field_are_compared_with_a_hundredth_of_its_size():
    truth, prediction = torch.ones(1, 1, 10), torch.ones(1, 1, 10)
    prediction[..., 5:] += 0.01
    expected = 0.01 * 0.5**0.5 + 0.1 * 0.01 / (0.01 * 10**0.5)
    found = with_differences(build_loss("relative_l2", "dense"), 0.1)(prediction, truth)
    assert found.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["relative_l2", "nrmse"])
@pytest.mark.parametrize("size", [0.0, 1e-6])
def test_the_error_of_a_faint_field_is_a_share_of_the_typical_size_whatever_the_batch(name, size):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2, 1, 8, 8)).astype(np.float32)
    truth[1] *= size
    prediction = truth + rng.normal(size=truth.shape).astype(np.float32)
    loss = build_loss(name, "dense", typical=4.0)
    errors = [np.linalg.norm(p - t) for p, t in zip(prediction, truth, strict=True)]
    faint = loss(*(torch.tensor(field[1:]) for field in (prediction, truth)))
    assert faint.item() == pytest.approx(errors[1] / 4)
    both = loss(torch.tensor(prediction), torch.tensor(truth))
    assert both.item() == pytest.approx((errors[0] / np.linalg.norm(truth[0]) + errors[1] / 4) / 2)


def test_the_typical_size_is_that_of_the_training_fields_that_are_used(tmp_path):
    y = np.random.default_rng(0).normal(size=(6, 1, 3, 3)).astype(np.float32)
    y[0, 0, 1] = np.nan
    blocks = [("train", {"x": np.zeros_like(y), "y": y})]
    write_store(tmp_path / "x.h5", rows={"train": 6}, blocks=blocks, statistics={}, fingerprint="f", description={})
    rows, chosen = ArrayStore(tmp_path / "x.h5").rows("train"), np.array([0, 2, 5])
    known = [field[~np.isnan(field)] for field in y[chosen]]
    expected = np.mean([np.linalg.norm(values) ** 2 for values in known]) ** 0.5
    assert typical_size(SimpleNamespace(compares_shares=True), rows, chosen) == pytest.approx(expected)
    assert typical_size(SimpleNamespace(compares_shares=False), rows, chosen) == 0


@pytest.mark.parametrize("place", [FIRST_STEP, "epoch 3, step 7"])
def test_answers_without_a_square_in_single_precision_are_what_a_loss_that_is_not_finite_is_put_down_to(place):
    y = torch.tensor([[1.0], [-2e22], [torch.nan]])
    said = str(not_finite(torch.tensor(torch.inf), place, 1e-3, torch.ones(3, 2), y))
    assert "answers from -2e+22 to 1; save them in other units" in said
    assert "learning rate;" not in said and "scale inputs" not in said
