"""Lazy saving: what is described is made once, and made again when it must be."""

import os
import time

import numpy as np
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from pare.config import PareError
from pare.config.raw import RawConfig
from pare.config.schema import Task
from pare.data.origins.ingest import RawFiles
from pare.data.preparation import ModelInput
from pare.datasets import ArrayStoreDataset, LazyDataset, PageDataset, RawFolderDataset
from pare.storage.fingerprint import file_digest
from pare.storage.samples import Samples


class TextDataset(LazyDataset):
    def load(self):
        return self.path.read_text()


class Text:
    """A text that notes how often it is written; its content is its fingerprint."""

    def __init__(self, content):
        self.content, self.written = content, 0

    def is_current(self, path):
        return path.is_file() and path.read_text() == self.content

    def write(self, path):
        self.written += 1
        path.write_text(self.content)


@pytest.fixture
def dataset(tmp_path):
    return TextDataset(str(tmp_path / "text"))


def test_what_is_described_is_made_as_it_is_saved(dataset):
    assert not dataset.exists()
    dataset.save(Text("one"))
    assert dataset.exists()
    assert dataset.load() == "one"


def test_what_another_process_makes_is_waited_for_and_not_made_again(dataset, tmp_path):
    making, lock = tmp_path / "making", dataset.path.with_name(".text.lock")
    text, child = Text("one"), os.fork()
    if child == 0:
        slow = Text("one")
        write = slow.write
        slow.write = lambda path: (making.touch(), time.sleep(0.3), write(path))
        dataset.save(slow)
        os._exit(0)
    while not making.exists():  # the lock's file alone does not say that the child holds it
        time.sleep(0.005)
    dataset.save(text)
    os.waitpid(child, 0)
    assert (text.written, dataset.load(), lock.exists()) == (0, "one", False)


def test_the_same_is_not_made_again_which_is_said_and_another_is(dataset, caplog):
    first, same, other = Text("one"), Text("one"), Text("two")
    with caplog.at_level("INFO"):
        dataset.save(first)
        assert caplog.messages == []
        dataset.save(same)
    assert caplog.messages == [f"{dataset.path} is up to date."]
    dataset.save(other)
    assert (first.written, same.written, other.written) == (1, 0, 1)
    assert dataset.load() == "two"


def test_in_a_pipeline_the_next_node_gets_what_was_made(dataset):
    nodes = [Node(lambda: Text("one"), None, "text", name="describe"), Node(str.upper, "text", "loud", name="shout")]
    outputs = SequentialRunner().run(Pipeline(nodes), DataCatalog({"text": dataset}))
    assert outputs["loud"].load() == "ONE"


def test_an_error_while_it_is_made_is_the_datasets(dataset):
    class Broken(Text):
        def write(self, path):
            raise ValueError("no such row")

    with pytest.raises(DatasetError, match="no such row"):
        dataset.save(Broken("one"))


@pytest.fixture
def raw_folder_dataset(tmp_path):
    return RawFolderDataset(str(tmp_path / "raw"))


def simulation(**options):
    config = RawConfig(
        origin="darcy_flow_simulation",
        options={"resolution": 9, "train": 2, "test": 1} | options,
        licence="simulated here",
        simulated=True,
    )
    return RawFiles(config)


def test_saving_a_description_brings_its_files_and_loading_gives_their_manifest(raw_folder_dataset):
    assert not raw_folder_dataset.exists()
    raw_folder_dataset.save(simulation())
    assert raw_folder_dataset.exists()
    folder = raw_folder_dataset.load()
    assert folder.path == raw_folder_dataset.path
    assert folder.manifest.origin == "darcy_flow_simulation"
    for record in folder.manifest.files:
        assert file_digest(folder.path / record.name) == record.sha256


def test_files_that_are_here_are_not_brought_again(raw_folder_dataset):
    raw_folder_dataset.save(simulation())
    first = raw_folder_dataset.load().manifest
    raw_folder_dataset.save(simulation())
    assert raw_folder_dataset.load().manifest == first
    raw_folder_dataset.save(simulation(seed=1))
    assert raw_folder_dataset.load().manifest.fingerprint != first.fingerprint


def test_a_folder_that_was_never_filled_says_how_to_fill_it(raw_folder_dataset):
    with pytest.raises(DatasetError) as caught:
        raw_folder_dataset.load()
    assert isinstance(caught.value.__cause__, PareError)
    assert "ingest" in str(caught.value.__cause__)


def test_a_task_may_be_called_none_as_the_folder_of_an_absent_encoder_is(tmp_path):
    own = RawFolderDataset(str(tmp_path / "01_raw" / "none"))
    own.save(simulation())
    assert own.load().manifest.origin == "darcy_flow_simulation"
    for kind in ("encoders", "proxies"):
        assert RawFolderDataset(str(tmp_path / "01_raw" / kind / "none")).load() is None


def test_an_unknown_origin_is_a_clear_error(raw_folder_dataset):
    with pytest.raises(DatasetError, match="origin 'elsewhere' is unknown") as caught:
        raw_folder_dataset.save(RawFiles(RawConfig(origin="elsewhere", licence="none")))
    assert isinstance(caught.value.__cause__, PareError)
    assert not raw_folder_dataset.exists()


@pytest.fixture
def array_store_dataset(tmp_path):
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


def test_what_was_saved_is_loaded(array_store_dataset, described):
    model_input, _ = described
    assert not array_store_dataset.exists()
    array_store_dataset.save(model_input())
    assert array_store_dataset.exists()
    store = array_store_dataset.load()
    assert store.fingerprint == model_input().fingerprint
    assert sum(len(store.rows(split)) for split in ("train", "validation", "test")) == 40


def test_the_same_fingerprint_is_not_computed_again_and_another_one_is(array_store_dataset, described):
    model_input, reads = described
    array_store_dataset.save(model_input())
    written = len(reads)
    array_store_dataset.save(model_input())
    assert len(reads) == written
    array_store_dataset.save(model_input("other raw files"))
    assert len(reads) == 2 * written
    assert array_store_dataset.load().fingerprint == model_input("other raw files").fingerprint


def test_a_broken_file_is_written_anew(array_store_dataset, described):
    model_input, _ = described
    array_store_dataset.save(model_input())
    array_store_dataset.path.write_bytes(array_store_dataset.path.read_bytes()[:500])
    array_store_dataset.save(model_input())
    assert array_store_dataset.load().fingerprint == model_input().fingerprint


def test_loading_what_is_not_there_is_a_clear_error(array_store_dataset):
    with pytest.raises(DatasetError) as caught:
        array_store_dataset.load()
    assert isinstance(caught.value.__cause__, PareError)


class Page:
    """Writes the same words."""

    def is_current(self, path):
        return False

    def write(self, path):
        path.write_text("page")


def test_it_is_written_as_it_is_saved_and_loads_as_its_path(tmp_path):
    dataset = PageDataset(filepath=str(tmp_path / "run.html"))
    assert not dataset.exists()
    dataset.save(Page())
    assert dataset.exists()
    assert dataset.load().read_text() == "page"
