"""Predictions on disk: a handful of named arrays in one HDF5 file, perhaps with a record of how they were made."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path

RECORD = "record"  # the attribute that holds it, as JSON


def write_predictions(path: Path, arrays: Mapping[str, np.ndarray], record: Mapping[str, Any] | None = None) -> None:
    """Write the file, whole or not at all.

    Args:
        path: of the file.
        arrays: by name.
        record: anything JSON can hold.
    """
    with atomic_path(path) as unfinished, h5py.File(unfinished, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        if record is not None:
            file.attrs[RECORD] = json.dumps(record)


def read_predictions(path: Path) -> dict[str, np.ndarray]:
    """All arrays by name.

    Raises:
        PareError: where the file is missing or broken.
    """
    try:
        with h5py.File(path, "r") as file:
            return {name: data[()] for name, data in file.items()}
    except OSError as error:
        raise PareError(f"{path} is missing or damaged ({error}); run the stage that writes it again") from error


def read_record(path: Path) -> dict[str, Any] | None:
    """How the predictions were made; None where there is no whole file, or it has no record."""
    try:
        with h5py.File(path, "r") as file:
            return dict(json.loads(file.attrs[RECORD]))
    except (OSError, KeyError, ValueError):
        return None
