import io
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit
from torch import nn

from pare.config import resolve
from pare.pipelines.evaluate.nodes import (
    compute_metrics,
    draw_predictions,
    draw_replaced,
    draw_training,
    predict_test_rows,
)
from pare.storage.store import ArrayStore, write_store

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


def write(path, statistics=None, channels=None, classes=None, **splits):
    """A store of splits, each a dictionary of arrays."""
    write_store(
        path,
        rows={split: len(arrays["x"]) for split, arrays in splits.items()},
        blocks=splits.items(),
        statistics=statistics or {},
        fingerprint="f",
        description={"classes": classes, "channels": channels},
    )
    return ArrayStore(path)


@pytest.fixture
def store(tmp_path):
    train = {"x": np.zeros((8, 30), np.float32), "y": np.arange(8) % 2}
    return write(tmp_path / "s.h5", classes=["benign", "malignant"], train=train)


@pytest.fixture
def predictions():
    """Eight of the nine pairs of a malignant and a benign row are in the right order."""
    second = np.array([0.1, 0.6, 0.5, 0.9, 0.2, 0.7])
    truth = np.array([0, 0, 1, 1, 0, 1])
    return {"prediction": np.stack([np.zeros(6), second], 1).astype(np.float32), "truth": truth}


@pytest.fixture
def model():
    return SimpleNamespace(record=RECORD)


def with_task(run, **changes):
    """The run with other keys in its task, the output's kind and shape among them."""
    task = run.task.model_dump()
    return run.model_copy(update={"task": type(run.task).model_validate(task | changes)})


def dense(run, shape=(1, 6, 5), name="pressure", **changes):
    return with_task(
        run,
        input={"shape": [3, *shape[1:]]},
        output={"kind": "dense", "shape": shape, "name": name},
        tokens={"kind": "patch"},
        **({"loss": "relative_l2", "metric": "relative_l2"} | changes),
    )


def test_metrics_hold_the_score_beside_that_of_knowing_nothing_and_the_papers(run, model, store, predictions):
    metrics = compute_metrics(run, model, store, predictions)
    assert metrics["test"] == pytest.approx(8 / 9)
    assert metrics["constant_prediction"] == 0.5
    assert metrics["metric"] == {
        "name": "auroc_ovo",
        "title": "AUROC, one-vs-one",
        "unit": "",
        "direction": "higher",
    }
    wanted = {"task": "openml_wdbc", "method": "finetune", "seed": 0, "n_test": 6, "protocol": "validated"}
    assert wanted.items() <= metrics.items()
    assert metrics["proxy_samples"] is None
    assert metrics["paper"] == run.task.paper.get("finetune")


def test_the_papers_figure_stands_only_beside_the_papers_metric(run, model, store, predictions):
    task = {"metric": "error_percent", "paper_metric": "auroc_ovo", "paper": {"finetune": 0.99}}
    for protocol, name, paper in (("validated", "error_percent", None), ("paper", "auroc_ovo", 0.99)):
        one = with_task(run, **task).model_copy(update={"protocol": protocol})
        metrics = compute_metrics(one, model, store, predictions)
        assert (metrics["metric"]["name"], metrics["paper"]) == (name, paper)
    variant = with_task(run, **task).model_copy(update={"protocol": "paper", "variant": "short"})
    metrics = compute_metrics(variant, model, store, predictions)
    assert (metrics["variant"], metrics["paper"]) == ("short", None)


def test_rows_of_a_group_are_averaged_where_the_task_says_so(run, tmp_path):
    x = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    group = np.array([0, 0, 1, 1, 1, 2])
    store = write(tmp_path / "s.h5", test={"x": x, "y": group % 2, "group": group})
    model = SimpleNamespace(model=nn.Identity())
    np.testing.assert_array_equal(predict_test_rows(run, model, store)["prediction"], x)
    outcome = predict_test_rows(with_task(run, average_groups=True), model, store)
    np.testing.assert_allclose(outcome["prediction"], [x[:2].mean(0), x[2:5].mean(0), x[5]], rtol=1e-6)
    np.testing.assert_array_equal(outcome["truth"], [0, 1, 0])


def test_a_method_that_does_not_mix_says_so_in_the_figure(run, model):
    (text,) = draw_replaced(run, model).texts
    assert text.get_text() == "Method 'finetune' replaces no patches."


def test_figures_are_titled_with_the_run_and_history_is_passed_on(run, model, store, predictions):
    metrics = compute_metrics(run, model, store, predictions)
    figure, history = draw_training(run, model)
    assert history == RECORD["history"]
    for drawn in (figure, draw_predictions(run, store, predictions, metrics)):
        assert run.task.title in drawn.get_suptitle() and "finetune" in drawn.get_suptitle()


