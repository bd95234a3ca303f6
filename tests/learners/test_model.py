"""A model of any learner is one folder: it predicts the same from there, and is refused where a file is not its own."""

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pare.config import PareError
from pare.learners.learner import Data
from pare.learners.model import Model, read_record, recorded_fingerprint, tell_of_replaced

KINDS = ("network", "library", "ensemble")
CPU = torch.device("cpu")
PARTS = {
    "network": ("model.safetensors", "encoder/config.json"),
    "library": ("outputs.json", "output_0.skops"),
    "ensemble": ("ensemble.json", "members/net/model.safetensors", "members/logistic/record.json"),
}
SHARED = ("record.json", "preparation.json", "preparation.safetensors")


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_predicts_the_same_from_its_own_folder_alone(made, rows, tmp_path, kind):
    model = made(kind)
    model.save(tmp_path / "model")
    loaded = Model.load(shutil.move(tmp_path / "model", tmp_path / "elsewhere"))
    np.testing.assert_array_equal(loaded.outputs(rows, CPU), model.outputs(rows, CPU))
    assert (loaded.run, loaded.record, loaded.preparation) == (model.run, model.record, model.preparation)
    assert (loaded.calibration is None) == (model.calibration is None) == (kind == "network")


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_to_another_process_by_pickle(made, rows, kind):
    model = made(kind)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).outputs(rows, CPU), model.outputs(rows, CPU))


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")], ids=["missing", "damaged"])
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in (*PARTS[kind], *SHARED)])
def test_a_folder_that_lacks_a_part_is_refused_with_advice(made, tmp_path, kind, name, damage):
    made(kind).save(tmp_path / "model")
    damage(tmp_path / "model" / name)
    with pytest.raises(PareError, match=r"holds no whole trained model.*delete it and train again"):
        Model.load(tmp_path / "model")


@pytest.mark.parametrize("kind", KINDS)
def test_all_files_may_be_read_by_the_same_users_and_none_holds_code(made, tmp_path, kind):
    made(kind).save(tmp_path / "model")
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert len({path.stat().st_mode for path in files}) == 1
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".md", ".skops"}


def test_labels_that_can_all_be_true_have_names_as_classes_have(made, rows, tmp_path):
    model = made("network")
    output = model.run.task.output.model_copy(update={"kind": "multilabel"})
    task = model.run.task.model_copy(update={"output": output, "loss": "binary_cross_entropy"})
    names = [f"label {number}" for number in range(output.shape[0])]
    preparation = replace(model.preparation, classes=names)
    named = replace(model, run=model.run.model_copy(update={"task": task}), preparation=preparation)
    named.save(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert loaded.preparation.classes == names
    np.testing.assert_array_equal(loaded.outputs(rows, CPU), named.outputs(rows, CPU))


def test_a_folder_that_is_not_there_is_to_be_trained(tmp_path):
    with pytest.raises(PareError, match=r"nowhere is missing: there is no such model yet; train it by `kedro run`"):
        Model.load(tmp_path / "nowhere")


@pytest.fixture
def saved(made, tmp_path):
    """The folder of a model, and a way to change its record."""
    made("network").save(tmp_path / "model")

    def saved(**changes):
        path = tmp_path / "model" / "record.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return path.parent

    return saved


def test_a_model_of_an_older_version_is_to_be_trained_again(saved):
    folder = saved()
    assert recorded_fingerprint(folder) == "f"
    record = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps({key: record[key] for key in record if key != "files"}))
    assert recorded_fingerprint(folder) is read_record(folder) is None
    with pytest.raises(PareError, match="of this version of the project"):
        Model.load(folder)


def test_there_is_no_record_in_a_folder_that_is_empty_or_half(saved, tmp_path):
    assert recorded_fingerprint(tmp_path) is None
    folder = saved()
    (folder / "preparation.json").unlink()
    assert read_record(folder) is None
    (folder / "record.json").write_text('{"fingerprint": "f"')
    assert read_record(folder) is None


def test_a_model_that_is_replaced_is_told_with_what_differs(saved, table_run, caplog):
    run = table_run()
    tell_of_replaced(saved(decisive=run.decisive()), run)
    assert not caplog.text
    tell_of_replaced(saved(decisive=run.decisive() | {"seed": 7}), run)
    assert "holds a model with another seed, which is replaced" in caplog.text


def test_a_model_of_other_values_or_rows_is_refused_with_the_command_that_helps(made, table_run, table):
    model = made("library")
    model.check(model.run, table, "")
    other = table_run({"method": "logistic_regression", "variant": "half"}, fraction=0.5)
    with pytest.raises(PareError, match=r"another training\.fraction; train it again: kedro run .*, or use .*: here"):
        model.check(other, table, "here")
    model.record["model_input"] = "other rows"
    with pytest.raises(PareError, match=r"trained on another model input than .*table\.h5"):
        model.check(model.run, table, "")


@pytest.mark.parametrize("method", ["probe", "logistic_regression"])
def test_the_record_says_what_any_fit_says(train, table_run, table, source, tmp_path, method):
    run = table_run({"method": method, "start": "solved"}, epochs=0)
    record = train(run, table, tmp_path).record
    assert {"validation", "best_epoch", "history", "train_seconds", "samples_per_second", "threads"} <= record.keys()
    assert (record["device"], record["model_input"]) == ("cpu", table.fingerprint)
    assert record["n_train"] == {"probe": 72, "logistic_regression": 48}[method]  # solved with the validation rows
    assert record["decisive"] == run.decisive()
    assert {"python", "kedro", "pare-transfer"} < record["versions"].keys()
    assert Data(table, source).fingerprints == [table.fingerprint, ("encoder", "proxy")]
