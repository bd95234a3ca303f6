"""The file answers as the model does, for every kind of data, start and family of encoders."""

import json
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from scipy.special import softmax
from sklearn.exceptions import NotFittedError

from pare import PaReClassifier, PaReRegressor
from pare.config import PareError, resolve
from pare.data.own.format import held_rows
from pare.evaluation.calibration import Calibration
from pare.export import to_onnx
from pare.export.onnx_file import _difference, metadata
from pare.learners.ensemble import Ensemble, mean_of
from pare.learners.model import Model
from pare.prediction.predict import Predictor
from pare.storage.samples import Samples

RNG = np.random.default_rng(0)
ROWS = 40
CPU = torch.device("cpu")


def samples(x, y, **names):
    """Rows that are in memory."""
    return Samples(len(x), lambda start, stop: (x[start:stop], y[start:stop]), **names)


def inputs(*shape):
    """Numbers far from 0, with a spread far from 1."""
    return RNG.normal(30, 4, (ROWS, *shape)).astype(np.float32)


def table():
    """Numbers and categories, with missing values and a category that one row alone has."""
    x = inputs(4)
    x[:, 1], x[:, 3] = np.arange(ROWS) % 3, np.arange(ROWS) % 2
    x[5, 0] = x[6, 1] = np.nan
    x[7, 1] = 3
    return x


NAMES = {
    "columns": ["mass", "site", "depth", "old"],
    "categories": [None, ["n", "s", "w", "nowhere"], None, ["0", "1"]],
}
CODES = np.arange(ROWS) % 3
ANSWERS = {
    "classes": (CODES, {"kind": "classification", "shape": [3]}),
    "numbers": (RNG.normal(500, 30, (ROWS, 2)).astype(np.float32), {"kind": "regression", "shape": [2]}),
    "labels": (np.stack([CODES > 0, CODES > 1], 1).astype(np.float32), {"kind": "multilabel", "shape": [2]}),
}
SCALED = {"inputs": "channel", "outputs": "pointwise"}
PLACED = SCALED | {"coordinates": True}
TRAINED = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-2}

LOCAL = TRAINED | {"average": 0, "new_learning_rate": 1e-2}


def case(x, answer, **task):
    """Rows of features or of a grid, and the task that they are of."""
    y, output = ANSWERS[answer]
    return samples(x, y, **(NAMES if x.ndim == 2 else {})), {"output": output, **task}


def field(*grid, mask=False, **task):
    """A field made of a few patterns, and the field that it says everything about, or where it is above its mean."""
    x = np.einsum("rp,p...->r...", RNG.normal(size=(ROWS, 5)), inputs(1, *grid)[:5])
    y = x > x.mean(axis=(2, 3), keepdims=True) if mask else 500 + 3 * x
    task = {"output": {"kind": "dense", "shape": [1, *grid]}, "tokens": {"kind": "patch", "patch": 4}} | task
    return samples(x.astype(np.float32), y.astype(np.float32)), task


RANDOM, BERT = {"start": "random"}, {"source": "minilm"}
MASK = {"loss": "binary_cross_entropy", "metric": "one_minus_balanced_accuracy"}
KINDS = {
    "classes of a table": case(table(), "classes"),
    "numbers of a table, trained": case(
        *(table(), "numbers"),
        normalisation={"inputs": "feature", "outputs": "pointwise"},
        training_of_run=TRAINED,
        run=RANDOM,
    ),
    "series": case(inputs(2, 50), "numbers", normalisation=SCALED),
    "series, trained": case(inputs(3, 20), "classes", normalisation=PLACED, training_of_run=TRAINED, run=RANDOM | BERT),
    "grey images": case(inputs(1, 8, 8), "labels"),
    "colours, trained": case(inputs(3, 9, 7), "classes", training_of_run=TRAINED, run=RANDOM),
    "a line, several members": field(45, training_of_run=LOCAL | {"members": 2}, normalisation=PLACED),
    "a periodic line": field(16, training_of_run=LOCAL | {"symmetries": ["shift", "reflection"]}),
    "a periodic plane": field(16, 16, training_of_run=LOCAL | {"symmetries": ["torus"]}),
    "a plane": field(13, 13, training_of_run=LOCAL | {"symmetries": ["square"]}, normalisation=PLACED),
    "a line, random": field(
        20, training_of_run=TRAINED | {"symmetries": ["reflection"]}, run=RANDOM, normalisation=PLACED
    ),
    "a plane, random": field(
        *(11, 6), training_of_run=TRAINED, run=RANDOM, tokens={"kind": "patch", "patch": 4, "resize": 16}
    ),
    "a mask": field(16, 16, mask=True, training_of_run=TRAINED, run=RANDOM | {"source": "dinov2_small"}, **MASK),
}


