"""Predictions of new rows, named after the file that holds these."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import AbstractDataset

from pare.own_data.predict import NewPredictions
from pare.storage.atomic import atomic_path

logger = logging.getLogger(__name__)


class NewPredictionsDataset(AbstractDataset[NewPredictions, Path]):
    """Saves predictions as ``<name>.csv`` or ``<name>.npy`` in a folder; loads as the folder.

    Example:
        ```yaml
        new_predictions:
          type: pare.datasets.NewPredictionsDataset
          filepath: data/07_model_output/wine/pare/seed_0/new_rows
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """The folder."""
        return self.path

    def save(self, data: NewPredictions) -> None:
        """Write the file; predictions of a file of the same name are replaced."""
        table = isinstance(data.content, pd.DataFrame)
        path = self.path / f"{data.name}{'.csv' if table else '.npy'}"
        with atomic_path(path) as unfinished:
            if isinstance(data.content, pd.DataFrame):
                data.content.to_csv(unfinished, index=False, float_format="%.6g")
            else:
                np.save(unfinished, data.content, allow_pickle=False)
        logger.info("Written to %s.", path)

    def _exists(self) -> bool:
        return self.path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
