"""The explain pipeline on a table of the user's own, from the trained model to its files."""

import pandas as pd
import pytest
import torch
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from matplotlib.figure import Figure
from torch import nn

from pare.config import PareError
from pare.config.run import COMMAND_LINE
from pare.data.preparation import Preparation
from pare.learners.model import Model
from pare.learners.networks.trained_network import TrainedNetwork
from pare.pipelines.explain import pipeline

TASK = {
    "raw": {"files": ["t.csv"]},
    "reader": {"name": "table", "options": {"target": "answer"}},
    "samples": {"all": 60},
    "input": {"shape": [2]},
    "output": {"kind": "classification", "shape": [2], "name": "answer"},
    "normalisation": {"inputs": "feature"},
}


class BySite(nn.Module):
    """Says yes in the south, whatever the mass."""

    def forward(self, x):
        """``(batch, 2)``: mass and site, to logits."""
        south = 6 * (x[:, 1] == 1) - 3.0
        return torch.stack([-south, south], 1)


@pytest.fixture
def inputs(tmp_path, prepared, monkeypatch):
    """What the pipeline loads."""
    monkeypatch.chdir(tmp_path)
    site = ["north", "south", "north"] * 20
    table = pd.DataFrame({"mass": [i * 7 % 60 for i in range(60)], "site": site})
    table["answer"] = ["yes" if name == "south" else "no" for name in site]
    table.to_csv(tmp_path / "t.csv", index=False)
    table.iloc[[1, 0]].drop(columns="answer").to_csv(tmp_path / "new.csv", index=False)
    run, store = prepared(TASK)
    record = {"decisive": run.decisive(), "model_input": store.fingerprint}
    model = Model(run, TrainedNetwork(BySite(), {}), record, Preparation.of(store, coordinates=False))
    return {"params:run": run, "model": model, "model_input": store}


def run_pipeline(inputs, file=""):
    memory = {name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()}
    catalog = DataCatalog(memory | {"params:predict": MemoryDataset(file)})
    found = SequentialRunner().run(pipeline.create_pipeline().only_nodes("explain_predictions"), catalog)
    return found["explanations"].load(), found["explanation_figures"].load()


def test_test_rows_are_explained_by_the_column_that_decides(inputs, caplog):
    with caplog.at_level("INFO", logger="pare"):
        tables, figures = run_pipeline(inputs)
    rows, importance = tables["explanation"], tables["importance"]
    assert list(rows) == ["row", "prediction", "feature", "value", "change"]
    assert list(rows["feature"]) == ["mass", "site"] * 12
    assert (rows["change"][rows["feature"] == "mass"] == 0).all()
    south = rows[(rows["feature"] == "site") & (rows["value"] == "south")]
    assert len(south) == 4 and set(south["prediction"]) == {"yes"}
    sure = 1 / (1 + 2.718281828**-6)  # without its site a row is one of the north, where most are
    assert south["change"].to_numpy() == pytest.approx(sure - (1 - sure))
    assert list(importance) == ["feature", "rise of the log loss", "deviation", "mean change"]
    assert list(importance["feature"]) == ["site", "mass"]
    assert isinstance(figures["explanation"], Figure)
    assert "mine, finetune, seed 0: 12 test rows explained; the predictions rest most on " in caplog.text
    assert "(rise of the log loss without it): site" in caplog.text


def test_new_rows_are_explained_under_the_name_of_their_file(inputs, caplog):
    with caplog.at_level("INFO", logger="pare"):
        tables, figures = run_pipeline(inputs, "new.csv")
    assert (set(tables), set(figures)) == ({"explanation-new", "importance-new"}, {"explanation-new"})
    assert list(tables["explanation-new"]["row"]) == ["1", "1", "2", "2"]
    assert list(tables["explanation-new"]["value"]) == ["7", "south", "0", "north"]
    assert list(tables["importance-new"]) == ["feature", "mean change"]
    assert "2 rows of new.csv explained" in caplog.text


def test_a_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(prepared, tmp_path, monkeypatch, inputs):
    formula = "=cmd|'/C calc'!A0"
    table = pd.read_csv(tmp_path / "t.csv").replace({"site": "south"}, formula).replace({"answer": "yes"}, "@yes")
    table.rename(columns={"site": "-site", "answer": "=answer"}).to_csv(tmp_path / "t.csv", index=False)
    run, store = prepared(TASK | {"reader": {"name": "table", "options": {"target": "=answer"}}})
    names = Preparation.of(store, coordinates=False)
    assert formula in names.categories[1]  # the model's own names are as they were
    inputs |= {"params:run": run, "model_input": store}
    inputs["model"] = Model(run, inputs["model"].predictor, inputs["model"].record, names)
    inputs["model"].record |= {"decisive": run.decisive(), "model_input": store.fingerprint}
    tables, _ = run_pipeline(inputs)
    rows, importance = tables["explanation"], tables["importance"]
    assert set(rows["feature"]) == set(importance["feature"]) == {"mass", "'-site"}
    assert set(rows.loc[rows["feature"] == "'-site", "value"]) == {"north", f"'{formula}"}
    assert set(rows["prediction"]) <= {"'@yes", "no"}


def test_a_file_that_is_not_there_and_a_model_of_other_rows_are_named(inputs):
    with pytest.raises(PareError, match=r"nowhere\.csv"):
        run_pipeline(inputs, "nowhere.csv")
    inputs["model"].record["model_input"] = "of other rows"
    with pytest.raises(PareError, match="trained on another model input"):
        run_pipeline(inputs)


@pytest.mark.parametrize(("file", "ending"), [("", ""), ("new.csv", r",predict=new\.csv")])
def test_a_model_of_other_values_is_refused_with_the_command_that_uses_it_as_it_is(inputs, file, ending):
    asked = inputs["params:run"]
    few = {"training": asked.training.model_copy(update={"epochs": 2}), "provenance": {"training.epochs": COMMAND_LINE}}
    inputs["model"].run = asked.model_copy(update=few)
    inputs["model"].record["decisive"] = inputs["model"].run.decisive()
    with pytest.raises(PareError, match=rf"as it is: kedro run --pipelines=explain .*,training\.epochs=2{ending}$"):
        run_pipeline(inputs, file)


def test_many_rows_are_chosen_evenly_and_said_so(inputs, caplog, monkeypatch):
    monkeypatch.setattr("pare.explanation.questions.MOST_ROWS", 3)
    with caplog.at_level("INFO", logger="pare"):
        tables, _ = run_pipeline(inputs)
    assert list(tables["explanation"]["row"]) == ["1", "1", "7", "7", "12", "12"]
    assert "3 of 12 test rows explained" in caplog.text
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning == "Not all rows are explained, but 3 of 12 test rows: 3 at most."
    assert "Explaining 3 of 12 test rows takes about " in caplog.text
