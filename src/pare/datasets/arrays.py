"""A handful of named arrays, as one HDF5 file."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from kedro.io import AbstractDataset

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path


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
        try:
            with h5py.File(self.path, "r") as file:
                return {name: data[()] for name, data in file.items()}
        except OSError as error:
            raise PareError(
                f"{self.path} is missing or damaged ({error}); run the stage that writes it again"
            ) from error

    def save(self, data: dict[str, np.ndarray]) -> None:
        """Write all arrays."""
        with atomic_path(self.path) as unfinished, h5py.File(unfinished, "w") as file:
            for name, array in data.items():
                file.create_dataset(name, data=array)

    def _exists(self) -> bool:
        return self.path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
