"""A handful of named arrays, as one HDF5 file."""

from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset

from pare.storage.predictions import read_predictions, write_predictions


class ArraysDataset(AbstractDataset[dict[str, np.ndarray], dict[str, np.ndarray]]):
    """Saves and loads a dictionary of arrays.

    Example:
        ```yaml
        predictions:
          type: pare.datasets.ArraysDataset
          filepath: data/07_model_output/darcy_flow/pare/seed_0/predictions.h5
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, np.ndarray]:
        """All arrays by name; PareError where the file is missing or broken."""
        return read_predictions(self.path)

    def save(self, data: dict[str, np.ndarray]) -> None:
        """Write all arrays."""
        write_predictions(self.path, data)

    def _exists(self) -> bool:
        return self.path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
