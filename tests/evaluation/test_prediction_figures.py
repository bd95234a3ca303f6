"""The figure of test predictions, for every kind of output."""

import json

import numpy as np
import pytest
from scipy.special import expit

from drawn_figures import draws, panels
from evaluated_runs import PREDICTIONS, TRAINING, with_task, write_splits
from pare.evaluation.calibration import Calibration
from pare.evaluation.coverage import uncertainty_record
from pare.evaluation.metrics_record import evaluation_record
from pare.evaluation.prediction_figures import draw_calibration, draw_predictions


def dense(run, shape=(1, 6, 5), name="pressure", **changes):
    return with_task(
        run,
        input={"shape": [3, *shape[1:]]},
        output={"kind": "dense", "shape": shape, "name": name},
        tokens={"kind": "patch"},
        **({"loss": "relative_l2", "metric": "relative_l2"} | changes),
    )


def test_the_heading_names_the_run_and_its_score(run, store):
    heading = draw_predictions(run, store, PREDICTIONS, {"test": 8 / 9}).get_suptitle()
    assert all(text in heading for text in (run.task.title, "finetune, seed 0", "AUROC, one-vs-one 0.8889"))


def test_inputs_of_fields_are_shown_in_physical_units(run, tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(4, 3, 6, 5)).astype(np.float32)
    truth = draw.normal(size=(4, 1, 6, 5)).astype(np.float32)
    statistics = {"x_mean": draw.normal(size=(1, 6, 5)), "x_scale": draw.random((1, 6, 5))}
    store = write_splits(tmp_path / "s.h5", statistics, ["permeability", "x", "y"], test={"x": x, "y": truth})
    error = np.array([0.2, 0.1, 0.4, 0.3])[:, None, None, None]
    figure = draw_predictions(dense(run), store, {"prediction": truth * (1 + error), "truth": truth}, {"test": 0.25})
    rows = np.array(panels(draws(figure))).reshape(3, 4)
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
    store = write_splits(tmp_path / "s.h5", test={"x": np.zeros((1, 3, 6, 5), np.float32), "y": truth})
    masks = dense(run, loss="binary_cross_entropy", metric="one_minus_auroc")
    figure = draw_predictions(masks, store, {"prediction": logits, "truth": truth}, {"test": 0.25})
    _, true, predicted, _ = panels(draws(figure))
    assert true.get_title().split() == ["truth:", "pressure", "(probability)"]
    np.testing.assert_allclose(predicted.images[0].get_array(), expit(logits[0, 0]), rtol=1e-6)
    assert "RMSE" in panels(draws(figure))[0].get_ylabel()


def test_channels_and_numbers_have_the_names_that_the_task_gives_them_or_are_counted(run, tmp_path):
    truth = np.random.default_rng(0).normal(size=(3, 2, 12)).astype(np.float32)
    store = write_splits(tmp_path / "s.h5", channels=["u"], test={"x": np.zeros((3, 3, 12), np.float32), "y": truth})
    for name, wanted in (("density, velocity", ["density", "velocity"]), ("u", ["u 1", "u 2"])):
        task = dense(run, (2, 12), name, metric="nrmse")
        figure = draw_predictions(task, store, {"prediction": truth, "truth": truth}, {"test": 0.0})
        titles = [ax.get_title() for ax in panels(draws(figure))[:6]]
        assert [title.split(":")[0] for title in titles[1::3]] == wanted
        assert titles[::3] == ["input: u", "input: channel 2"]


def test_labels_and_numbers_have_figures_of_their_own(run, store):
    draw = np.random.default_rng(0)
    truth = (draw.random((20, 2)) < 0.5).astype(np.float32)
    outcome = {"prediction": draw.normal(size=(20, 2)).astype(np.float32), "truth": truth}
    output = {"kind": "multilabel", "shape": [2]}
    labels = with_task(run, output=output, loss="binary_cross_entropy", metric="one_minus_map")
    left, _ = panels(draws(draw_predictions(labels, store, outcome, {"test": 0.5})))
    assert {text.get_text() for text in left.get_yticklabels()} == {"benign", "malignant"}
    output = {"kind": "regression", "shape": [2], "name": "energy [eV], gap [eV]"}
    numbers = with_task(run, output=output, loss="mse", metric="rmse")
    figure = draw_predictions(numbers, store, outcome, {"test": 0.5})
    assert [ax.get_title() for ax in panels(draws(figure))[::2]] == ["energy [eV]", "gap [eV]"]


