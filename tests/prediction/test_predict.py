"""New rows are predicted as the same rows were in training."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit, softmax
from torch import nn

from pare.config import PareError
from pare.data.preparation import Preparation
from pare.datasets.predictions import NewPredictionsDataset
from pare.evaluation.calibration import Calibration
from pare.learners.model import Model
from pare.learners.networks.trained_network import TrainedNetwork
from pare.pipelines.predict.nodes import predict_new_rows
from pare.prediction.predict import Predictor, load, predict_file

RNG = np.random.default_rng(0)
N = 40


class Network(nn.Module):
    """Outputs that depend on every input; a missing one counts as 7."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        rows = x.nan_to_num(7.0).flatten(1)
        weights = torch.linspace(-1, 1, rows.shape[1] * int(np.prod(self.shape))).reshape(rows.shape[1], -1)
        return (rows @ weights).reshape(len(x), *self.shape)


@pytest.fixture
def prepare(prepared):
    """Ingest and preprocess a task of the user's own; a network and what it needs to predict new rows."""

    def prepare(file, task):
        run, store = prepared({"raw": {"files": [file]}, **task})
        preparation = Preparation.of(store, coordinates=run.task.normalisation.coordinates)
        trained = Model(run, TrainedNetwork(Network(run.task.output.shape), {}), {}, preparation)
        return Predictor(trained), store

    return prepare


TABLE = {
    "reader": {"name": "table", "options": {"target": "answer"}},
    "samples": {"all": N},
    "input": {"shape": [3]},
    "output": {"kind": "classification", "shape": [2], "name": "answer"},
}


@pytest.fixture
def frame():
    """A table with a category, a missing number, and a category that one row alone has."""
    site = [["north", "south", "west"][i % 3] for i in range(N)]
    return pd.DataFrame(
        {
            "mass": np.where(np.arange(N) == 5, np.nan, RNG.normal(50, 9, N)),
            "site": ["nowhere", *site[1:]],
            "depth": RNG.normal(size=N),
            "answer": [["no", "yes"][i % 2] for i in range(N)],
        }
    )


def outputs(predictor, store, split="test"):
    """What the network gives for the rows as training had them."""
    with torch.no_grad():
        return predictor.trained.predictor.network(torch.from_numpy(store.rows(split).array("x"))).numpy()


def contains(rows, others):
    """Whether each of the other rows is among the rows."""
    flat, wanted = rows.reshape(len(rows), -1), others.reshape(len(others), -1)
    return bool((np.abs(flat[None] - wanted[:, None]).max(-1).min(1) < 1e-4).all())


