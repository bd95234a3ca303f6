"""A baseline from the model input to its metrics; the library itself is logistic regression, which needs no extra."""

import re
from copy import copy
from types import SimpleNamespace

import numpy as np
import pytest
from pare.pipelines.baseline.nodes import describe_fit, predict_test_rows, score_predictions

from pare.config import PareError, resolve_baseline
from pare.data.origins.manifest import raw_fingerprint
from pare.data.preparation import model_input_fingerprint
from pare.datasets import ModelDataset
from pare.evaluation.prediction_figures import draw_predictions
from pare.learners.libraries import fit_baseline
from pare.learners.libraries import trained as fit
from pare.pipeline_registry import register_pipelines
from pare.storage.store import ArrayStore, write_store


@pytest.fixture
def run(library, parameters):
    def run(options=None, **training):
        asked = {"task": "openml_wdbc", "method": "logistic_regression", "training": training}
        asked |= {"options": options} if options else {}
        merged = parameters | asked | {"training": parameters["training"] | training}
        return resolve_baseline(library, merged, asked)

    return run


def split(n, seed, features=30):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, features)).astype(np.float32)
    return {"x": x, "y": (x[:, 0] > 0).astype(np.int64), "group": np.arange(n) // 2}


@pytest.fixture
def raw(run):
    """The task's raw files, of which only the manifest is read."""
    return SimpleNamespace(manifest=SimpleNamespace(files=[]))


@pytest.fixture
def store(tmp_path, run):
    task = run().task
    fingerprint = model_input_fingerprint("openml_wdbc", task, raw_fingerprint(task.raw.active, []), validated=True)
    splits = {"train": split(80, 0), "validation": split(40, 1), "test": split(50, 2)}
    write_store(
        tmp_path / "s.h5",
        rows={name: len(arrays["y"]) for name, arrays in splits.items()},
        blocks=splits.items(),
        statistics={},
        fingerprint=fingerprint,
        description={"categories": [], "classes": ["benign", "malignant"], "channels": None},
    )
    return ArrayStore(tmp_path / "s.h5")


@pytest.fixture
def fitted(raw, store, tmp_path):
    """Fit what a run asks for, unless that is done; the model in its folder."""
    dataset = ModelDataset(str(tmp_path / "model"))

    def fitted(run):
        dataset.save(describe_fit(run, raw, store))
        return dataset.load()

    fitted.path = dataset.path
    return fitted


def test_metrics_have_the_keys_of_a_method_and_nothing_where_a_baseline_has_none(run, fitted, store):
    resolved = run(fraction=0.5)
    model = fitted(resolved)
    predictions = predict_test_rows(resolved, model, store)
    metrics = score_predictions(resolved, model, store, predictions)
    wanted = {"task": "openml_wdbc", "method": "logistic_regression", "n_train": 40, "n_test": 50, "best_epoch": None}
    assert wanted.items() <= metrics.items()
    assert all(metrics[key] is None for key in ("source", "proxy", "proxy_samples", "epochs", "paper"))
    assert metrics["test"] > 0.8 and metrics["validation"] > 0.8 and metrics["constant_prediction"] == 0.5
    assert metrics["train_seconds"] > 0 and metrics["samples_per_second"] > 0
    assert {"python", "pare-transfer", "kedro", "scikit-learn"} == set(metrics["versions"])
    figure = draw_predictions(resolved, store, predictions, metrics)
    assert "logistic_regression, seed 0" in figure.get_suptitle()


def test_groups_are_averaged_where_the_task_says_so(run, fitted, store):
    resolved = run()
    task = resolved.task.model_copy(update={"average_groups": True})
    grouped = resolved.model_copy(update={"task": task})
    rows = predict_test_rows(resolved, fitted(resolved), store)
    groups = predict_test_rows(grouped, fitted(grouped), store)
    means = rows["prediction"].reshape(25, 2, 2).mean(1)
    np.testing.assert_allclose(groups["prediction"], means, rtol=1e-5)


def test_a_baseline_is_fitted_again_where_anything_that_decides_it_changed_and_only_there(
    run, fitted, store, monkeypatch, caplog
):
    calls = []
    monkeypatch.setattr(fit, "fit_baseline", lambda *asked: calls.append(asked) or fit_baseline(*asked))
    fitted(run())
    fitted(run())
    assert len(calls) == 1
    assert "replaced" not in caplog.text
    for changed, named in (
        (run(fraction=0.5), "training.fraction"),
        (run(options={"folds": 2}), "options.folds"),
        (run(), "options.folds"),
    ):
        caplog.clear()
        fitted(changed)
        assert re.search(rf"a model with another [\w., ]*{named}.*name this run: variant=NAME", caplog.text)
    assert len(calls) == 4
    other = copy(store)
    other.fingerprint = "other rows"
    assert not fit.BaselineFit(run(), other).is_current(fitted.path)
    with pytest.raises(PareError, match=r"trained on another model input.*train it again: kedro run --pipelines=base"):
        predict_test_rows(run(), fitted(run()), other)


def test_a_model_input_of_another_task_or_protocol_is_refused(run, raw, store):
    paper = run().model_copy(update={"protocol": "paper"})
    with pytest.raises(PareError, match="prepare it again: kedro run --pipelines=baseline --env base"):
        describe_fit(paper, raw, store)


def test_the_pipeline_needs_the_run_alone_and_no_source():
    pipeline = register_pipelines()["baseline"]
    assert pipeline.inputs() == {"params:run"}
    assert not {"encoder", "proxy"} & pipeline.datasets()
    assert {"model", "predictions", "metrics"} < pipeline.outputs() | pipeline.datasets()
