"""The model input as a dataset: computed once, computed again when it must be."""

import numpy as np
import pytest
from kedro.io import DatasetError

from pare.config import PareError
from pare.config.schema import Task
from pare.datasets import ArrayStoreDataset
from pare.preparation import ModelInput
from pare.storage.samples import Samples


@pytest.fixture
def dataset(tmp_path):
    return ArrayStoreDataset(str(tmp_path / "deep" / "task.h5"))


@pytest.fixture
def described(library):
    """A model input that notes how often its raw rows are read."""
    changes = {"samples": {"all": 40}, "input": {"shape": [3]}, "normalisation": {}}
    task = Task.model_validate(library.tasks["openml_wdbc"] | changes)
    x, y = np.ones((40, 3), np.float32), np.arange(40) % 2
    reads = []

    def read(start, stop):
        reads.append((start, stop))
        return x[start:stop], y[start:stop]

    return lambda raw="raw": ModelInput("wdbc", task, {"all": Samples(40, read)}, raw, validated=True), reads


def test_what_was_saved_is_loaded(dataset, described):
    model_input, _ = described
    assert not dataset.exists()
    dataset.save(model_input())
    assert dataset.exists()
    store = dataset.load()
    assert store.fingerprint == model_input().fingerprint
    assert sum(len(store.rows(split)) for split in ("train", "validation", "test")) == 40


def test_the_same_fingerprint_is_not_computed_again_and_another_one_is(dataset, described):
    model_input, reads = described
    dataset.save(model_input())
    written = len(reads)
    dataset.save(model_input())
    assert len(reads) == written
    dataset.save(model_input("other raw files"))
    assert len(reads) == 2 * written
    assert dataset.load().fingerprint == model_input("other raw files").fingerprint


def test_a_broken_file_is_written_anew(dataset, described):
    model_input, _ = described
    dataset.save(model_input())
    dataset.path.write_bytes(dataset.path.read_bytes()[:500])
    dataset.save(model_input())
    assert dataset.load().fingerprint == model_input().fingerprint


def test_loading_what_is_not_there_is_a_clear_error(dataset):
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, PareError)
