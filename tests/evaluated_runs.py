"""Runs and model inputs that tests of an evaluation make on the spot."""

import numpy as np

from pare.storage.store import ArrayStore, write_store

# What a training notes of itself, as far as an evaluation copies it.
TRAINING = {
    "history": [],
    "validation": 0.9,
    "best_epoch": 1,
    "n_train": 8,
    "train_seconds": 1.0,
    "samples_per_second": 8.0,
    "peak_memory_mb": 10,
    "device": "cpu",
    "precision": "no",
    "versions": {"pare": "0"},
}
# Two classes: eight of the nine pairs of a malignant and a benign row are in the right order.
PREDICTIONS = {
    "prediction": np.stack([np.zeros(6), [0.1, 0.6, 0.5, 0.9, 0.2, 0.7]], 1).astype(np.float32),
    "truth": np.array([0, 0, 1, 1, 0, 1]),
}


def write_splits(path, statistics=None, channels=None, classes=None, **splits):
    """A model input of splits, each a dictionary of arrays."""
    write_store(
        path,
        rows={split: len(arrays["x"]) for split, arrays in splits.items()},
        blocks=splits.items(),
        statistics=statistics or {},
        fingerprint="f",
        description={"classes": classes, "channels": channels},
    )
    return ArrayStore(path)


def with_task(run, **changes):
    """The run with other keys in its task, the output's kind and shape among them."""
    task = run.task.model_dump()
    return run.model_copy(update={"task": type(run.task).model_validate(task | changes)})
