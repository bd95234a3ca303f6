"""Weights of an ensemble: against a search over all selections, and where they fall."""

from itertools import combinations_with_replacement
from types import SimpleNamespace

import numpy as np
import pytest

from pare.config.schema import OutputConfig
from pare.learners.choice import weights as module
from pare.learners.choice.weights import shrunk_weights, task_loss
from pare.learners.ensemble import CLASSES, NUMBERS


def loss_of(kind, loss, spread=None):
    task = SimpleNamespace(loss=loss, output=OutputConfig(kind=kind, shape=(2,)))
    return task_loss(SimpleNamespace(task=task, training=SimpleNamespace(positive_weight=1.0)), spread)


NUMBER_LOSS = loss_of("regression", "mse")


def numbers(rows=200, seed=0, **noise):
    """Answers, and predictions with errors of their own of these sizes."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(rows, 1)).astype(np.float32)
    return y, {name: y + size * rng.normal(size=y.shape).astype(np.float32) for name, size in noise.items()}


def test_the_loss_is_that_of_the_library_and_numbers_count_alike_in_units_of_their_spread():
    logits, y = np.array([[2.0, 0.0], [0.0, 1.0]], np.float32), np.array([0, 0])
    wanted = -np.log(np.exp(logits[:, 0]) / np.exp(logits).sum(1)).mean()
    assert loss_of("classification", "cross_entropy")(logits, y) == pytest.approx(wanted)
    out, answers = np.array([[100.0, 1.0]], np.float32), np.zeros((1, 2), np.float32)
    assert loss_of("regression", "mse", np.array([100.0, 1.0], np.float32))(out, answers) == pytest.approx(1.0)


def test_half_is_greedy_and_half_the_priors_where_none_is_clearly_better(monkeypatch):
    monkeypatch.setattr(module, "ROUNDS", 4)
    y, outputs = numbers(a=1.0, b=1.0, c=1.3)
    found = shrunk_weights(outputs, y, NUMBERS, NUMBER_LOSS, prior="a")
    mixes = [m for n in range(1, 5) for m in combinations_with_replacement(outputs, n)]
    best = min(mixes, key=lambda m: NUMBER_LOSS(np.mean([outputs[name] for name in m], 0), y))
    wanted = {name: best.count(name) / len(best) / 2 + (name == "a") / 2 for name in outputs}
    assert found == pytest.approx(wanted)


def test_half_is_the_bests_where_it_is_clearly_better():
    y, outputs = numbers(prior=3.0, best=0.5)
    assert shrunk_weights(outputs, y, NUMBERS, NUMBER_LOSS, prior="prior")["best"] > 0.9


def test_half_is_the_bests_where_there_is_no_prior_choice():
    y, outputs = numbers(first=1.0, best=0.98)
    assert shrunk_weights(outputs, y, NUMBERS, NUMBER_LOSS)["best"] >= 0.5
    assert shrunk_weights(outputs, y, NUMBERS, NUMBER_LOSS, prior="first")["first"] >= 0.5


def test_groups_count_as_one_row_each():
    """The second is better in the rows of one group, which are many."""
    y, outputs = numbers(prior=1.0)
    groups = np.minimum(np.arange(200), 20)
    better = np.where(groups[:, None] == 20, y, outputs["prior"] + 0.1 * np.sign(outputs["prior"] - y))
    outputs["second"] = better.astype(np.float32)
    assert shrunk_weights(outputs, y, NUMBERS, NUMBER_LOSS, prior="prior")["second"] > 0.9
    assert shrunk_weights(outputs, y, NUMBERS, NUMBER_LOSS, groups, "prior")["prior"] >= 0.5


def test_small_weights_are_dropped_and_the_others_add_up_to_1():
    y, outputs = numbers(a=1.0, b=1.1, c=4.0)
    found = shrunk_weights(outputs, y, NUMBERS, NUMBER_LOSS, prior="a")
    assert set(found) == {"a", "b"}
    assert sum(found.values()) == pytest.approx(1) and min(found.values()) >= module.LEAST


def test_probabilities_are_averaged():
    """Two models that are each sure of half of the classes are better together, the first is alone as bad as chance."""
    y = np.tile([0, 1], 50)
    sure = np.where(np.arange(100) < 50, 6.0, 0.0)
    right = np.where(y == 1, 1.0, -1.0)
    outputs = {"a": np.stack([0 * sure, sure * right], 1), "b": np.stack([0 * sure, (6 - sure) * right], 1)}
    outputs = {name: out.astype(np.float32) for name, out in outputs.items()}
    found = shrunk_weights(outputs, y, CLASSES, loss_of("classification", "cross_entropy"), prior="a")
    assert found == pytest.approx({"a": 0.75, "b": 0.25}, abs=0.03)
