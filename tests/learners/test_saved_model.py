"""What all saved models can do."""

import json

import pytest
from pare.learners.saved_model import SavedModel, read_record, recorded_fingerprint, tell_of_replaced

from pare.config.run import PREPARATION


class Nested(SavedModel):
    """A model with files two folders down."""

    def __init__(self, text):
        self.text = text

    def outputs(self, inputs, device):
        return inputs

    def save(self, folder):
        (folder / "members" / "first").mkdir(parents=True)
        (folder / "members" / "first" / "text").write_text(self.text)

    @classmethod
    def load(cls, folder):
        return cls((folder / "members" / "first" / "text").read_text())


def test_a_model_is_pickled_by_the_files_of_its_folder():
    make, (kind, files) = Nested("here").__reduce__()
    assert files == {"members/first/text": b"here"}
    assert make(kind, files).text == "here"


@pytest.fixture
def recorded(tmp_path):
    """Make a folder with a record."""

    def recorded(**record):
        (tmp_path / "record.json").write_text(json.dumps(record))
        (tmp_path / PREPARATION).write_text("{}")
        return tmp_path

    return recorded


def test_the_fingerprint_is_read_and_none_where_there_is_no_whole_record(recorded, tmp_path):
    assert recorded_fingerprint(tmp_path / "none") is None
    assert recorded_fingerprint(recorded(fingerprint="f")) == "f"
    assert recorded_fingerprint(recorded(best_epoch=1)) is None
    recorded(fingerprint="f")
    (tmp_path / "record.json").write_text('{"fingerprint": "f"')
    assert recorded_fingerprint(tmp_path) is None


def test_a_record_without_a_preparation_is_of_an_older_version(recorded):
    folder = recorded(fingerprint="f")
    assert read_record(folder) == {"fingerprint": "f"}
    (folder / PREPARATION).unlink()
    assert read_record(folder) is None


def test_a_model_that_is_replaced_is_told_with_what_differs(recorded, table_run, caplog):
    run = table_run()
    tell_of_replaced(recorded(fingerprint="f", decisive=run.decisive()), run)
    assert not caplog.text
    tell_of_replaced(recorded(fingerprint="f", decisive=run.decisive() | {"seed": 7}), run)
    assert "holds a model with another seed, which is replaced" in caplog.text
