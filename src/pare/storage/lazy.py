"""Lazy saving: data that are described first and made when they are saved."""

from pathlib import Path
from typing import Protocol


class Lazy(Protocol):
    """Data that are described and not made yet, such as files to download or a model to train.

    Two descriptions with the same fingerprint make the same data, see `pare.storage.fingerprint`.
    """

    def is_current(self, path: Path) -> bool:
        """Whether the data at ``path`` are whole and have the same fingerprint, so that nothing is to be made."""

    def write(self, path: Path) -> None:
        """Make the data at ``path``, or go on where an interrupted attempt ended."""
