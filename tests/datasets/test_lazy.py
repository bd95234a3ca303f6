"""Lazy saving: what is described is made once, and made again when it must be."""

import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from pare.datasets import LazyDataset


class TextDataset(LazyDataset[str]):
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