def answers(model, x):
    """What the model says of rows, and the size of what differs between them."""
    output = model.outputs(held_rows(x))
    if model.classes is None and not model.is_binary:
        return output, output.std(0).max()
    return model.probabilities(output), 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_as_the_model(fitted, kind):
    rows, task = KINDS[kind]
    model, x = fitted(rows, **task), rows.read(0, ROWS)[0]
    exported = to_onnx(model, held_rows(x))
    session = onnxruntime.InferenceSession(exported.content)
    expected, size = answers(model, x)
    assert expected.std(0).max() > 0.01 * size
    assert exported.rows == ROWS
    for count in (1, ROWS):
        (found,) = session.run([exported.answer], {"x": x[:count]})
        assert found.shape == expected[:count].shape
        assert np.abs(found - expected[:count]).max() < 1e-4 * size


@pytest.mark.slow
@pytest.mark.parametrize("family", ["convnextv2", "modernbert", "swin"])  # BERT, DINOv2 above, ViT below
def test_encoders_of_other_families_answer_as_the_model(untrained, family):
    model, x = untrained(family), inputs(1, 16, 16)
    (found,) = onnxruntime.InferenceSession(to_onnx(model, held_rows(x)).content).run(None, {"x": x})
    assert np.abs(found - answers(model, x)[0]).max() < 1e-4


@pytest.mark.slow
def test_the_file_says_what_it_takes_and_gives_and_what_it_is(untrained):
    model = untrained("vit")
    content = to_onnx(model, held_rows(inputs(1, 16, 16))).content
    session = onnxruntime.InferenceSession(content)
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("x", ["batch", 1, 16, 16])]
    assert [(value.name, value.shape) for value in session.get_outputs()] == [("probabilities", ["batch", 3])]
    assert session.get_modelmeta().custom_metadata_map == metadata(model.trained, [0, 1, 2])
    # Every operator has a kernel of its own: torch leaves some for an optimisation, which is done in part here.
    assert "CastLike" not in {node.op_type for node in onnx.load_from_string(content).graph.node}


@pytest.mark.slow
def test_probabilities_are_at_the_temperature_of_the_validation_rows(untrained):
    model, x = untrained("vit"), inputs(1, 16, 16)
    truth = np.arange(900) % 3
    logits = 8 * np.eye(3)[np.where(np.arange(900) % 10 < 3, (truth + 1) % 3, truth)]  # sure, and wrong in three of ten
    model.trained.calibration = Calibration("classification", {"prediction": logits, "truth": truth})
    assert model.trained.calibration.temperature > 2
    (found,) = onnxruntime.InferenceSession(to_onnx(model, held_rows(x)).content).run(None, {"x": x})
    np.testing.assert_allclose(found, model.probabilities(model.outputs(held_rows(x))), atol=1e-6)


@pytest.mark.slow
def test_a_file_that_answers_otherwise_is_refused(untrained, monkeypatch):
    model = untrained("vit")
    outputs = model.outputs
    monkeypatch.setattr(Predictor, "outputs", lambda _, rows: outputs(rows) + np.array([2e-3, 0, 0]))
    with pytest.raises(PareError, match=r"differs from the model by .*e-04, at most 1e-04 was expected"):
        to_onnx(model, held_rows(inputs(1, 16, 16)))


def test_rows_of_another_shape_are_refused_before_anything_is_converted(untrained):
    with pytest.raises(PareError, match=r"12"):
        to_onnx(untrained("vit"), held_rows(inputs(1, 12, 12)))


def test_a_model_that_is_no_network_is_refused(untrained):
    model = untrained("vit")
    model.trained.predictor = SimpleNamespace()
    with pytest.raises(PareError, match="the model of finetune is no network"):
        to_onnx(model, held_rows(inputs(1, 16, 16)))


def mean(weights, temperatures, *models):
    """The weighted mean of models of one task, which are called by their methods."""
    members = {model.trained.run.method_name: model.trained for model in models}
    first = models[0].trained
    named = (dict(zip(members, values, strict=True)) for values in (weights, temperatures))
    ensemble = Ensemble(members, *named, mean_of(first.run.task))
    return Predictor(Model(first.run, ensemble, first.record, first.preparation), "cpu")


