"""What a baseline predicted, with the record of its fitting, as one HDF5 file."""

from typing import Any

import numpy as np

from pare.config.errors import PareError
from pare.datasets.lazy import LazyDataset
from pare.storage.predictions import read_predictions, read_record

Predicted = tuple[dict[str, np.ndarray], dict[str, Any]]


class BaselineDataset(LazyDataset[Predicted]):
    """Saving a `BaselineFit` fits the baseline, unless its predictions are there; loading gives them, and the record.

    Example:
        ```yaml
        baseline_predictions:
          type: pare.datasets.BaselineDataset
          filepath: data/07_model_output/openml_wdbc/xgboost/seed_0/predictions.h5
        ```
    """

    def load(self) -> Predicted:
        """Arrays by name and the record; PareError where the file is missing, broken or no baseline's."""
        arrays, record = read_predictions(self.path), read_record(self.path)
        if record is None:
            raise PareError(f"{self.path} has no record of how it was fitted; delete it and fit the baseline again")
        return arrays, record
