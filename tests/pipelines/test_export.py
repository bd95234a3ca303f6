"""The export pipeline on a table, from the trained model to the file."""

import numpy as np
import onnxruntime
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from pare.config import PareError
from pare.config.run import COMMAND_LINE
from pare.data.preparation import ModelInput
from pare.datasets import OnnxDataset
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.source_folders import SourceFolders
from pare.pipelines.export import pipeline
from pare.prediction.predict import Predictor
from pare.storage.samples import Samples
from pare.storage.store import ArrayStore

ROWS = 30
TASK = {
    "reader": {"name": "arrays"},
    "samples": {"all": ROWS},
    "input": {"shape": [2, 12]},
    "output": {"kind": "classification", "shape": [2]},
    "normalisation": {"inputs": "channel", "coordinates": True},
}


@pytest.fixture
def x():
    """Series of one channel."""
    return np.random.default_rng(0).normal(30, 5, (ROWS, 1, 12)).astype(np.float32)


@pytest.fixture
def inputs(x, own_run, tiny_bert, topics, tmp_path):
    """What the pipeline loads."""
    run = own_run(TASK, {"training": {"epochs": 1, "precision": "no"}}, start="random", source="minilm")
    rows = Samples(ROWS, lambda start, stop: (x[start:stop], np.arange(start, stop) % 2))
    ModelInput("mine", run.task, {"all": rows}, "raw", validated=True).write(tmp_path / "mine.h5")
    store, source = ArrayStore(tmp_path / "mine.h5"), SourceFolders(tiny_bert, topics, ("encoder", "proxy"))
    Fit(run, Data(store, source)).write(tmp_path / "model")
    return {"params:run": run, "model": Model.load(tmp_path / "model"), "model_input": store}


def run_pipeline(inputs, path):
    memory = {name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()}
    SequentialRunner().run(pipeline.create_pipeline(), DataCatalog(memory | {"onnx_model": OnnxDataset(str(path))}))


@pytest.mark.slow
def test_raw_rows_are_predicted_by_the_file_as_by_the_model(inputs, x, tmp_path, caplog):
    with caplog.at_level("INFO", logger="pare"):
        run_pipeline(inputs, tmp_path / "model.onnx")
    assert "on 6 rows its greatest difference from the model is" in caplog.messages[-1]
    (found,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, {"x": x})
    expected = Predictor(inputs["model"], "cpu").predict_proba(x)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_a_file_that_answers_otherwise_is_not_left(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("pare.export.onnx_file.MOST_DIFFERENCE", -1)
    with pytest.raises(PareError, match="differs from the model by"):
        run_pipeline(inputs, tmp_path / "here" / "model.onnx")
    assert not (tmp_path / "here").exists()


def test_a_model_of_other_values_is_refused(inputs, tmp_path):
    run = inputs["params:run"]
    more = {"training": run.training.model_copy(update={"epochs": 2}), "provenance": {"training.epochs": COMMAND_LINE}}
    inputs["params:run"] = run.model_copy(update=more)
    with pytest.raises(PareError, match=r"another training.epochs; train it again: .*, or use it .*--pipelines=export"):
        run_pipeline(inputs, tmp_path / "model.onnx")
