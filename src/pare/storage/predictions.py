"""Predictions on disk: a handful of named arrays in one HDF5 file."""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path
from pare.storage.hdf5 import new_hdf5


def write_predictions(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the file, whole or not at all.

    Args:
        path: of the file.
        arrays: by name.
    """
    with atomic_path(path) as unfinished, new_hdf5(unfinished) as new:
        for name, array in arrays.items():
            new.write(name, array)


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
