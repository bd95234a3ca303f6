"""Fields in MATLAB files, one sample a row: version 7.3 (HDF5) streamed, version 5 loaded whole.

MATLAB arrays ``(samples, rows, columns)`` are stored column by column, so HDF5 shows them with their axes
reversed, ``(columns, rows, samples)``. Everything here speaks MATLAB's order.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import scipy.io

from pare.config.errors import PareError
from pare.raw.formats.hdf5 import held_dataset
from pare.raw.formats.messages import FETCH_AGAIN
from pare.storage.hdf5 import new_hdf5

# What MATLAB writes before the HDF5 content; readers tell version 7.3 by it. The date is left out so that the
# same fields make the same bytes.
_HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM"

Fields: TypeAlias = dict[str, np.ndarray]


def write_mat73(path: Path, edge: int, count: int, samples: Iterable[Fields]) -> None:
    """Write square fields as a MATLAB 7.3 file, sample by sample.

    Args:
        path: the file.
        edge: grid points along each axis.
        count: number of samples.
        samples: per sample, ``{variable: (edge, edge)}``; stored as float32 (``single``).
    """
    storage: dict[str, Any] = {"chunks": (edge, edge, 1), "compression": "gzip", "compression_opts": 1, "shuffle": True}
    with new_hdf5(path, userblock_size=512) as new:
        for i, sample in enumerate(samples):
            for name, field in sample.items():
                place, values = np.s_[:, :, i], np.asarray(field.T, np.float32)
                variable = new.write(name, values, place, (edge, edge, count), **storage)
                if i == 0:
                    variable.attrs["MATLAB_class"] = np.bytes_("single")
    with path.open("r+b") as stream:
        stream.write(_HEADER)


class MatFields:
    """Variables ``(samples, rows, columns)`` of a MATLAB file, every stride-th grid point of them.

    Version 7.3 is read by rows. Version 5 has no index of rows: scipy loads the variables whole, and only the
    points that the stride keeps stay in memory.

    Attributes:
        path: the file.
        shapes: ``(samples, rows, columns)`` of each variable as stored, before the stride.
    """

    def __init__(self, path: Path, names: tuple[str, ...], stride: int) -> None:
        """Open the file.

        Args:
            path: the file.
            names: the variables that are needed.
            stride: keep every stride-th point of both grid axes.

        Raises:
            PareError: if the file is damaged, or lacks a variable.
        """
        self.path = path
        self._names = names
        self._stride = stride
        self._loaded: Fields | None = None
        self.shapes: dict[str, tuple[int, ...]]
        with _readable(path):
            self.shapes = self._open_hdf5() if h5py.is_hdf5(path) else self._load_version_5()

    def read(self, start: int, stop: int) -> Fields:
        """Rows start to stop - 1 of each variable, ``(rows, height, width)`` float32.

        Raises:
            PareError: if the file is damaged.
        """
        if self._loaded is not None:
            return {name: field[start:stop] for name, field in self._loaded.items()}
        s = self._stride
        with _readable(self.path), h5py.File(self.path) as file:
            # Whole samples are decompressed anyway, and thinning them in numpy is faster than in HDF5.
            stored = {name: self._variable(file, name)[:, :, start:stop].T for name in self._names}
        return {name: field[:, ::s, ::s].astype(np.float32) for name, field in stored.items()}

    def _open_hdf5(self) -> dict[str, tuple[int, ...]]:
        with h5py.File(self.path) as file:
            self._check_present(file)
            return {name: self._variable(file, name).shape[::-1] for name in self._names}

    def _variable(self, file: h5py.File, name: str) -> h5py.Dataset:
        data = held_dataset(file, name)
        if data is None:
            raise PareError(f"{self.path}: {name} is not an array. Put the publisher's file there")
        return data

    def _load_version_5(self) -> dict[str, tuple[int, ...]]:
        self._check_present(name for name, _, _ in scipy.io.whosmat(self.path))
        stored = scipy.io.loadmat(self.path, variable_names=self._names)
        s = self._stride
        self._loaded = {name: stored[name][..., ::s, ::s].astype(np.float32) for name in self._names}
        return {name: stored[name].shape for name in self._names}

    def _check_present(self, held: Iterable[str]) -> None:
        held = sorted(held)
        missing = [name for name in self._names if name not in held]
        if missing:
            raise PareError(
                f"{self.path} lacks the variable {' and '.join(missing)}; it holds "
                f"{', '.join(held) or 'nothing'}. Put the publisher's file there"
            )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn the dozen error types of scipy and HDF5 for a damaged file into one that says what to do."""
    try:
        yield
    except PareError:
        raise
    except Exception as error:
        raise PareError(
            f"{path} cannot be read as a MATLAB file ({type(error).__name__}: {error}): it is damaged or "
            f"cut short. {FETCH_AGAIN}"
        ) from error
