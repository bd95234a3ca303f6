"""Predictions with a record in the same file."""

import numpy as np

from pare.storage.predictions import read_predictions, read_record, write_predictions


def test_the_record_lies_next_to_the_arrays(tmp_path):
    write_predictions(tmp_path / "p.h5", {"truth": np.arange(3)}, {"seconds": 1.5, "best_epoch": None})
    assert read_record(tmp_path / "p.h5") == {"seconds": 1.5, "best_epoch": None}
    assert list(read_predictions(tmp_path / "p.h5")["truth"]) == [0, 1, 2]


def test_there_is_no_record_where_there_is_no_whole_file_or_none_was_written(tmp_path):
    assert read_record(tmp_path / "p.h5") is None
    (tmp_path / "p.h5").write_text("half")
    assert read_record(tmp_path / "p.h5") is None
    write_predictions(tmp_path / "p.h5", {"truth": np.arange(3)})
    assert read_record(tmp_path / "p.h5") is None