def test_classes_of_a_table(prepare, frame, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    inputs = prepare("t.csv", TABLE)
    frame.drop(columns="answer").to_csv(tmp_path / "new.csv", index=False)
    predicted = predict_file(tmp_path / "new.csv", inputs[0])
    table = predicted.content
    assert (predicted.name, list(table.columns)) == (
        "new",
        ["row", "answer", "probability of no", "probability of yes"],
    )
    shares = table[["probability of no", "probability of yes"]].to_numpy()
    for split in ("train", "validation", "test"):
        assert contains(shares, softmax(outputs(*inputs, split), axis=1))
    assert list(table["answer"]) == [["no", "yes"][i] for i in shares.argmax(1)]
    assert list(table["row"]) == list(range(1, N + 1))
    expected = "<Predictor of task 'mine' by finetune: columns mass, site, depth; classification of no, yes>"
    assert repr(inputs[0]) == expected


def test_identifiers_that_the_task_leaves_out_stay_next_to_the_predictions(prepare, frame, tmp_path):
    frame["customer"], frame["row"] = [None, *range(10_000_001, 10_000_000 + N)], "theirs"
    frame.to_csv(tmp_path / "t.csv", index=False)
    reader = {"name": "table", "options": {"target": "answer", "ignore": ["customer", "row"]}}
    predictor, _ = prepare("t.csv", TABLE | {"reader": reader})
    frame.to_csv(tmp_path / "new.csv", index=False)
    table = predict_file(tmp_path / "new.csv", predictor).content
    assert list(table.columns)[:4] == ["row", "customer", "row of the file", "answer"]
    assert table["row of the file"].eq("theirs").all()
    frame.drop(columns=["customer", "row"]).to_csv(tmp_path / "new.csv", index=False)
    assert "customer" not in predict_file(tmp_path / "new.csv", predictor).content
    table.to_csv(tmp_path / "out.csv", index=False, float_format="%.6g")
    written = pd.read_csv(tmp_path / "out.csv", dtype=str)
    assert written["customer"].tolist()[1:3] == ["10000001", "10000002"] and pd.isna(written["customer"][0])
    assert written["row"].tolist() == [str(i + 1) for i in range(N)]


def test_numbers_that_name_rows_are_not_rounded(prepare, frame, tmp_path):
    frame["time"] = 1_234_567_890.5 + np.arange(N)
    frame.to_csv(tmp_path / "t.csv", index=False)
    predictor, _ = prepare(
        "t.csv", TABLE | {"reader": {"name": "table", "options": {"target": "answer", "ignore": ["time"]}}}
    )
    NewPredictionsDataset(str(tmp_path / "new")).save(predict_file(tmp_path / "t.csv", predictor))
    assert pd.read_csv(tmp_path / "new" / "t.csv")["time"].tolist() == frame["time"].tolist()


def test_a_target_that_is_called_row_does_not_take_the_place_of_the_rows(prepare, frame, tmp_path):
    frame.rename(columns={"answer": "row"}).to_csv(tmp_path / "t.csv", index=False)
    task = {"reader": {"name": "table", "options": {"target": "row"}}, "output": TABLE["output"] | {"name": "row"}}
    predictor, _ = prepare("t.csv", TABLE | task)
    table = predict_file(tmp_path / "t.csv", predictor).content
    assert table["row of the file"].tolist() == list(range(1, N + 1))
    assert set(table["row"]) <= {"no", "yes"}


def test_columns_far_from_the_training_rows_are_named(of_table, frame, caplog):
    def warned(**columns):
        caplog.clear()
        of_table.predict(frame.assign(**columns))
        return [name for name in ("mass", "depth", "site") if f"{name} is " in caplog.text]

    assert warned() == []
    assert warned(mass=frame["mass"] * 1000) == ["mass"]
    assert warned(mass=frame["mass"] / 1000, depth=frame["depth"] * 1e4) == ["mass", "depth"]
    assert warned(mass=np.nan, site="nowhere") == ["mass"] and "mass is missing (training rows: " in caplog.text
    assert warned(mass=[np.nan, *frame["mass"][1:]]) == []
    known = frame["mass"].max()
    assert warned(mass=[known * 1.001, *frame["mass"][1:]]) == []


def test_images_of_another_range_are_told(prepare, tmp_path, caplog):
    pixels = RNG.random((N, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=pixels, y=np.arange(N) % 2)
    task = {"reader": {"name": "arrays", "options": {"target": "classes"}}, "input": {"shape": [1, 8, 8]}}
    predictor, _ = prepare("t.npz", TABLE | task)
    predictor.predict(pixels[:3])
    assert not caplog.text
    predictor.predict((255 * pixels[:3]).astype(np.uint8))
    assert "(training rows: 0.0" in caplog.text and "channel 1 is " in caplog.text


def test_a_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe_and_numbers_are_as_they_are(
    prepare, frame, tmp_path
):
    frame["answer"] = ["=cmd|'/C calc'!A0", "no"] * (N // 2)
    frame["note"] = ["@SUM(A1)", "+1", "\tx", "a=b", "-2", "-a", *range(N - 6)]
    frame.to_csv(tmp_path / "t.csv", index=False)
    reader = {"name": "table", "options": {"target": "answer", "ignore": ["note"]}}
    predictor, _ = prepare("t.csv", TABLE | {"reader": reader})
    table = predict_file(tmp_path / "t.csv", predictor).content
    assert set(table["answer"]) <= {"'=cmd|'/C calc'!A0", "no"}
    assert table["note"].tolist()[:6] == ["'@SUM(A1)", "+1", table["note"][2], "a=b", "-2", "'-a"]
    assert not table["note"][2].startswith("\t")
    assert list(predictor.classes) == ["=cmd|'/C calc'!A0", "no"]  # in Python they are as they were


@pytest.fixture
def of_table(prepare, frame, tmp_path):
    """A model of the table."""
    frame.to_csv(tmp_path / "t.csv", index=False)
    return prepare("t.csv", TABLE)[0]


def test_one_row_is_told_as_one(of_table, frame, tmp_path, caplog):
    model = of_table.trained
    model.record["decisive"] = model.run.decisive()
    frame.drop(columns="answer").iloc[:1].to_csv(tmp_path / "new.csv", index=False)
    with caplog.at_level("INFO", logger="pare"):
        predict_new_rows(model.run, str(tmp_path / "new.csv"), model)
    assert "1 row of " in caplog.text


def test_labels_have_probabilities_and_are_0_or_1(prepare, frame, tmp_path):
    frame["a"], frame["b"] = np.arange(N) % 2, np.arange(N) // 2 % 2
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = {"target": ["a", "b"], "ignore": ["answer"]}
    output = {"kind": "multilabel", "shape": [2], "name": "a, b"}
    inputs = prepare("t.csv", TABLE | {"reader": {"name": "table", "options": options}, "output": output})
    table = predict_file(tmp_path / "t.csv", inputs[0]).content
    assert list(table.columns) == ["row", "answer", "a", "b"]
    shares = table[["a", "b"]].to_numpy()
    assert contains(shares, expit(outputs(*inputs)))
    np.testing.assert_array_equal(inputs[0].predict_proba(frame), shares)
    np.testing.assert_array_equal(inputs[0].predict(frame), shares > 0.5)


SERIES = {
    "reader": {
        "name": "arrays",
        "options": {"parts": {"all": {"x": "x", "y": "y"}}, "target": "numbers", "channel_axis": "last"},
    },
    "samples": {"all": N},
    "input": {"shape": [3, 20]},
    "output": {"kind": "regression", "shape": [2], "name": "load"},
    "normalisation": {"inputs": "channel", "coordinates": True},
}


@pytest.fixture
def series(tmp_path):
    np.savez(tmp_path / "f.npz", x=RNG.normal(3, 2, (N, 20, 2)), y=RNG.normal(size=(N, 2)))
    return tmp_path / "f.npz"


def test_numbers_of_a_series_with_coordinates(prepare, series):
    inputs = prepare("f.npz", SERIES)
    table = predict_file(series, inputs[0]).content
    assert list(table.columns) == ["row", "load 1", "load 2"]
    assert contains(table[["load 1", "load 2"]].to_numpy(), outputs(*inputs))
    assert repr(inputs[0]).endswith("; regression of load 1, load 2>")


def test_fields_stay_arrays(prepare, tmp_path):
    np.savez(tmp_path / "f.npz", x=RNG.normal(size=(N, 6, 5)), y=RNG.normal(size=(N, 6, 5)))
    options = {"parts": {"all": {"x": "x", "y": "y"}}, "target": "field", "channel_axis": "none"}
    task = {
        "reader": {"name": "arrays", "options": options},
        "samples": {"all": N},
        "input": {"shape": [1, 6, 5]},
        "output": {"kind": "dense", "shape": [1, 6, 5]},
    }
    inputs = prepare("f.npz", task)
    content = predict_file(tmp_path / "f.npz", inputs[0]).content
    assert content.shape == (N, 1, 6, 5)
    assert contains(content, outputs(*inputs))


def test_rows_of_another_shape_are_refused(prepare, series, tmp_path):
    inputs = prepare("f.npz", SERIES)
    np.save(tmp_path / "new.npy", np.zeros((4, 21, 2)))
    with pytest.raises(PareError, match=r"new rows have shape \[2, 21\], those of task 'mine' have \[2, 20\]"):
        predict_file(tmp_path / "new.npy", inputs[0])


def test_a_table_in_memory_is_predicted_as_its_file(of_table, frame, tmp_path):
    table = predict_file(tmp_path / "t.csv", of_table).content
    shuffled = frame[["depth", "site", "mass"]].set_axis(range(100, 100 + N))
    array = frame.drop(columns="answer").to_numpy(dtype=object)
    for rows in (tmp_path / "t.csv", str(tmp_path / "t.csv"), frame, shuffled, array):
        assert of_table.predict(rows).tolist() == list(table["answer"])
        shares = table[["probability of no", "probability of yes"]].to_numpy()
        np.testing.assert_array_equal(of_table.predict_proba(rows), shares)
    assert of_table.classes.tolist() == ["no", "yes"]


def test_an_array_has_the_axes_of_the_file(prepare, series):
    predictor, _ = prepare("f.npz", SERIES)
    with np.load(series) as arrays:
        x = arrays["x"]
    numbers = predict_file(series, predictor).content[["load 1", "load 2"]].to_numpy()
    np.testing.assert_array_equal(predictor.predict(x), numbers)
    with pytest.raises(PareError, match="predicts numbers, without probabilities; use predict"):
        predictor.predict_proba(x)
    with pytest.raises(PareError, match="no rows"):
        predictor.predict(x[:0])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pd.DataFrame({"mass": [1.0], "depth": [2.0]}), "the table lacks site; it has mass, depth"),
        (
            pd.DataFrame({"mass": ["much"], "site": ["x"], "depth": [0]}),
            "the table: column 'mass' holds 'much' in row 1",
        ),
        (
            pd.DataFrame({"mass": [np.inf], "site": ["x"], "depth": [0]}),
            "'mass' is infinite, or too large for 32 bits, in row 1",
        ),
        (
            np.zeros((2, 4)),
            r"the array has shape \[2, 4\], expected \(rows, 3\): a column for each of mass, site, depth",
        ),
        ("nowhere.csv", "'nowhere.csv' does not exist"),
    ],
)
def test_rows_that_do_not_fit_are_refused(of_table, rows, message):
    with pytest.raises(PareError, match=message):
        of_table.predict(rows)


