"""Predictions on disk."""

import numpy as np
import pytest

from pare.config import PareError
from pare.storage.predictions import read_predictions, write_predictions


def test_arrays_are_read_as_they_were_written(tmp_path):
    arrays = {"truth": np.arange(3), "prediction": np.array([[0.5, 1.5]], np.float32)}
    write_predictions(tmp_path / "p.h5", arrays)
    found = read_predictions(tmp_path / "p.h5")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_file_that_is_missing_or_half_is_told(tmp_path):
    with pytest.raises(PareError, match="missing or damaged"):
        read_predictions(tmp_path / "p.h5")
    (tmp_path / "p.h5").write_text("half")
    with pytest.raises(PareError, match="missing or damaged"):
        read_predictions(tmp_path / "p.h5")
