"""A baseline's predictions on disk; their making is tested with the pipeline."""

import numpy as np
import pytest
from kedro.io import DatasetError

from pare.datasets import BaselineDataset
from pare.storage.predictions import write_predictions


def test_predictions_without_a_record_are_no_baselines(tmp_path):
    dataset = BaselineDataset(str(tmp_path / "predictions.h5"))
    assert not dataset.exists()
    write_predictions(dataset.path, {"truth": np.arange(3)}, {"validation": 0.5})
    assert dataset.exists()
    assert dataset.load()[1] == {"validation": 0.5}
    write_predictions(dataset.path, {"truth": np.arange(3)})
    with pytest.raises(DatasetError, match="delete it and fit the baseline again"):
        dataset.load()
