"""Raw files as a dataset."""

import pytest
from kedro.io import DatasetError

from pare.config import PareError
from pare.config.raw import RawConfig
from pare.datasets import RawFolderDataset
from pare.raw.origins.ingest import RawFiles
from pare.storage.fingerprint import file_digest


@pytest.fixture
def dataset(tmp_path):
    return RawFolderDataset(str(tmp_path / "raw"))


def simulation(**options):
    config = RawConfig(
        origin="darcy_flow_simulation",
        options={"resolution": 9, "train": 2, "test": 1} | options,
        licence="simulated here",
        simulated=True,
    )
    return RawFiles(config)


def test_saving_a_description_brings_its_files_and_loading_gives_their_manifest(dataset):
    assert not dataset.exists()
    dataset.save(simulation())
    assert dataset.exists()
    folder = dataset.load()
    assert folder.path == dataset.path
    assert folder.manifest.origin == "darcy_flow_simulation"
    for record in folder.manifest.files:
        assert file_digest(folder.path / record.name) == record.sha256


def test_files_that_are_here_are_not_brought_again(dataset):
    dataset.save(simulation())
    first = dataset.load().manifest
    dataset.save(simulation())
    assert dataset.load().manifest == first
    dataset.save(simulation(seed=1))
    assert dataset.load().manifest.fingerprint != first.fingerprint


def test_a_folder_that_was_never_filled_says_how_to_fill_it(dataset):
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, PareError)
    assert "ingest" in str(caught.value.__cause__)


def test_an_unknown_origin_is_a_clear_error(dataset):
    with pytest.raises(DatasetError, match="origin 'elsewhere' is unknown") as caught:
        dataset.save(RawFiles(RawConfig(origin="elsewhere", licence="none")))
    assert isinstance(caught.value.__cause__, PareError)
    assert not dataset.exists()
