"""Lazy saving as a Kedro dataset."""

import logging
from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset, DatasetError

from pare.storage.lazy import Lazy

logger = logging.getLogger(__name__)
Opened = TypeVar("Opened")


class LazyDataset(AbstractDataset[Lazy, Opened]):
    """Saving makes what a node has described, unless data with the same fingerprint are there; see `Lazy`.

    Kedro's own PartitionedDataset saves lazily too: a node returns functions, which are called as they are saved.
    A subclass says what loading gives: a handle that reads when asked.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def save(self, data: Lazy) -> None:
        """Make the data, or say that they are there."""
        if data.is_current(self.path):
            logger.info("%s is up to date.", self.path)
        else:
            data.write(self.path)

    def _exists(self) -> bool:
        try:
            self.load()
        except DatasetError:
            return False
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
