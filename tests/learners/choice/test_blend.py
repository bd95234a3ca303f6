"""Means of models: shares, temperatures, and whether a mean is kept."""

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.metrics import log_loss, mean_squared_error

from pare.config.schema import Task
from pare.learners.choice import blend as module
from pare.learners.choice.blend import CLASSES, LABELS, NUMBERS, Blend, decide, greedy_blend, shrunk_blend, task_loss


def cross_entropy(logits, y):
    return log_loss(y, softmax(logits.astype(np.float64), axis=1), labels=range(logits.shape[1]))


def squared(prediction, y):
    return float(((prediction - y) ** 2).mean())


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(400, 1)).astype(np.float32)
    noise = {name: rng.normal(size=y.shape).astype(np.float32) for name in "abc"}
    return y, {"a": y + 0.5 * noise["a"], "b": y + 0.5 * noise["b"], "c": y + 5 * noise["c"]}


def test_equally_good_models_with_independent_errors_share_equally_and_a_bad_one_gets_nothing(numbers):
    y, outputs = numbers
    blend = greedy_blend(outputs, y, NUMBERS, squared)
    assert set(blend.weights) == {"a", "b"}
    assert blend.weights["a"] == pytest.approx(0.5, abs=0.1)
    assert squared(blend.outputs(outputs, NUMBERS), y) == pytest.approx(0.5**2 / 2, rel=0.2)


def test_several_numbers_count_alike_in_their_own_spread(library):
    """A pressure in pascal and a share: scikit-learn's mean of both errors, each in units of its number's spread."""
    rng, spread = np.random.default_rng(0), np.array([1e5, 0.1], np.float32)
    y = (spread * rng.normal(size=(200, 2))).astype(np.float32)
    outputs = y + (spread * rng.normal(0, [0.1, 0.5], (200, 2))).astype(np.float32)
    task = library.task("openml_wdbc").model_dump() | {"output": {"kind": "regression", "shape": [2]}, "loss": "mse"}
    task = Task.model_validate(task | {"metric": "rmse"})
    expected = mean_squared_error(y / spread, outputs / spread)
    assert task_loss(task, spread=spread)(outputs, y) == pytest.approx(expected, rel=1e-5)
    assert task_loss(task)(outputs, y) == pytest.approx(mean_squared_error(y, outputs), rel=1e-5)


def test_shrunk_shares_are_half_greedy_ones_and_half_the_first_model(numbers):
    y, outputs = numbers
    greedy, shrunk = (make(outputs, y, NUMBERS, squared) for make in (greedy_blend, shrunk_blend))
    assert shrunk.weights == pytest.approx({"a": 0.5 + greedy.weights["a"] / 2, "b": greedy.weights["b"] / 2})
    assert shrunk.temperatures == {"a": 1.0, "b": 1.0}
    swapped = shrunk_blend({"c": outputs["c"], "a": outputs["a"]}, y, NUMBERS, squared)
    assert swapped.weights == {"c": 0.5, "a": 0.5}  # of greedy selection the first one has nothing


def test_a_model_with_next_to_no_share_of_a_shrunk_mean_is_left_out(numbers, monkeypatch):
    y, outputs = numbers
    monkeypatch.setattr(module, "greedy_blend", lambda *_: Blend({"a": 0.92, "b": 0.08}, {"a": 2.0, "b": 3.0}))
    assert shrunk_blend(outputs, y, NUMBERS, squared) == Blend({"a": 1.0}, {"a": 2.0})


def test_greedy_shares_are_kept_where_they_are_clearly_better_on_other_rows(numbers):
    y, outputs = numbers
    decision = decide(outputs, y, NUMBERS, squared)
    assert decision.blend == greedy_blend(outputs, y, NUMBERS, squared)
    losses = decision.losses
    assert squared(decision.outputs, y) == pytest.approx(losses["greedy shares"])
    assert losses["greedy shares"] < losses["shrunk shares"] < losses["the first alone"]


def test_shrunk_shares_are_kept_where_greedy_ones_are_not_clearly_better(numbers):
    """Twenty rows, two models that are about as good: the mean is better than the first, and its shares are vague."""
    y, outputs = numbers[0][:20], {name: numbers[1][name][:20] for name in "ab"}
    decision = decide(outputs, y, NUMBERS, squared)
    assert decision.blend == shrunk_blend(outputs, y, NUMBERS, squared)
    assert squared(decision.outputs, y) == pytest.approx(decision.losses["shrunk shares"])
    assert decision.losses["shrunk shares"] < decision.losses["the first alone"]


