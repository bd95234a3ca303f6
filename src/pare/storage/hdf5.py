"""HDF5 files of which no part is missing: a write that failed is an error.

HDF5 keeps what is written in buffers. Where it empties them as an array is closed, Python can only print that this
failed; the array then holds zeros, or the process crashes when the file is closed. So an array is written to the end
before it is closed.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path
from pare.storage.checksums import Damaged, check_seal, seal


class NewHDF5:
    """A new HDF5 file, whose arrays are written whole or part by part.

    Attributes:
        file: for groups, links and attributes; arrays are written with `write`.
    """

    def __init__(self, file: h5py.File) -> None:
        self.file = file
        self._unfinished: dict[str, h5py.Dataset] = {}

    def write(
        self, name: str, values: np.ndarray, place: Any = ..., shape: tuple[int, ...] | None = None, **storage: Any
    ) -> h5py.Dataset:
        """Write an array, or a part of one that is made when its first part is written.

        Args:
            name: name of the array, with its groups.
            values: numbers, which are stored in their type.
            place: index of the part.
            shape: shape of the array; by default the values are all of it.
            storage: options of h5py for the array, such as its compression.

        Returns:
            The array.

        Raises:
            PareError: if the file cannot be written.
        """
        with _written(Path(self.file.filename)):
            data = self._unfinished.get(name)
            if data is None:
                data = self.file.create_dataset(name, shape or values.shape, values.dtype, **storage)
            data[place] = values
            if shape is None:
                data.flush()
            else:
                self._unfinished[name] = data
            return data


@contextmanager
def new_hdf5(path: Path, *, sealed: bool = False, **options: Any) -> Iterator[NewHDF5]:
    """A new HDF5 file, whole and closed at the end.

    Args:
        path: the file.
        sealed: whether the file ends with a checksum, see `pare.storage.checksums.seal`.
        options: options of h5py.File.

    Yields:
        The file.

    Raises:
        PareError: if it cannot be written to the end.
    """
    with _written(path):
        file = h5py.File(path, "w", **options)
    try:
        yield NewHDF5(file)
        with _written(path):
            file.flush()
    except BaseException:
        _into_nothing(file)  # HDF5 crashes where it closes a file that it cannot write
        with suppress(OSError, RuntimeError):  # the file is thrown away
            file.close()
        raise
    with _written(path):
        file.close()
        if sealed:
            seal(path)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = re.search("error message = '(.*?)'", str(error))
        raise PareError(
            f"cannot write {path.name} ({reason[1] if reason else error}); free space on its disk"
        ) from error


def _into_nothing(file: h5py.File) -> None:
    """Let HDF5 write what it still holds of the file to nowhere."""
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), file.id.get_vfd_handle())


def write_predictions(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the file, whole or not at all.

    Args:
        path: path of the file.
        arrays: the arrays by name.
    """
    with atomic_path(path) as unfinished, new_hdf5(unfinished, sealed=True) as new:
        for name, array in arrays.items():
            new.write(name, array)


def read_predictions(path: Path) -> dict[str, np.ndarray]:
    """All arrays by name.

    Raises:
        PareError: where the file is missing or broken.
    """
    try:
        check_seal(path)
        with h5py.File(path, "r") as file:
            return {name: data[()] for name, data in file.items()}
    except (OSError, Damaged) as error:
        raise PareError(f"{path} is missing or damaged ({error}); run the stage that writes it again") from error