def calibrated(predictor, kind, prediction, truth):
    predictor.trained.calibration = Calibration(kind, {"prediction": prediction, "truth": truth})
    return predictor


def test_sets_of_classes_are_lists_of_names_and_a_column(of_table, frame, tmp_path):
    outputs = of_table.outputs(of_table.open(frame))
    predictor = calibrated(of_table, "classification", np.array([[1e6, 0]] * 9), np.ones(9, int))  # surely wrong
    sets = predictor.predict_set(frame)
    assert sets[0].tolist() == predictor.classes[np.argsort(-outputs[0])].tolist()
    content = predict_file(tmp_path / "t.csv", predictor).content
    assert list(content.columns)[:3] == ["row", "answer", "answer set"]
    assert content["answer set"].tolist() == [" | ".join(names) for names in sets]
    calibrated(predictor, "classification", 9 * outputs, outputs.argmax(axis=1))
    assert [names.tolist() for names in predictor.predict_set(frame)] == [[name] for name in predictor.predict(frame)]


def test_probabilities_are_at_the_temperature(of_table, frame, tmp_path):
    outputs = of_table.outputs(of_table.open(frame))
    sure = 4 * outputs  # of answers that they do not know
    predictor = calibrated(of_table, "classification", sure, np.arange(N) % 2)
    found = predictor.predict_proba(frame)
    np.testing.assert_allclose(found, softmax(outputs / predictor.calibration.temperature, axis=1), rtol=1e-6)
    assert np.abs(found - softmax(outputs, axis=1)).max() > 0.1
    shares = predict_file(tmp_path / "t.csv", predictor).content[["probability of no", "probability of yes"]]
    np.testing.assert_array_equal(shares.to_numpy(), found)


