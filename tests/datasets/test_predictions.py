"""Named arrays on disk."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from pare.config import PareError
from pare.datasets import ArraysDataset, NewPredictionsDataset
from pare.prediction.predict import NewPredictions


@pytest.fixture
def dataset(tmp_path):
    return ArraysDataset(str(tmp_path / "deep" / "arrays.h5"))


def test_arrays_keep_their_names_values_and_types(dataset):
    arrays = {"prediction": np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32), "y": np.arange(4)}
    assert not dataset.exists()
    dataset.save(arrays)
    loaded = dataset.load()
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


def test_saving_again_replaces_everything(dataset):
    dataset.save({"a": np.zeros(3)})
    dataset.save({"b": np.ones(2)})
    assert list(dataset.load()) == ["b"]


def test_a_failing_write_leaves_the_old_file(dataset):
    dataset.save({"a": np.zeros(3)})
    with pytest.raises(DatasetError):
        dataset.save({"a": np.ones(3), "b": np.array([object()])})
    np.testing.assert_array_equal(dataset.load()["a"], 0)
    assert list(dataset.path.parent.iterdir()) == [dataset.path]


@pytest.mark.parametrize("content", [None, b"", b"no HDF5"])
def test_a_missing_or_damaged_file_is_a_clear_error(dataset, content):
    if content is not None:
        dataset.path.parent.mkdir()
        dataset.path.write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, PareError)
    assert "arrays.h5 is missing or damaged" in str(caught.value.__cause__)


@pytest.fixture
def new_predictions_dataset(tmp_path):
    return NewPredictionsDataset(str(tmp_path / "deep" / "new_rows"))


def test_a_table_is_written_as_csv_and_fields_as_npy(new_predictions_dataset):
    table = pd.DataFrame({"row": ["0", "1"], "kind": ["red", "white"], "probability of red": [0.25, 1 / 3]})
    fields = np.random.default_rng(0).normal(size=(2, 1, 3, 3)).astype(np.float32)
    assert not new_predictions_dataset.exists()
    new_predictions_dataset.save(NewPredictions("wine", table))
    new_predictions_dataset.save(NewPredictions("plates", fields))
    folder = new_predictions_dataset.load()
    assert (folder / "wine.csv").read_text().splitlines() == [
        "row,kind,probability of red",
        "0,red,0.25",
        "1,white,0.333333",
    ]
    np.testing.assert_array_equal(np.load(folder / "plates.npy"), fields)


def test_the_same_file_predicted_again_is_replaced(new_predictions_dataset):
    for value in (1.0, 2.0):
        new_predictions_dataset.save(NewPredictions("wine", pd.DataFrame({"acid": [value]})))
    assert (new_predictions_dataset.load() / "wine.csv").read_text() == "acid\n2\n"
    assert [path.name for path in new_predictions_dataset.load().iterdir()] == ["wine.csv"]
