"""LightPFN against its own library, with weights that nobody trained."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from lightpfn import LightPFNClassifier

from pare.config import PareError
from pare.learners.libraries.lightpfn import LightPFNOptions, fit_lightpfn, load_lightpfn

CLASSES = 3


@pytest.fixture
def weights(untrained_weights, tmp_path):
    return Path(shutil.copytree(untrained_weights, tmp_path / "weights"))


def problem_of(y):
    x = np.random.default_rng(0).normal(size=(len(y), 3)).astype(np.float32)
    task = SimpleNamespace(classes=CLASSES)
    return SimpleNamespace(task=task, categories=[0, 0, 0], training_arrays=lambda: (x, y))


def test_it_predicts_what_its_library_predicts(weights):
    problem, x = problem_of(np.arange(30) % CLASSES), np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    model = fit_lightpfn(problem, LightPFNOptions(checkpoint=weights)).model
    expected = LightPFNClassifier(checkpoint=weights, device="cpu").fit(*problem.training_arrays()).predict_proba(x)
    assert np.ptp(expected, axis=0).min() > 0.01
    np.testing.assert_allclose(np.exp(model.predict(x)), expected, rtol=1e-4)


def test_its_folder_needs_no_other(weights, tmp_path):
    options, run = LightPFNOptions(checkpoint=weights), SimpleNamespace(task=SimpleNamespace(classes=CLASSES))
    model = fit_lightpfn(problem_of(np.arange(30) % CLASSES), options).model
    (tmp_path / "model").mkdir()
    model.write(tmp_path / "model")
    weights.rename(tmp_path / "elsewhere")
    x = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    np.testing.assert_allclose(load_lightpfn(tmp_path / "model", run, options).predict(x), model.predict(x), rtol=1e-5)


def test_a_class_without_training_rows_is_the_least_probable(weights):
    logits = fit_lightpfn(problem_of(np.arange(30) % 2), LightPFNOptions(checkpoint=weights)).model.predict(
        np.zeros((4, 3), np.float32)
    )
    assert logits.shape == (4, CLASSES)
    assert (logits.argmin(1) == 2).all()


def test_missing_weights_are_asked_for(tmp_path):
    with pytest.raises(PareError, match=r"needs a folder with model.safetensors and config.json.*found none"):
        fit_lightpfn(problem_of(np.arange(30) % CLASSES), LightPFNOptions())
    with pytest.raises(PareError, match=r"options\.checkpoint=FOLDER"):
        fit_lightpfn(problem_of(np.arange(30) % CLASSES), LightPFNOptions(checkpoint=tmp_path))


def test_more_classes_than_it_was_pretrained_for_are_refused(weights):
    problem = problem_of(np.arange(30) % CLASSES)
    problem.task.classes = 11
    with pytest.raises(PareError, match="at most 10 classes, the task has 11"):
        fit_lightpfn(problem, LightPFNOptions(checkpoint=weights))