def test_intervals_of_numbers_are_columns(prepare, series):
    predictor, _ = prepare("f.npz", SERIES)
    zeros = np.zeros((9, 2), np.float32)
    calibrated(predictor, "regression", zeros, np.tile([0.5, 2.0], (9, 1)))
    table = predict_file(series, predictor).content
    ends = ["load 1 lower", "load 1 upper", "load 2 lower", "load 2 upper"]
    assert list(table.columns) == ["row", "load 1", "load 2", *ends]
    np.testing.assert_allclose(table["load 1 upper"] - table["load 1"], 0.5)
    np.testing.assert_allclose(table["load 2"] - table["load 2 lower"], 2.0)
    with np.load(series) as arrays:
        lower, upper = predictor.predict_interval(arrays["x"], coverage=0.8)
    np.testing.assert_array_equal(lower[:, 1], table["load 2 lower"])
    np.testing.assert_array_equal(upper[:, 1], table["load 2 upper"])


def test_too_few_validation_rows_leave_the_columns_out_and_are_told(prepare, series, caplog):
    predictor, _ = prepare("f.npz", SERIES)
    with pytest.raises(PareError, match=r"nothing is known of how sure the model of mine/finetune/seed_0 is.*protocol"):
        predictor.predict_interval(series)
    calibrated(predictor, "regression", np.zeros((8, 2)), np.ones((8, 2)))
    with pytest.raises(PareError, match="needs 9 validation rows that calibrate, found 8"):
        predictor.predict_interval(series)
    assert list(predict_file(series, predictor).content.columns) == ["row", "load 1", "load 2"]
    assert "no sets or intervals: a coverage of 0.9 needs 9 validation rows" in caplog.text


def test_an_unknown_category_is_told(of_table, frame, caplog):
    of_table.predict(frame.assign(site="mars"))
    assert "the table: column 'site' holds the unknown 'mars', which counts as missing" in caplog.text


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(PareError, match=r"holds no trained model.*data/06_models/TASK/METHOD/seed_0"):
        load(tmp_path)