def test_every_kind_of_output_shows_how_sure_it_is(run):
    draw = np.random.default_rng(0)
    classes = {"prediction": draw.normal(size=(30, 2)), "truth": draw.integers(2, size=30)}
    labels = {"prediction": draw.normal(size=(30, 2)), "truth": draw.integers(2, size=(30, 2)).astype(np.float32)}
    numbers = {"prediction": draw.normal(size=(30, 2)), "truth": draw.normal(size=(30, 2))}
    field = {"prediction": draw.normal(size=(30, 1, 6, 5)), "truth": draw.normal(size=(30, 1, 6, 5))}
    of_labels = {"output": {"kind": "multilabel", "shape": [2]}, "loss": "binary_cross_entropy"}
    of_numbers = {"output": {"kind": "regression", "shape": [2], "name": "mass, size"}, "loss": "mse"}
    kinds = [
        (run, Calibration("classification", classes), classes, "calibration error"),
        (with_task(run, **of_labels, metric="one_minus_map"), Calibration("multilabel", labels), labels, "calibration"),
        (
            with_task(run, **of_numbers, metric="rmse"),
            *(Calibration("regression", numbers), numbers, "intervals of 90\u00a0% hold 90\u00a0% of"),
        ),
        (dense(run), Calibration.of_rows(dense(run).task, *field.values(), None), field, "the band of 90"),
    ]
    for one, calibration, predictions, said in kinds:
        metrics = {"uncertainty": uncertainty_record(one.task, calibration, predictions)}
        assert said in draws(draw_calibration(one, calibration, predictions, metrics)).get_suptitle()


@pytest.mark.slow
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("grid", "size"), [((9,), 1e-30), ((6, 5), 1e25), ((3, 6, 5), 1e-23)])
def test_fields_of_any_axes_and_size_have_numbers_and_figures_though_points_are_masked(run, tmp_path, grid, size):
    draw = np.random.default_rng(0)
    truth, x = draw.normal(size=(24, 2, *grid)), np.zeros((24, 3, *grid), np.float32)
    prediction = ((truth + 0.3 * draw.normal(size=truth.shape)) * size).astype(np.float32)
    truth[draw.random(truth.shape) < 0.2] = np.nan
    truth[3] = truth[:, 0, 1] = truth[:, 1] = np.nan  # a sample, a place, a channel
    truth = (truth * size).astype(np.float32)
    predictions = {"prediction": prediction, "truth": truth}
    store = write_splits(tmp_path / "s.h5", train={"x": x, "y": truth}, test={"x": x, "y": truth})
    task = dense(run, (2, *grid))
    calibration = Calibration.of_rows(task.task, *(each.repeat(2, axis=0) for each in (prediction, truth)), None)
    record = evaluation_record(task, TRAINING, store, predictions, calibration)
    json.dumps(record, allow_nan=False)
    assert record["test"] == pytest.approx(0.3, rel=0.2)
    assert record["usual"]["rmse"] == pytest.approx(0.3 * size, rel=0.2)
    assert record["uncertainty"]["coverage"] == pytest.approx(0.9, abs=0.05)
    figures = (
        draw_predictions(task, store, predictions, record),
        draw_calibration(task, calibration, predictions, record),
    )
    for figure in figures:
        assert ("middle slice" in draws(figure).get_suptitle()) == (len(grid) == 3)


def test_where_nothing_is_known_the_figure_says_so(run):
    (text,) = draw_calibration(run, None, PREDICTIONS, {"uncertainty": None}).texts
    assert "no calibration" in text.get_text()
    few = with_task(run, output={"kind": "regression", "shape": [1]}, loss="mse", metric="rmse")
    rows = {"prediction": np.zeros((8, 1)), "truth": np.ones((8, 1))}
    calibration = Calibration("regression", rows)
    metrics = {"uncertainty": uncertainty_record(few.task, calibration, rows)}
    (text,) = draw_calibration(few, calibration, rows, metrics).texts
    assert text.get_text() == "8 validation rows are too few for a coverage of 90\u00a0%."
