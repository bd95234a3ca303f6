from types import SimpleNamespace

import numpy as np
import pytest

from pare.arrays.store import ArrayStore, write_store
from pare.config import resolve
from pare.pipelines.evaluate.nodes import compute_metrics, draw_predictions, draw_replaced, draw_training

RECORD = {
    "validation": 0.9,
    "best_epoch": 1,
    "n_train": 8,
    "train_seconds": 1.0,
    "samples_per_second": 8.0,
    "peak_memory_mb": 10,
    "device": "cpu",
    "precision": "no",
    "versions": {"pare": "0"},
    "replaced": [],
    "history": [
        {"epoch": 1, "loss": 0.5, "loss_target": 0.5, "validation": 0.9, "learning_rate": 1e-3, "seconds": 1.0}
    ],
}


@pytest.fixture
def run(library, parameters):
    return resolve(library, parameters | {"task": "openml_wdbc", "method": "finetune"}, {})


@pytest.fixture
def store(tmp_path):
    blocks = [("train", np.zeros((8, 30), np.float32), np.arange(8) % 2)]
    description = {"classes": ["benign", "malignant"]}
    write_store(tmp_path / "s.h5", blocks=blocks, statistics={}, fingerprint="f", description=description)
    return ArrayStore(tmp_path / "s.h5")


@pytest.fixture
def predictions():
    """Eight of the nine pairs of a malignant and a benign row are in the right order."""
    second = np.array([0.1, 0.6, 0.5, 0.9, 0.2, 0.7])
    truth = np.array([0, 0, 1, 1, 0, 1])
    return {"prediction": np.stack([np.zeros(6), second], 1).astype(np.float32), "truth": truth}


@pytest.fixture
def model():
    return SimpleNamespace(record=RECORD)


def test_metrics_hold_the_score_beside_that_of_knowing_nothing_and_the_papers(run, model, store, predictions):
    metrics = compute_metrics(run, model, store, predictions)
    assert metrics["test"] == pytest.approx(8 / 9)
    assert metrics["constant_prediction"] == 0.5
    assert metrics["metric"]["direction"] == "higher"
    wanted = {"task": "openml_wdbc", "method": "finetune", "seed": 0, "n_test": 6, "protocol": "validated"}
    assert wanted.items() <= metrics.items()
    assert metrics["paper"] == run.task.paper.get("finetune")


def test_a_method_that_does_not_mix_says_so_in_the_figure(run, model):
    (text,) = draw_replaced(run, model).texts
    assert text.get_text() == "Method 'finetune' replaces no patches."


def test_figures_are_titled_with_the_run_and_history_is_passed_on(run, model, store, predictions):
    metrics = compute_metrics(run, model, store, predictions)
    figure, history = draw_training(run, model)
    assert history == RECORD["history"]
    for drawn in (figure, draw_predictions(run, store, predictions, metrics)):
        titles = [drawn.get_suptitle(), *(axes.get_title() for axes in drawn.axes)]
        assert any(run.task.title in title and "finetune" in title for title in titles)
