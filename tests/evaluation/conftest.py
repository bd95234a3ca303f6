"""A run, and a model input whose training rows are half of each class."""

import numpy as np
import pytest

from evaluated_runs import write_splits
from pare.config import resolve


@pytest.fixture
def run(library, parameters):
    return resolve(library, parameters | {"task": "openml_wdbc", "method": "finetune"}, {})


@pytest.fixture
def store(tmp_path):
    train = {"x": np.zeros((8, 30), np.float32), "y": np.arange(8) % 2}
    return write_splits(tmp_path / "s.h5", classes=["benign", "malignant"], train=train)