def test_the_first_model_is_kept_alone_where_no_shares_are_clearly_better(numbers):
    y, outputs = numbers
    decision = decide({"a": outputs["a"], "worse": outputs["a"] + 0.3}, y, NUMBERS, squared)
    assert decision.blend.weights == {"a": 1.0}
    assert decision.outputs == pytest.approx(outputs["a"])


def test_a_first_model_that_is_clearly_worse_is_left(numbers):
    y, outputs = numbers
    assert decide({"c": outputs["c"], "a": outputs["a"]}, y, NUMBERS, squared).blend.weights == {"a": 1.0}


def test_greedy_shares_are_kept_where_a_worse_model_mends_the_better_one():
    """The errors of ``b`` are those of ``a``, three times as large and of the other sign."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(400, 1)).astype(np.float32)
    error = rng.normal(0, 0.2, y.shape).astype(np.float32)
    decision = decide({"a": y + error, "b": y - 3 * error}, y, NUMBERS, squared)
    assert decision.losses["greedy shares"] < decision.losses["shrunk shares"]
    assert decision.blend.weights["a"] == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_few_rows_keep_the_first_model_or_say_clearly_that_another_is_better(numbers, rows):
    y, outputs = numbers[0][:rows], {name: out[:rows] for name, out in numbers[1].items()}
    decision = decide(outputs, y, NUMBERS, squared)
    assert decision.outputs.shape == y.shape
    assert rows > 1 or decision.blend.weights == {"a": 1.0}


def test_shares_are_compared_on_the_parts_that_are_given(numbers):
    """A part of the rows where only the second model is right is not seen by shares that the others chose."""
    y, outputs = numbers[0], {name: np.array(numbers[1][name]) for name in "ab"}
    outputs["a"][:200] += 9
    halves = [(np.arange(200, 400), np.arange(200)), (np.arange(200), np.arange(200, 400))]
    others = decide(outputs, y, NUMBERS, squared, halves).outputs
    assert others[200:] == pytest.approx(outputs["b"][200:])
    assert np.abs(others[:200] - y[:200]).mean() > 1


def test_the_temperature_of_logits_is_found_again():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(4000, 3)) * 2
    y = (softmax(logits, axis=1).cumsum(1) > rng.uniform(size=(4000, 1))).argmax(1)
    blend = greedy_blend({"cold": (logits * 7).astype(np.float32)}, y, CLASSES, cross_entropy)
    assert blend.temperatures["cold"] == pytest.approx(7, rel=0.1)


def test_probabilities_are_averaged_not_logits():
    logits = {"a": np.array([[4.0, 0.0]]), "b": np.array([[0.0, 1.0]])}
    shares = Blend({"a": 0.25, "b": 0.75}, {"a": 2.0, "b": 1.0})
    expected = 0.25 * softmax(logits["a"] / 2, axis=1) + 0.75 * softmax(logits["b"], axis=1)
    assert softmax(shares.outputs(logits, CLASSES), axis=1) == pytest.approx(expected)
    labels = Blend({"a": 0.5, "b": 0.5}, {"a": 1.0, "b": 1.0}).outputs(logits, LABELS)
    assert labels == pytest.approx(logit((expit(logits["a"]) + expit(logits["b"])) / 2), rel=1e-5)


def test_a_mean_that_only_fits_the_noise_of_few_rows_is_seldom_kept():
    """Models of pure noise around one good one: chosen on rows, a mean looks better, on other rows it is not."""
    kept = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=(30, 1)).astype(np.float32)
        good = y + rng.normal(0, 0.3, y.shape).astype(np.float32)
        noise = {f"n{i}": rng.normal(size=y.shape).astype(np.float32) for i in range(8)}
        kept += decide({"good": good, **noise}, y, NUMBERS, squared).blend.weights != {"good": 1.0}
    assert kept < 2


def test_rows_of_a_group_are_one_piece_of_evidence_for_greedy_shares():
    rng = np.random.default_rng(0)
    y, groups = rng.normal(size=600).astype(np.float32), np.repeat(np.arange(10), 60)
    better = np.repeat(np.float32([1, 0]), [8, 2])[groups]  # in most groups, and much worse in the others
    models = {"first": y + 1.0, "second": y + 1.6 - better}
    assert decide(models, y, NUMBERS, squared).blend.weights == {"second": 1.0}
    assert decide(models, y, NUMBERS, squared, groups=groups).blend.weights == {"first": 0.5, "second": 0.5}
