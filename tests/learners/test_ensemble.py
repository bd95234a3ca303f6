"""The mean of several models, against scipy's, and its files."""

import json

import numpy as np
import pytest
import torch
from scipy.special import expit, logit, softmax

from pare.config import PareError
from pare.learners.ensemble import CLASSES, LABELS, NUMBERS, Ensemble, combined, load_ensemble, mean_of

RNG = np.random.default_rng(0)
WEIGHTS, TEMPERATURES = {"a": 0.25, "b": 0.75}, {"a": 2.0, "b": 0.5}
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("mean", "probabilities"),
    [(CLASSES, lambda x: softmax(x, axis=1)), (LABELS, expit), (NUMBERS, lambda x: x)],
    ids=["classes", "labels", "numbers"],
)
def test_probabilities_are_averaged_at_the_temperature_of_each_model_and_numbers_as_they_are(mean, probabilities):
    outputs = {name: RNG.normal(size=(6, 3)) for name in WEIGHTS}
    temperatures = TEMPERATURES if mean.scaled else dict.fromkeys(WEIGHTS, 1.0)
    found = combined(outputs, WEIGHTS, temperatures, mean)
    expected = sum(WEIGHTS[name] * probabilities(outputs[name] / temperatures[name]) for name in WEIGHTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(probabilities(found.astype(np.float64)), expected, rtol=1e-5)


def test_a_model_without_a_weight_does_not_count():
    outputs = {"a": RNG.normal(size=(4, 2)), "unused": np.full((4, 2), np.nan)}
    np.testing.assert_allclose(combined(outputs, {"a": 1.0}, {"a": 1.0}, NUMBERS), outputs["a"], rtol=1e-6)


def test_impossible_classes_stay_finite():
    sure = np.array([[0.0, 500.0]])
    assert np.isfinite(combined({"a": sure, "b": sure}, WEIGHTS, TEMPERATURES, CLASSES)).all()
    assert logit(1 - 1e-7) == pytest.approx(combined({"a": sure}, {"a": 1.0}, {"a": 1.0}, LABELS)[0, 1], rel=1e-3)


@pytest.mark.parametrize(
    ("task", "mean"), [("openml_wdbc", CLASSES), ("fsd50k", LABELS), ("cosmic", LABELS), ("darcy_flow", NUMBERS)]
)
def test_the_mean_follows_from_what_is_predicted(library, task, mean):
    assert mean_of(library.task(task)) is mean


def test_equal_models_count_alike(made, rows):
    model = made("network")
    ensemble = Ensemble.of_equals([model, model])
    assert (ensemble.weights, ensemble.temperatures) == ({"0": 0.5, "1": 0.5}, {"0": 1.0, "1": 1.0})
    both, one = (softmax(found.outputs(rows, CPU), axis=1) for found in (ensemble, model))
    np.testing.assert_allclose(both, one, rtol=1e-5)


def test_it_is_read_as_it_was_written_and_its_outputs_are_those_of_its_members(made, rows, tmp_path):
    model = made("ensemble")
    ensemble = model.predictor
    ensemble.write(tmp_path)
    loaded = load_ensemble(tmp_path, model.run.task)
    assert (loaded.weights, loaded.temperatures) == (ensemble.weights, ensemble.temperatures)
    assert {one.run.method_name for one in loaded.members.values()} == {"pare", "logistic_regression"}
    outputs = {name: member.outputs(rows, CPU) for name, member in loaded.members.items()}
    expected = combined(outputs, ensemble.weights, ensemble.temperatures, CLASSES)
    np.testing.assert_array_equal(ensemble.outputs(rows, CPU), expected)


def test_a_member_that_is_missing_is_named(made, tmp_path):
    made("ensemble").predictor.write(tmp_path)
    content = json.loads((tmp_path / "ensemble.json").read_text())
    content["weights"]["third"] = 0.0
    (tmp_path / "ensemble.json").write_text(json.dumps(content))
    with pytest.raises(PareError, match=r"names members .*'third'.*members holds \['logistic', 'net'\]"):
        load_ensemble(tmp_path, made("network").run.task)
