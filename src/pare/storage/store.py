"""The model input of one task: an HDF5 file with a row per sample, written as a stream, read by rows.

Layout: groups ``train``, ``validation`` and ``test``, each with ``x`` and ``y``, where rows belong together ``group``,
or ``equal`` where they do so only because their inputs are equal, and where rows do not count alike ``weight``; group
``statistics`` with the arrays that normalised them; the attributes ``fingerprint``, ``description`` (JSON) and, where
inputs are equal, ``repeats`` (JSON).

Arrays are contiguous unless compressed, so that they can be mapped into memory and rows be read at the speed of
the page cache (see benchmarks/loading.py).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pare.config.errors import PREPROCESS, PareError
from pare.storage.checksums import check_seal
from pare.storage.hdf5 import new_hdf5

SPLITS = ("train", "validation", "test")
Block = tuple[str, dict[str, np.ndarray]]


def write_store(
    path: Path,
    *,
    rows: Mapping[str, int],
    blocks: Iterable[Block],
    statistics: Mapping[str, np.ndarray],
    fingerprint: str,
    description: Mapping[str, Any],
    compress: bool = False,
    repeats: Mapping[str, Any] | None = None,
) -> None:
    """Write a store from a stream of blocks; only one block is in memory at a time.

    Args:
        path: file to create.
        rows: how many rows each split will have.
        blocks: ``(split, arrays)``, each array ``(rows, …)``, in any order of splits.
        statistics: arrays that normalised the rows.
        fingerprint: fingerprint of everything that the content depends on.
        description: anything JSON can hold.
        compress: whether arrays are compressed row by row, for samples that are mostly padding.
        repeats: how many rows have equal inputs, as `pare.storage.samples.Repeats` has it; None: none.

    Raises:
        ValueError: if the blocks hold another number of rows than announced.
    """
    written = dict.fromkeys(rows, 0)
    with new_hdf5(path, sealed=True) as new:
        for split, arrays in blocks:
            start, count = written[split], len(next(iter(arrays.values())))
            for name, array in arrays.items():
                place, shape = slice(start, start + count), (rows[split], *array.shape[1:])
                storage: dict[str, Any] = {"chunks": (1, *shape[1:]), "compression": "lzf"} if compress else {}
                new.write(f"{split}/{name}", array, place, shape, **storage)
            written[split] += count
        if written != dict(rows):
            raise ValueError(f"rows written {written}, announced {dict(rows)}: both must match")
        for name, array in statistics.items():
            new.write(f"statistics/{name}", array)
        new.file.attrs["fingerprint"] = fingerprint
        new.file.attrs["description"] = json.dumps(description)
        if repeats:
            new.file.attrs["repeats"] = json.dumps(repeats)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever HDF5, numpy and JSON raise for a damaged file into one message."""
    try:
        yield
    except (IndexError, MemoryError):
        raise  # says nothing against the file
    except Exception as error:
        raise PareError(
            f"{path} is missing or not a whole model-input file ({type(error).__name__}: {error}); delete it, if it is "
            f"there, and run {PREPROCESS}"
        ) from error


class Rows:
    """Samples of one split, read from disk as they are asked for; a map-style dataset for torch.

    The file is opened on first use, so each worker process has a handle of its own.
    """

    def __init__(self, path: Path, split: str) -> None:
        self.path, self.split = path, split
        with _readable(path), h5py.File(path, "r") as file:
            group = file.get(split)
            self.length = len(group["x"]) if group is not None else 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        with _readable(self.path):
            return {name: np.array(array[row]) for name, array in self._arrays.items()}

    def __getitems__(self, rows: Sequence[int]) -> dict[str, np.ndarray]:
        """A batch, in the order asked for, gathered with one copy: arrays ``(rows, …)``, not a list of samples."""
        with _readable(self.path):
            return {name: _gathered(array, rows) for name, array in self._arrays.items()}

    def read(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Rows start to stop - 1 as arrays, each ``(rows, …)``."""
        with _readable(self.path):
            return {name: np.array(array[start:stop]) for name, array in self._arrays.items()}

    def array(self, name: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Rows start to stop - 1 of one array, ``(rows, …)``; by default all: meant for labels, not for fields."""
        with _readable(self.path):
            return np.array(self._arrays[name][start:stop])

    @property
    def groups(self) -> np.ndarray | None:
        """Number of the group of each row, ``(rows,)``, where equal rows are one; None where each is on its own."""
        return self._known("group" if self.has_own_groups else "equal")

    @property
    def has_own_groups(self) -> bool:
        """Whether rows belong together for another reason than that their inputs are equal."""
        return self.length > 0 and "group" in self._arrays

    @property
    def weights(self) -> np.ndarray | None:
        """How much each row counts, ``(rows,)``; None where all count alike."""
        return self._known("weight")

    def _known(self, name: str) -> np.ndarray | None:
        return self.array(name) if self.length and name in self._arrays else None

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_arrays"}

    @cached_property
    def _arrays(self) -> dict[str, h5py.Dataset | np.memmap]:
        file = h5py.File(self.path, "r")
        return {name: self._mapped(data) for name, data in file[self.split].items()}

    def _mapped(self, data: h5py.Dataset) -> h5py.Dataset | np.memmap:
        """A contiguous array mapped into memory; a compressed one as HDF5 reads it."""
        offset = data.id.get_offset()
        if offset is None:
            return data
        return np.memmap(self.path, mode="r", dtype=data.dtype, shape=data.shape, offset=offset)


def evenly_spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows, in their order."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]


def _gathered(array: h5py.Dataset | np.memmap, rows: Sequence[int]) -> np.ndarray:
    if isinstance(array, np.memmap):
        return np.asarray(array[list(rows)])
    return np.stack([array[row] for row in rows])  # HDF5 itself takes rows in ascending order only


class ArrayStore:
    """A store on disk, opened for reading.

    Raises:
        PareError: where the file is missing or is not a whole store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _readable(path):
            check_seal(path)
            file = h5py.File(path, "r")
        with _readable(path), file:
            self.fingerprint = str(file.attrs["fingerprint"])
            self.description: dict[str, Any] = json.loads(file.attrs["description"])
            self.repeats: dict[str, Any] | None = json.loads(file.attrs.get("repeats", "null"))
            self.statistics = {name: array[()] for name, array in file.get("statistics", {}).items()}

    def rows(self, split: str) -> Rows:
        """Samples of ``train``, ``validation`` or ``test``."""
        return Rows(self.path, split)