@pytest.fixture
def chosen(fitted):
    """The mean of the models of two methods with unequal weights and temperatures."""

    def chosen(answer):
        rows, task = case(table(), answer, tokens={"kind": "feature"}, training_of_run=TRAINED)
        models = [fitted(rows, run=RANDOM | {"method": method}, **task) for method in ("finetune", "layernorm")]
        return mean((0.36, 0.64), (0.7, 1.6), *models), held_rows(rows.read(0, ROWS)[0])

    return chosen


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["classes", "numbers"])
def test_a_mean_of_methods_answers_as_their_mean_does(chosen, answer):
    model, rows = chosen(answer)
    exported = to_onnx(model, rows)
    (found,) = onnxruntime.InferenceSession(exported.content).run(None, {"x": rows.read(0, ROWS)})
    ensemble = model.trained.predictor
    enter = {"classes": partial(softmax, axis=1), "numbers": np.asarray}[answer]
    inputs_of = model.trained.preparation.inputs(rows.read(0, ROWS))
    expected = sum(
        ensemble.weights[name] * enter(member.outputs(inputs_of, CPU) / ensemble.temperatures[name])
        for name, member in ensemble.members.items()
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_mean_with_a_model_of_a_library_is_refused_by_its_name(chosen):
    model, rows = chosen("classes")
    model.trained.predictor.members["finetune"].predictor = SimpleNamespace()
    with pytest.raises(PareError, match="the model of finetune is no network, and only networks become ONNX files"):
        to_onnx(model, rows)


@pytest.fixture
def line(fitted):
    """Fit a method for an epoch to fields on a periodic line."""
    rows, task = field(32, normalisation={"outputs": "pointwise"}, loss="mse", metric="rmse")
    own = {"epochs": 1, "members": 1, "symmetries": ["shift"]}

    def line(method, **training):
        return fitted(rows, run={"method": method}, training_of_run=own | training, **task)

    return line


@pytest.mark.slow
@pytest.mark.parametrize(("method", "members"), [("u_net", 1), ("fno", 2)])
def test_a_network_without_an_encoder_answers_as_the_model(line, method, members):
    model, x = line(method, members=members), field(32)[0].read(0, ROWS)[0]
    exported = to_onnx(model, held_rows(x))
    session = onnxruntime.InferenceSession(exported.content)
    expected = model.outputs(held_rows(x))
    for count in (1, ROWS):
        (found,) = session.run([exported.answer], {"x": x[:count]})
        assert np.abs(found - expected[:count]).max() < 1e-4 * np.abs(expected).max()
    facts = session.get_modelmeta().custom_metadata_map
    assert (facts["method"], facts["encoder"]) == (method, "null") and "encoder" not in facts["licences"]


@pytest.mark.slow
def test_a_fourier_operator_of_a_plane_is_refused_in_one_sentence(fitted):
    rows, task = field(16, 16, normalisation={"outputs": "pointwise"}, loss="mse", metric="rmse")
    model = fitted(rows, run={"method": "fno"}, training_of_run={"epochs": 1, "members": 1}, **task)
    with pytest.raises(
        PareError, match=r"networks of the family 'fno', cannot be converted \(.*use the model's folder"
    ):
        to_onnx(model, held_rows(rows.read(0, ROWS)[0]))


@pytest.mark.slow
def test_a_mean_of_a_method_and_an_operator_answers_as_their_mean_does(line):
    models = [line("finetune", **LOCAL), line("fno")]
    both, x = mean((0.4, 0.6), (1.0, 1.0), *models), field(32)[0].read(0, ROWS)[0]
    exported = to_onnx(both, held_rows(x))
    (found,) = onnxruntime.InferenceSession(exported.content).run(None, {"x": x})
    one, other = (model.outputs(held_rows(x)) for model in models)
    np.testing.assert_allclose(found, 0.4 * one + 0.6 * other, atol=1e-4 * np.abs(one).max())


def test_a_difference_of_numbers_is_a_share_of_the_largest_of_their_column():
    expected = np.array([[1000.0, 1], [2000, 4]])
    assert _difference(expected + np.array([2, 0]), expected, relative=True) == pytest.approx(1e-3)
    assert _difference(expected + np.array([0, 2]), expected, relative=True) == pytest.approx(0.5)
    assert np.isnan(_difference(expected * [1, np.nan], expected, relative=True))
    assert _difference(np.zeros((2, 1)), np.zeros((2, 1)), relative=True) == 0


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_a_package_that_is_missing_is_named_with_its_extra(untrained, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PareError, match=rf"needs the package '{package}'.*pip install 'pare-transfer\[export\]'"):
        to_onnx(untrained("vit"), held_rows(inputs(1, 16, 16)))


def test_a_network_that_cannot_be_converted_is_told_with_the_reason(untrained, monkeypatch):
    model = untrained("vit")
    monkeypatch.setattr(model.trained.predictor.network, "predict", lambda x: x if x.sum() > 0 else -x)
    with pytest.raises(PareError, match=r"cannot be converted \(.*data-dependent"):
        to_onnx(model, held_rows(inputs(1, 16, 16)))


def test_names_licences_and_the_metric_of_the_validation_rows(fitted):
    named = {"columns": ["mass", "site"], "categories": [None, ["north", "süd"]]}
    site = np.arange(40) % 2
    x = np.stack([np.random.default_rng(0).normal(size=40), site], 1).astype(np.float32)
    rows = Samples(40, lambda start, stop: (x[start:stop], site[start:stop]), classes=["no", "yes"], **named)
    model = fitted(rows, output={"kind": "classification", "shape": [2]})
    facts = metadata(model.trained, ["no", "yes"])
    assert [facts[name] for name in ("task", "method", "kind", "output")] == [
        "tiny",
        "probe",
        "table",
        "classification",
    ]
    told = {name: json.loads(facts[name]) for name in (*named, "classes", "outputs", "metric", "licences", "versions")}
    assert {name: told[name] for name in named} == named
    assert (told["classes"], told["outputs"]) == (["no", "yes"], None)
    assert told["metric"]["name"] == "error_percent"
    assert told["metric"]["validation"] == model.trained.record["validation"]
    assert told["licences"] == {"data": "the user's own", "encoder": "Apache-2.0"}
    assert set(told["versions"]["export"]) == {"torch", "onnx", "onnxscript", "onnxruntime"}


@pytest.mark.parametrize(("kept", "named"), [("finetune", True), ("u_net", False)])
def test_of_a_choice_the_encoder_and_its_licence_are_those_of_what_is_kept(library, parameters, kept, named):
    run = resolve(library, {**parameters, "task": "darcy_flow", "method": "choose"}, {})
    rows = [{"method": one.method_name, "share": float(one.method_name == kept)} for one in run.candidates]
    record = {"candidates": rows, "fingerprint": "f", "validation": 0.1, "versions": {}}
    known = SimpleNamespace(columns=None, categories=None)
    facts = metadata(SimpleNamespace(run=run, record=record, preparation=known), None)
    assert facts["encoder"] == (run.source.title if named else "null")
    assert ("encoder" in json.loads(facts["licences"])) == named


def test_numbers_have_names(fitted):
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    rows = Samples(40, lambda start, stop: (x[start:stop], x[start:stop] * 2), columns=["a", "b"])
    model = fitted(rows, output={"kind": "regression", "shape": [2], "name": "load, strain"})
    assert json.loads(metadata(model.trained, None)["outputs"]) == ["load", "strain"]
    assert json.loads(metadata(model.trained, None)["classes"]) is None
    assert json.loads(metadata(model.trained, None)["categories"]) == [None, None]
    assert json.loads(metadata(model.trained, None)["dates"]) == {}


def test_a_column_of_dates_has_its_first_day():
    when = pd.Series(pd.date_range("2020-03-01", periods=40, freq="D"))
    model = PaReRegressor().fit(pd.DataFrame({"when": when, "n": np.arange(40) % 3}), np.arange(40.0))
    assert json.loads(metadata(model.predictor_.trained, None)["dates"]) == {"when": "2020-03-01"}


@pytest.mark.slow
def test_an_estimator_becomes_a_file_with_its_classes():
    X = pd.DataFrame({"n": np.random.default_rng(0).normal(size=60), "site": ["a", "b", "c"] * 20})
    model = PaReClassifier().fit(X, np.where(X["n"] > 0, "high", "low"))
    session = onnxruntime.InferenceSession(to_onnx(model, X[:20]).content)
    (found,) = session.run(None, {"x": np.c_[X["n"], np.tile([0, 1, 2], 20)].astype(np.float32)})
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-4)
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["high", "low"]
    with pytest.raises(NotFittedError):
        to_onnx(PaReClassifier(), X)
