"""The predict pipeline on a table of the user's own, from the file of new rows to its predictions."""

import pandas as pd
import pytest
import torch
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from pare.config import PareError
from pare.config.run import COMMAND_LINE
from pare.data.preparation import Preparation
from pare.learners.model import Model
from pare.learners.networks.trained_network import TrainedNetwork
from pare.pipelines.predict import pipeline

TASK = {
    "raw": {"files": ["t.csv"]},
    "reader": {"name": "table", "options": {"target": "answer"}},
    "samples": {"all": 20},
    "input": {"shape": [1]},
    "output": {"kind": "classification", "shape": [2], "name": "answer"},
    "normalisation": {},
}


@pytest.fixture
def inputs(tmp_path, prepared, monkeypatch):
    """What the pipeline loads; the model says yes to a positive mass."""
    monkeypatch.chdir(tmp_path)
    masses = [(-1) ** (i + 1) * (1 + i / 100) for i in range(20)]
    pd.DataFrame({"mass": masses, "answer": ["no", "yes"] * 10}).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"mass": [3, -2, 5]}).to_csv(tmp_path / "new.csv", index=False)
    run, store = prepared(TASK)
    network = torch.nn.Linear(1, 2)
    network.load_state_dict({"weight": torch.tensor([[-1.0], [1.0]]), "bias": torch.zeros(2)})
    record = {"decisive": run.decisive()}
    model = Model(run, TrainedNetwork(network, {}), record, Preparation.of(store, coordinates=False))
    return {"params:run": run, "model": model}


def run_pipeline(inputs, file):
    memory = {name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()}
    catalog = DataCatalog(memory | {"params:predict": MemoryDataset(file)})
    return SequentialRunner().run(pipeline.create_pipeline(), catalog)["new_predictions"].load()


def test_each_row_of_the_file_is_predicted(inputs, caplog):
    with caplog.at_level("INFO", logger="pare"):
        predictions = run_pipeline(inputs, "new.csv")
    assert predictions.name == "new"
    assert list(predictions.content["answer"]) == ["yes", "no", "yes"]
    assert "3 rows of " in caplog.text and "predicted by finetune, seed 0." in caplog.text


@pytest.mark.parametrize(("file", "message"), [("", "predict=PATH"), ("nowhere.csv", "does not exist")])
def test_a_file_that_is_not_there_is_named(inputs, file, message):
    with pytest.raises(PareError, match=message):
        run_pipeline(inputs, file)


def test_a_model_of_other_values_is_refused_with_the_command_that_uses_it_as_it_is(inputs):
    asked = inputs["params:run"]
    few = {"training": asked.training.model_copy(update={"epochs": 2}), "provenance": {"training.epochs": COMMAND_LINE}}
    inputs["model"].run = asked.model_copy(update=few)
    inputs["model"].record["decisive"] = inputs["model"].run.decisive()
    as_it_is = r"use it as it is: kedro run --pipelines=predict .*,training\.epochs=2,predict=new\.csv"
    with pytest.raises(PareError, match=f"another training.epochs; train it again: .*, or {as_it_is}"):
        run_pipeline(inputs, "new.csv")
