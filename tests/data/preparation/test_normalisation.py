"""What training did to its rows is done to others, and undone."""

import numpy as np
import pytest

from pare.config import PareError
from pare.data.preparation import Preparation
from pare.storage.store import ArrayStore, write_store

COLUMNS = ["mass", "site"]
RAW = np.array([[3.0, 0], [5.0, 2], [np.nan, np.nan]], np.float32)


@pytest.fixture
def store(tmp_path):
    """A number with mean 4 and scale 2, and three categories of which training has the first two."""

    def write(**description):
        write_store(
            tmp_path / "x.h5",
            rows={"train": 3},
            blocks=[("train", {"x": np.array([[0, 1], [1, 0], [2, np.nan]], np.float32), "y": np.zeros(3)})],
            statistics={"x_mean": np.array([4.0, 0]), "x_scale": np.array([2.0, 1]), "y_mean": np.zeros(1)},
            fingerprint="f",
            description={"categories": [0, 3], "columns": COLUMNS, "classes": ["no", "yes"], **description},
        )
        return ArrayStore(tmp_path / "x.h5")

    return write


def test_rows_are_scaled_and_categories_that_training_never_saw_are_missing(store, tmp_path):
    made = Preparation.of(store(levels=[None, ["a", "b", "c"]]), coordinates=False)
    made.save(tmp_path)
    read = Preparation.load(tmp_path)
    for preparation in (made, read):
        expected = [[-0.5, 0], [0.5, np.nan], [np.nan, np.nan]]
        np.testing.assert_array_equal(preparation.inputs(RAW), np.array(expected, np.float32))
        assert preparation.categories == [None, ["a", "b", "c"]]
        assert (preparation.columns, preparation.classes) == (COLUMNS, ["no", "yes"])
        assert set(preparation.statistics) == {"x_mean", "x_scale"}


def test_fields_get_coordinates(tmp_path):
    preparation = Preparation(None, None, None, {}, coordinates=True, statistics={})
    preparation.save(tmp_path)
    x = Preparation.load(tmp_path).inputs(np.zeros((2, 1, 3), np.float32))
    np.testing.assert_array_equal(x, [[[0, 0, 0], [0, 0.5, 1]]] * 2)


def test_inputs_become_raw_rows_again():
    statistics = {"x_mean": np.full((1, 1), 4, np.float32), "x_scale": np.full((1, 1), 2, np.float32)}
    preparation = Preparation(None, None, None, {}, coordinates=True, statistics=statistics)
    raw = np.array([[[1, 2, 3]], [[7, 5, 9]]], np.float32)
    np.testing.assert_array_equal(preparation.raw(preparation.inputs(raw)), raw)


def test_a_model_input_of_an_older_version_is_to_be_prepared_again(store):
    with pytest.raises(PareError, match="does not name its categories, as older versions wrote it; run"):
        Preparation.of(store(), coordinates=False)
