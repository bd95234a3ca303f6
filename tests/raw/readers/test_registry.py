"""The list of readers."""

from pare.raw.readers.registry import READERS


def test_readers_are_registered_by_their_names():
    assert all(reader.__name__ == name for name, reader in READERS.items())
