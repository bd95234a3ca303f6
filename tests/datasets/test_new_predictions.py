"""Predictions of new rows on disk."""

import numpy as np
import pandas as pd
import pytest

from pare.datasets import NewPredictionsDataset
from pare.own_data.predict import NewPredictions


@pytest.fixture
def dataset(tmp_path):
    return NewPredictionsDataset(str(tmp_path / "deep" / "new_rows"))


def test_a_table_is_written_as_csv_and_fields_as_npy(dataset):
    table = pd.DataFrame({"row": ["0", "1"], "kind": ["red", "white"], "probability of red": [0.25, 1 / 3]})
    fields = np.random.default_rng(0).normal(size=(2, 1, 3, 3)).astype(np.float32)
    assert not dataset.exists()
    dataset.save(NewPredictions("wine", table))
    dataset.save(NewPredictions("plates", fields))
    folder = dataset.load()
    assert (folder / "wine.csv").read_text().splitlines() == [
        "row,kind,probability of red",
        "0,red,0.25",
        "1,white,0.333333",
    ]
    np.testing.assert_array_equal(np.load(folder / "plates.npy"), fields)


def test_the_same_file_predicted_again_is_replaced(dataset):
    for value in (1.0, 2.0):
        dataset.save(NewPredictions("wine", pd.DataFrame({"acid": [value]})))
    assert (dataset.load() / "wine.csv").read_text() == "acid\n2\n"
    assert [path.name for path in dataset.load().iterdir()] == ["wine.csv"]
