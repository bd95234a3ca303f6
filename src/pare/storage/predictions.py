"""Predictions on disk: a handful of named arrays in one HDF5 file."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path


def write_predictions(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the file, whole or not at all.

    Args:
        path: of the file.
        arrays: by name.
    """
    with atomic_path(path) as unfinished, h5py.File(unfinished, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)


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
