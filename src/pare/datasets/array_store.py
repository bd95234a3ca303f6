"""The model input of a task, as one HDF5 file."""

import logging
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from pare.config.errors import PareError
from pare.preparation import ModelInput
from pare.storage.atomic import atomic_path
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)


class ArrayStoreDataset(AbstractDataset[ModelInput, ArrayStore]):
    """Saving a `ModelInput` computes it as a stream; loading opens the file lazily.

    Example:
        ```yaml
        model_input:
          type: pare.datasets.ArrayStoreDataset
          filepath: data/05_model_input/darcy_flow.h5
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> ArrayStore:
        """The store; PareError where it is missing or broken."""
        return ArrayStore(self.path)

    def save(self, data: ModelInput) -> None:
        """Write the store, unless it stands there with the same fingerprint."""
        if self._fingerprint() == data.fingerprint:
            logger.info("%s is up to date (fingerprint %s).", self.path, data.fingerprint)
            return
        with atomic_path(self.path) as unfinished:
            data.write(unfinished)

    def _fingerprint(self) -> str | None:
        try:
            return ArrayStore(self.path).fingerprint
        except PareError:
            return None  # missing or broken: written anew

    def _exists(self) -> bool:
        return self.path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
