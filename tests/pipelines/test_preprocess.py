"""Raw files to a description of the model input."""

import logging

import pytest

from pare.config import PareError
from pare.data.origins.ingest import RawFiles
from pare.data.origins.manifest import RawFolder
from pare.pipelines.preprocess.nodes import describe_model_input


@pytest.fixture
def prepare(tmp_path, own_run):
    """The node, for a table of the user's own with five rows of the classes a and b, or 0 and 1 in ``grade``."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "t.csv").write_text("mass,kind,grade\n1,a,0\n2,b,1\n3,a,0\n4,b,1\n5,a,0\n")

    def prepare(reader="table", rows=5, **options):
        task = {
            "raw": {"files": "t.csv"},
            "reader": {"name": reader, "options": {"target": "kind"} | options},
            "samples": {"all": rows},
            "input": {"shape": [2]},
            "output": {"kind": "classification", "shape": [2]},
        }
        run = own_run(task)
        folder = tmp_path / "data" / "01_raw" / "mine"
        RawFiles(run.task.raw.active).write(folder)
        return describe_model_input(run, RawFolder.open(folder))

    return prepare


def test_the_reader_of_the_task_opens_its_files(prepare, caplog):
    with caplog.at_level(logging.WARNING):
        assert prepare().samples["all"].count == 5
    assert caplog.text == ""


def test_rows_that_the_task_does_not_use_are_told(prepare, caplog):
    with caplog.at_level(logging.WARNING):
        prepare(rows=4)
    assert "mine hold 5 rows of part 'all', the first 4 are used; raise samples.all" in caplog.text


def test_an_unknown_reader_names_the_one_that_was_meant(prepare):
    with pytest.raises(PareError, match=r"reader 'tabel' is unknown. Did you mean 'table'"):
        prepare(reader="tabel")


def test_classes_that_are_numbers_must_be_called_so(prepare):
    with pytest.raises(PareError, match=r"predicts classes.* gives numbers, 1 a row.*categorical: \[<target column>\]"):
        prepare(target="grade")
    assert prepare(target="grade", categorical=["grade"]).samples["all"].classes == ["0", "1"]
