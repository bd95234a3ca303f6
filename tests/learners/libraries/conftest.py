"""Problems small enough to be fitted in a moment."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightpfn.checkpoint import save_model
from lightpfn.model.lightpfn import Config, LightPFN

from pare.config.schema import Task
from pare.evaluation.metrics import build_error
from pare.learners.libraries.problem import Problem
from pare.storage.store import ArrayStore, write_store

RAW = {"origin": "none", "origins": {"none": {"licence": "none"}}}


@pytest.fixture
def problem(tmp_path):
    """Make a problem of splits, each ``(x, y)``; groups are by split, as are equal rows."""

    def problem(kind, classes=None, categories=(), statistics=None, groups=None, equal=None, **splits):
        belong = {"group": groups} if groups else {"equal": equal} if equal else {}
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
                (
                    name,
                    {"x": rows.astype(np.float32), "y": answers} | {key: of[name] for key, of in belong.items()},
                )
                for name, (rows, answers) in splits.items()
            ],
            statistics=statistics or {},
            fingerprint="f",
            description={"categories": list(categories)},
        )
        error = build_error(task.metric, task.output)
        return Problem(task, ArrayStore(path), np.arange(len(x)), 3, False, 1.0, error)

    return problem


@pytest.fixture(scope="session")
def untrained_weights(tmp_path_factory) -> Path:
    """Folder of weights of a small LightPFN that nobody trained."""
    torch.manual_seed(0)
    network = LightPFN(Config(col_dim=16, col_blocks=1, row_blocks=1, icl_blocks=1, n_inducing=8))
    for parameter in network.parameters():  # as it is made, all its answers are alike
        torch.nn.init.normal_(parameter, std=1.0)
    return save_model(network, tmp_path_factory.mktemp("weights"))
