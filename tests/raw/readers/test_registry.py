"""The list of readers."""

from pare.raw.readers.registry import READERS, find_reader


def test_readers_are_registered_by_their_names():
    assert all(find_reader(name).__name__ == name for name in READERS)
