"""A small matrix and a folder of data, in whatever state a test wants it."""

import json

import pytest

from pare.config.run import Run
from pare.matrix.blocks import expand, unique


@pytest.fixture
def cells(library, parameters):
    """Two tasks with two methods and three seeds, and baselines of tables."""
    block = {"tasks": ["darcy_flow", "openml_wdbc"], "methods": ["pare", "finetune"], "seeds": [0, 1, 2]}
    tables = {"tasks": ["openml_wdbc", "openml_car"], "methods": ["xgboost", "catboost"], "seeds": [0]}
    return unique(expand({"blocks": {"all": block, "baselines": tables}}, library, parameters))


@pytest.fixture
def metrics():
    """What evaluation writes about a run."""

    def written(cell, test=0.5, seconds=100.0, memory=900):
        run = cell.run
        return {
            "protocol": run.protocol,
            "metric": {"name": run.metric},
            "source": getattr(run, "source_name", None),
            "proxy": getattr(run, "proxy_name", None),
            "proxy_samples": getattr(run, "proxy_samples", None),
            "epochs": run.training.epochs if isinstance(run, Run) else None,
            "test": test,
            "train_seconds": seconds,
            "peak_memory_mb": memory,
        }

    return written


@pytest.fixture
def write(tmp_path):
    """Write a JSON file below the folder of data."""

    def write(path, content):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))

    return write
