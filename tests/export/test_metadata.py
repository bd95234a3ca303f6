"""What a file says of itself is that of the model."""

import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from pare import PaReClassifier, PaReRegressor, to_onnx
from pare.export.metadata import metadata
from pare.storage.samples import Samples

NAMES = {"columns": ["mass", "site"], "categories": [None, ["north", "süd"]]}


def test_names_licences_and_the_metric_of_the_validation_rows(fitted):
    site = np.arange(40) % 2
    x = np.stack([np.random.default_rng(0).normal(size=40), site], 1).astype(np.float32)
    rows = Samples(40, lambda start, stop: (x[start:stop], site[start:stop]), classes=["no", "yes"], **NAMES)
    model = fitted(rows, output={"kind": "classification", "shape": [2]})
    facts = metadata(model.trained, ["no", "yes"])
    assert [facts[name] for name in ("task", "method", "kind", "output")] == [
        "tiny",
        "probe",
        "table",
        "classification",
    ]
    told = {name: json.loads(facts[name]) for name in (*NAMES, "classes", "outputs", "metric", "licences", "versions")}
    assert {name: told[name] for name in NAMES} == NAMES
    assert (told["classes"], told["outputs"]) == (["no", "yes"], None)
    assert told["metric"]["name"] == "error_percent"
    assert told["metric"]["validation"] == model.trained.record["validation"]
    assert told["licences"] == {"data": "the user's own", "encoder": "Apache-2.0"}
    assert set(told["versions"]["export"]) == {"torch", "onnx", "onnxscript", "onnxruntime"}


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


def test_an_estimator_becomes_a_file_with_its_classes():
    X = pd.DataFrame({"n": np.random.default_rng(0).normal(size=60), "site": ["a", "b", "c"] * 20})
    model = PaReClassifier().fit(X, np.where(X["n"] > 0, "high", "low"))
    session = onnxruntime.InferenceSession(to_onnx(model, X[:20]).content)
    (found,) = session.run(None, {"x": np.c_[X["n"], np.tile([0, 1, 2], 20)].astype(np.float32)})
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-4)
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["high", "low"]
    with pytest.raises(NotFittedError):
        to_onnx(PaReClassifier(), X)
