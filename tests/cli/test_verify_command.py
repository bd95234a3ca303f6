"""What is stored is compared with its checksums."""

import shutil

import numpy as np
import pytest

from pare.config.raw import RawConfig
from pare.data.origins.ingest import ingest
from pare.storage.checksums import digests, sealed_json, write_checksums
from pare.storage.hdf5 import write_predictions


@pytest.fixture
def data(project):
    """Everything of a task `mine`, of another, and an encoder."""
    data = project.project_path / "data"
    original = project.project_path / "rows.csv"
    original.write_text("a,b\n1,2\n")
    for name in ("mine", "mine_too"):
        raw = RawConfig(origin="own_files", options={"files": [str(original)]}, licence="own")
        ingest(raw, data / "01_raw" / name)
        write_predictions(data / "05_model_input" / f"{name}.h5", {"x": np.arange(5)})
        model = data / "06_models" / name / "probe" / "seed_0" / "model"
        model.mkdir(parents=True)
        (model / "weights").write_bytes(bytes(50))
        (model / "record.json").write_text(sealed_json({"files": digests(model)}))
        shutil.copytree(model, model.parent / "checkpoint" / "0")
        (model.parent / "checkpoint" / "0" / "record.json").unlink()
        write_checksums(model.parent / "checkpoint" / "0")
        write_predictions(data / "07_model_output" / name / "probe" / "predictions.h5", {"x": np.arange(5)})
    yield data
    for name in ("01_raw", "05_model_input", "06_models", "07_model_output"):
        for path in (data / name).glob("mine*"):
            (shutil.rmtree if path.is_dir() else type(path).unlink)(path)
    original.unlink()


def test_what_is_whole_is_counted(tasks, data):
    said = " ".join(tasks("verify", "mine").split())
    assert "All are what was written: 1 raw files, 1 model input, 1 model, 1 checkpoint, 1 predictions" in said
    assert "2 raw files, 2 model input" in " ".join(tasks("verify").split())


def test_a_task_without_files_is_no_error(tasks, data):
    assert "Nothing is stored yet" in tasks("verify", "openml_wdbc")


def test_a_name_that_neither_a_task_nor_a_file_has_is_refused(tasks, data):
    assert "task 'openml_wdbcc' is unknown. Did you mean 'openml_wdbc'" in tasks("verify", "openml_wdbcc", code=1)
    assert "All are what was written" in tasks("verify", "mine_too")  # no task any more, and its files


@pytest.mark.parametrize(
    "path",
    [
        "05_model_input/mine.h5",
        "06_models/mine/probe/seed_0/model/weights",
        "06_models/mine/probe/seed_0/model/record.json",
        "06_models/mine/probe/seed_0/checkpoint/0/weights",
        "07_model_output/mine/probe/predictions.h5",
    ],
)
def test_what_is_damaged_is_named_with_what_to_do(tasks, data, path):
    content = bytearray((data / path).read_bytes())
    content[len(content) // 2] ^= 4
    (data / path).write_bytes(content)
    (line, last) = tasks("verify", "mine", code=1).splitlines()
    assert f"{path} was changed" in line
    assert "delete" in line
    assert "1 of 5 are damaged" in last
    assert "All are what was written" in tasks("verify", "mine_too")


def test_what_a_killed_run_leaves_is_not_damaged(tasks, data):
    scratch = data / "06_models/mine/probe/seed_0/.model.0123abcd/model"
    scratch.mkdir(parents=True)
    (scratch / "record.json").write_text("{")
    assert "1 model input, 1 model, 1 checkpoint" in " ".join(tasks("verify", "mine").split())


def test_an_own_file_that_was_edited_since_is_to_be_ingested_again(tasks, data):
    (data.parent / "rows.csv").write_text("a,b\n1,3\n")
    assert "--pipelines=ingest" in tasks("verify", "mine", code=1)
