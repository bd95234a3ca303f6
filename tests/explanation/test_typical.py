"""What takes the place of a column."""

import numpy as np

from evaluated_runs import write_splits
from pare.explanation import typical
from pare.explanation.typical import typical_row


def test_it_is_the_mean_of_numbers_and_the_most_frequent_category(tmp_path, monkeypatch):
    x = np.array([[1, 0, 2], [3, 5, np.nan], [np.nan, 5, 2], [8, np.nan, 1]], np.float32)
    rows = write_splits(tmp_path / "s.h5", train={"x": x, "y": np.zeros(4)}).rows("train")
    for block in (1, typical.BLOCK_BYTES):  # one row at a time, and all at once
        monkeypatch.setattr(typical, "BLOCK_BYTES", block)
        np.testing.assert_array_equal(typical_row(rows, [1, 2]), [4, 5, 2])
