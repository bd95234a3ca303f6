"""Regions cover each row once, coordinates excepted."""

import numpy as np
import pytest

from evaluated_runs import write_splits
from pare.config.schema import Task
from pare.explanation import regions as regions_module
from pare.explanation.regions import regions_of, typical_row


def task(shape, **changes):
    return Task.model_validate(
        {
            "title": "t",
            "raw": {"files": ["none"]},
            "reader": {"name": "arrays"},
            "samples": {"all": 10},
            "input": {"shape": shape, "channels": changes.pop("channels", [])},
            "output": {"kind": "classification", "shape": [2]},
            **changes,
        }
    )


FIELD = {"output": {"kind": "dense", "shape": [1, 20, 30]}}
VOLUME = {"output": {"kind": "dense", "shape": [1, 8, 9, 10]}}
PLACED = {"normalisation": {"coordinates": True}}


@pytest.mark.parametrize(
    ("shape", "changes", "count", "hidden"),
    [
        ([7], {}, 7, 7),
        ([1, 150], {}, 32, 150),
        ([1, 5], {}, 5, 5),
        ([3, 100], PLACED, 2 * 16, 200),
        ([3, 20, 30], {}, 64, 1800),
        ([3, 20, 30], FIELD, 3 * 16, 1800),
        ([3, 20, 30], FIELD | PLACED, 64, 600),
        ([1, 8, 9, 10], VOLUME, 64, 720),
        ([2, 8, 9, 10], VOLUME, 2 * 27, 1440),
    ],
)
def test_each_point_is_in_one_region(shape, changes, count, hidden):
    regions = regions_of(task(shape, **changes), None)
    counts = np.zeros((1, *shape))
    for region in regions:
        counts[region.place(counts)] += 1
    assert len(regions) == len({region.name for region in regions}) == count
    assert set(counts.ravel()) <= {0, 1} and counts.sum() == hidden


def test_regions_have_the_names_of_columns_and_channels():
    assert [region.name for region in regions_of(task([2]), ["mass", "site"])] == ["mass", "site"]
    first, *_, last = regions_of(task([2, 16], channels=["speed"]), None)
    assert (first.name, last.name) == ("speed, point 0", "channel 2, point 15")
    assert regions_of(task([1, 8, 4, 12], **VOLUME), None)[-1].name == "planes 6 to 7, row 3, columns 9 to 11"


def test_a_region_is_replaced_in_a_copy():
    rows = np.zeros((2, 1, 4))
    region = regions_of(task([1, 4]), None)[2]
    np.testing.assert_array_equal(region.replaced(rows, np.ones((1, 4))), [[[0, 0, 1, 0]]] * 2)
    np.testing.assert_array_equal(region.replaced(rows, np.full((2, 1, 4), 5)), [[[0, 0, 5, 0]]] * 2)
    assert not rows.any()


def test_it_is_the_mean_of_numbers_and_the_most_frequent_category(tmp_path, monkeypatch):
    x = np.array([[1, 0, 2], [3, 5, np.nan], [np.nan, 5, 2], [8, np.nan, 1]], np.float32)
    rows = write_splits(tmp_path / "s.h5", train={"x": x, "y": np.zeros(4)}).rows("train")
    for block in (1, regions_module.BLOCK_BYTES):  # one row at a time, and all at once
        monkeypatch.setattr(regions_module, "BLOCK_BYTES", block)
        np.testing.assert_array_equal(typical_row(rows, [1, 2]), [4, 5, 2])
