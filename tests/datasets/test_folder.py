"""A folder as a place."""

import pytest
from kedro.io import DatasetError

from pare.datasets import FolderDataset


def test_it_loads_as_a_path_whether_or_not_the_folder_exists(tmp_path):
    dataset = FolderDataset(str(tmp_path / "later"))
    assert dataset.exists()
    assert dataset.load() == tmp_path / "later"
    assert not (tmp_path / "later").exists()


def test_nothing_can_be_saved_as_one(tmp_path):
    with pytest.raises(DatasetError, match="not a dataset that a node returns"):
        FolderDataset(str(tmp_path)).save(tmp_path)