def panels(figure):
    figure.savefig(io.BytesIO(), dpi=30)
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def test_inputs_of_fields_are_shown_in_physical_units(run, tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(4, 3, 6, 5)).astype(np.float32)
    truth = draw.normal(size=(4, 1, 6, 5)).astype(np.float32)
    statistics = {"x_mean": draw.normal(size=(1, 6, 5)), "x_scale": draw.random((1, 6, 5))}
    store = write(tmp_path / "s.h5", statistics, ["permeability", "x", "y"], test={"x": x, "y": truth})
    error = np.array([0.2, 0.1, 0.4, 0.3])[:, None, None, None]
    figure = draw_predictions(dense(run), store, {"prediction": truth * (1 + error), "truth": truth}, {"test": 0.25})
    rows = np.array(panels(figure)).reshape(3, 4)
    assert "test relative L2 error 0.25" in figure.get_suptitle()
    assert rows[0, 0].get_title() == "input: permeability"
    assert rows[0, 1].get_title() == "truth: pressure"
    for row, sample, caption in zip(rows, (1, 3, 2), ("0.1", "0.3", "0.4"), strict=True):
        assert row[0].get_ylabel().splitlines()[1] == f"relative L2 error {caption}"
        physical = x[sample, 0] * statistics["x_scale"][0] + statistics["x_mean"][0]
        np.testing.assert_allclose(row[0].images[0].get_array(), physical, rtol=1e-5)


def test_masks_are_shown_as_probabilities(run, tmp_path):
    draw = np.random.default_rng(0)
    truth = (draw.random((1, 1, 6, 5)) < 0.4).astype(np.float32)
    logits = draw.normal(size=truth.shape).astype(np.float32)
    store = write(tmp_path / "s.h5", test={"x": np.zeros((1, 3, 6, 5), np.float32), "y": truth})
    masks = dense(run, loss="binary_cross_entropy", metric="one_minus_auroc")
    figure = draw_predictions(masks, store, {"prediction": logits, "truth": truth}, {"test": 0.25})
    _, true, predicted, _ = panels(figure)
    assert true.get_title().split() == ["truth:", "pressure", "(probability)"]
    np.testing.assert_allclose(predicted.images[0].get_array(), expit(logits[0, 0]), rtol=1e-6)
    assert "RMSE" in panels(figure)[0].get_ylabel()


def test_channels_and_numbers_have_the_names_that_the_task_gives_them_or_are_counted(run, tmp_path):
    truth = np.random.default_rng(0).normal(size=(3, 2, 12)).astype(np.float32)
    store = write(tmp_path / "s.h5", channels=["u"], test={"x": np.zeros((3, 3, 12), np.float32), "y": truth})
    for name, wanted in (("density, velocity", ["density", "velocity"]), ("u", ["u 1", "u 2"])):
        task = dense(run, (2, 12), name, metric="nrmse")
        figure = draw_predictions(task, store, {"prediction": truth, "truth": truth}, {"test": 0.0})
        titles = [ax.get_title() for ax in panels(figure)[:6]]
        assert [title.split(":")[0] for title in titles[1::3]] == wanted
        assert titles[::3] == ["input: u", "input: channel 2"]


def test_labels_and_numbers_have_figures_of_their_own(run, store):
    draw = np.random.default_rng(0)
    truth = (draw.random((20, 2)) < 0.5).astype(np.float32)
    outcome = {"prediction": draw.normal(size=(20, 2)).astype(np.float32), "truth": truth}
    labels = with_task(
        run,
        output={"kind": "multilabel", "shape": [2]},
        loss="binary_cross_entropy",
        metric="one_minus_map",
    )
    left, _ = panels(draw_predictions(labels, store, outcome, {"test": 0.5}))
    assert {text.get_text() for text in left.get_yticklabels()} == {"benign", "malignant"}
    numbers = with_task(
        run, output={"kind": "regression", "shape": [2], "name": "energy [eV], gap [eV]"}, loss="mse", metric="rmse"
    )
    figure = draw_predictions(numbers, store, outcome, {"test": 0.5})
    assert [ax.get_title() for ax in panels(figure)[::2]] == ["energy [eV]", "gap [eV]"]


def test_every_kind_of_output_is_scored_beside_its_constant_prediction(run, model, tmp_path):
    draw = np.random.default_rng(0)
    labels = (draw.random((20, 2)) < 0.5).astype(np.float32)
    numbers = draw.normal(size=(20, 2)).astype(np.float32)
    kinds = {"multilabel": ("binary_cross_entropy", "one_minus_auroc", labels), "regression": ("mse", "r2", numbers)}
    for kind, (loss, metric, truth) in kinds.items():
        store = write(tmp_path / f"{kind}.h5", train={"x": np.zeros((20, 3), np.float32), "y": truth})
        one = with_task(run, output={"kind": kind, "shape": [2]}, loss=loss, metric=metric)
        metrics = compute_metrics(one, model, store, {"prediction": 2 * truth - 1, "truth": truth})
        assert metrics["constant_prediction"] == pytest.approx(0.5 if kind == "multilabel" else 0, abs=1e-6)
