"""Problems small enough to be fitted in a moment."""

import numpy as np
import pytest

from pare.config.schema import Task
from pare.evaluation.metrics import build_metric
from pare.learners.libraries.problem import Problem
from pare.storage.store import ArrayStore, write_store

RAW = {"origin": "none", "origins": {"none": {"licence": "none"}}}


@pytest.fixture
def problem(tmp_path):
    """Make a problem of splits, each ``(x, y)``; groups are by split."""

    def problem(kind, classes=None, categories=(), statistics=None, groups=None, **splits):
        x, y = splits["train"]
        shape = [classes] if classes else list(y.shape[1:])
        task = Task.model_validate(
            {
                "title": "mine",
                "raw": RAW,
                "reader": {"name": "none"},
                "samples": {"train": len(x), "test": 1},
                "input": {"shape": list(x.shape[1:])},
                "output": {"kind": kind, "shape": shape},
            }
        )
        path = tmp_path / "store.h5"
        write_store(
            path,
            rows={name: len(rows) for name, (rows, _) in splits.items()},
            blocks=[
                (name, {"x": rows.astype(np.float32), "y": answers} | ({"group": groups[name]} if groups else {}))
                for name, (rows, answers) in splits.items()
            ],
            statistics=statistics or {},
            fingerprint="f",
            description={"categories": list(categories)},
        )
        metric = build_metric(task.metric, task.output)
        return Problem(task, ArrayStore(path), np.arange(len(x)), 3, False, 1.0, metric)

    return problem
