"""The time of a fit to many rows, by fits to few."""

import numpy as np
import pytest

from pare.choice.folds import fewer
from pare.choice.timing import TIMED, are_many, expected_seconds

PARTS = {"train": np.arange(0, 30_000), "validation": np.arange(30_000, 40_000), "test": np.arange(40_000, 50_000)}


def test_what_any_fit_takes_is_not_counted_for_each_row():
    seconds = [3 + 0.01 * rows for rows in TIMED]
    assert expected_seconds(seconds, PARTS) == pytest.approx(3 + 400)
    seconds[0] += 20  # for what is imported
    assert expected_seconds(seconds, PARTS) == pytest.approx(3 + 400)


def test_noise_that_makes_more_rows_faster_makes_no_time_negative():
    assert expected_seconds([1.0, 0.9, 0.5], PARTS) == 0.5


def test_few_rows_are_of_all_parts_alike():
    few = fewer(PARTS, 400)
    assert {name: len(rows) for name, rows in few.items()} == {"train": 300, "validation": 100, "test": 100}
    assert all(np.isin(rows, PARTS[name]).all() and len(np.unique(rows)) == len(rows) for name, rows in few.items())
    assert np.ptp(few["train"]) > 20_000  # from everywhere, not the first ones
    assert are_many(PARTS) and not are_many(few)
