"""The reference model of a run: which baseline it is, and that its score is scikit-learn's."""

from dataclasses import replace

import numpy as np
import pytest
from pare.learners.libraries.by_name import ESTIMATORS, reference_model
from sklearn.linear_model import LogisticRegressionCV

from pare.config import Library, PareError, resolve
from pare.storage.store import ArrayStore, write_store

ROWS = {"train": 60, "validation": 30, "test": 1}


@pytest.fixture
def store(tmp_path):
    def write(shape, rows=ROWS):
        rng = np.random.default_rng(0)
        blocks = []
        for part, n in rows.items():
            x = rng.normal(size=(n, *shape)).astype(np.float32)
            blocks.append((part, {"x": x, "y": (x.reshape(n, -1)[:, 0] > 0).astype(np.int64)}))
        path = tmp_path / "x.h5"
        write_store(path, rows=rows, blocks=blocks, statistics={}, fingerprint="f", description={"categories": []})
        return ArrayStore(path)

    return write


@pytest.fixture
def run(library, parameters):
    def make(shape):
        task = {
            "title": "t",
            "raw": {"files": ["x.npy"]},
            "reader": {"name": "arrays"},
            "samples": {"all": 100},
            "input": {"shape": list(shape)},
            "output": {"kind": "classification", "shape": [2]},
        }
        own = Library(**{**library.model_dump(), "tasks": {"own": task}})
        return resolve(own, parameters | {"task": "own"}, {}), own

    return make


def test_a_table_has_logistic_regression_with_its_own_validation_error(run, store):
    made, own = run((4,))
    data = store((4,))
    reference = reference_model(made, own, data)
    train, held = (data.rows(part).read(0, ROWS[part]) for part in ("train", "validation"))
    search = LogisticRegressionCV(max_iter=1000, scoring="neg_log_loss", use_legacy_attributes=False, l1_ratios=(0,))
    fitted = search.fit(train["x"], train["y"])
    assert reference.name == "logistic_regression"
    assert reference.validation == pytest.approx(100 * (fitted.predict(held["x"]) != held["y"]).mean(), abs=7)


def test_what_is_not_installed_or_does_not_suit_is_passed_over(run, store, monkeypatch):
    made, own = run((1, 40))
    assert reference_model(made, own, store((1, 40)), ["xgboost"]) is None
    monkeypatch.setattr("pare.learners.libraries.by_name.find_spec", lambda name: None)
    assert reference_model(made, own, store((1, 40)), ["minirocket"]) is None


def test_without_validation_rows_there_is_no_comparison(run, store):
    made, own = run((4,))
    assert reference_model(made, own, store((4,), {"train": 60, "test": 1})) is None


def test_what_cannot_be_fitted_is_told_and_the_next_one_is_compared(run, store, monkeypatch, caplog):
    """A class of one row stops the baseline, not the run that is compared."""
    caplog.set_level("INFO", logger="pare")
    made, own = run((4,))

    def refused(problem, options):
        raise PareError("class 1 has 1 training row")

    monkeypatch.setitem(ESTIMATORS, "logistic_regression", replace(ESTIMATORS["logistic_regression"], fit=refused))
    assert reference_model(made, own, store((4,)), ["logistic_regression"]) is None
    assert reference_model(made, own, store((4,))).name == "lightgbm"
    assert "No comparison with logistic_regression: class 1 has 1 training row." in caplog.messages
