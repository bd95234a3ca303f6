"""Datasets of predictions: named arrays, and predictions of new rows."""

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pare.datasets.lazy import PathDataset
from pare.storage.atomic import atomic_path
from pare.storage.hdf5 import read_predictions, write_predictions

if TYPE_CHECKING:
    from pare.prediction.predict import NewPredictions

logger = logging.getLogger(__name__)


class ArraysDataset(PathDataset[dict[str, np.ndarray]]):
    """Saves and loads a dictionary of arrays.

    Example:
        ```yaml
        predictions:
          type: pare.datasets.ArraysDataset
          filepath: data/07_model_output/darcy_flow/pare/seed_0/predictions.h5
        ```
    """

    def load(self) -> dict[str, np.ndarray]:
        """All arrays by name; PareError where the file is missing or broken."""
        return read_predictions(self.path)

    def save(self, data: dict[str, np.ndarray]) -> None:
        """Write all arrays."""
        write_predictions(self.path, data)


class NewPredictionsDataset(PathDataset["NewPredictions"]):
    """Saves predictions as ``<name>.csv`` or ``<name>.npy`` in a folder; loads as the folder.

    Example:
        ```yaml
        new_predictions:
          type: pare.datasets.NewPredictionsDataset
          filepath: data/07_model_output/wine/pare/seed_0/new_rows
        ```
    """

    def save(self, data: "NewPredictions") -> None:
        """Write the file; predictions of a file of the same name are replaced."""
        table = isinstance(data.content, pd.DataFrame)
        path = self.path / f"{data.name}{'.csv' if table else '.npy'}"
        with atomic_path(path) as unfinished:
            if isinstance(data.content, pd.DataFrame):
                data.content.to_csv(unfinished, index=False, float_format="%.6g")
            else:
                np.save(unfinished, data.content, allow_pickle=False)
        logger.info("Written to %s.", path)
