"""Nodes of the evaluate pipeline."""

from types import SimpleNamespace

import numpy as np
import pytest

from evaluated_runs import PREDICTIONS, TRAINING, with_task, write_splits
from pare.config import resolve
from pare.pipelines.evaluate.nodes import draw_replaced_patches, draw_training, predict_test_rows, score_predictions

HISTORY = [{"epoch": 1, "loss": 0.5, "loss_target": 0.5, "validation": 0.9, "learning_rate": 1e-3, "seconds": 1.0}]


@pytest.fixture
def run(library, parameters):
    return resolve(library, parameters | {"task": "openml_wdbc", "method": "finetune"}, {})


@pytest.fixture
def model(run):
    record = TRAINING | {"replaced": [], "history": HISTORY}
    outputs = lambda x, device: x  # noqa: E731
    return SimpleNamespace(outputs=outputs, record=record, check=lambda *_: None, run=run, calibration=None)


def test_rows_of_a_group_are_averaged_where_the_task_says_so(run, model, tmp_path):
    x = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    group = np.array([0, 0, 1, 1, 1, 2])
    store = write_splits(tmp_path / "s.h5", test={"x": x, "y": group % 2, "group": group})
    np.testing.assert_array_equal(predict_test_rows(run, model, store)["prediction"], x)
    outcome = predict_test_rows(with_task(run, average_groups=True), model, store)
    np.testing.assert_allclose(outcome["prediction"], [x[:2].mean(0), x[2:5].mean(0), x[5]], rtol=1e-6)
    np.testing.assert_array_equal(outcome["truth"], [0, 1, 0])


def test_the_score_is_logged_with_the_run(run, model, tmp_path, caplog):
    train = {"x": np.zeros((8, 30), np.float32), "y": np.arange(8) % 2}
    store = write_splits(tmp_path / "s.h5", train=train)
    with caplog.at_level("INFO"):
        metrics = score_predictions(run, model, store, PREDICTIONS)
    assert metrics["test"] == pytest.approx(8 / 9)
    assert "openml_wdbc, finetune, seed 0: test AUROC, one-vs-one 0.8889 on 6 samples" in caplog.text


def test_a_method_that_does_not_mix_says_so_in_the_figure(run, model):
    (text,) = draw_replaced_patches(run, model).texts
    assert text.get_text() == "Method 'finetune' replaces no patches."


def test_figures_of_a_training_that_the_start_left_nothing_say_so(library, parameters, model):
    run = resolve(library, parameters | {"task": "openml_wdbc", "method": "pare"}, {})
    model.record |= {"history": [], "replaced": []}
    for figure in (draw_training(run, model)[0], draw_replaced_patches(run, model)):
        assert [text.get_text() for text in figure.texts] == ["The solved start left nothing to train."]


def test_the_figure_of_the_training_is_titled_with_the_run_and_history_is_passed_on(run, model):
    figure, history = draw_training(run, model)
    assert history == HISTORY
    assert f"{run.task.title}, finetune, seed 0" in figure.get_suptitle()
