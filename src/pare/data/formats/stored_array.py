"""An array in a file, of which only the rows asked for are read."""

import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.memory import check_memory
from pare.data.formats.npy import NUMBERS, TEXT

AGAIN = f"save it again, bring a whole copy of it, or remove it and {FETCH}"
BLOCK_BYTES = 64 << 20  # states that are read at once to take one frame of each
DAMAGES = (OSError, EOFError, ValueError, TypeError, RuntimeError, LookupError, MemoryError, zipfile.BadZipFile)


@dataclass(frozen=True)
class StoredArray:
    """An array in a file.

    Attributes:
        where: what messages call it: the file and its name in it.
        shape: rows first.
        dtype: type of its elements; text of any kind is ``U``.
        read: ``read(start, stop)`` returns rows start to stop - 1.
        names: names of the rows, where each is a file of its own.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[int, int], np.ndarray]
    names: tuple[str, ...] | None = None

    @classmethod
    def held(cls, where: str, values: np.ndarray) -> "StoredArray":
        """An array that is in memory."""
        return cls(where, values.shape, values.dtype, lambda start, stop: values[start:stop])

    @property
    def is_text(self) -> bool:
        """Whether its elements are text."""
        return self.dtype.kind in TEXT

    @property
    def is_numeric(self) -> bool:
        """Whether its elements are integers, real numbers, or true and false."""
        return self.dtype.kind in NUMBERS

    def all(self) -> np.ndarray:
        """All rows; meant for labels and groups, not for fields."""
        return self.read(0, self.shape[0])

    def names_of_rows(self) -> np.ndarray:
        """All values as a class or a group is called, ``(values,)``: texts without outer blanks, or numbers.

        Raises:
            PareError: if bytes are no text in UTF-8.
        """
        values = self.all().reshape(-1)
        if not self.is_text:
            return values
        try:
            return np.char.strip(np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values)
        except UnicodeDecodeError as error:
            raise PareError(f"{self.where} holds bytes that are no text in UTF-8 ({error}); save it as text") from error

    def __str__(self) -> str:
        kind = "text" if self.is_text else "Python objects" if self.dtype.hasobject else str(self.dtype)
        return f"{kind} of shape {self.shape}"


def rows_of(load: Callable[[], np.ndarray], path: Path) -> Callable[[int, int], np.ndarray]:
    """Rows of an array that is loaded, or mapped, when the first of them is asked for."""
    cached = lru_cache(maxsize=1)(load)

    def read(start: int, stop: int) -> np.ndarray:
        with readable(path):
            return cached()[start:stop]

    return read


def check_rows(where: str, shape: tuple[int, ...], dtype: np.dtype, start: int, stop: int) -> None:
    """Refuse rows that would not fit into memory, of which a compressed array may claim any number.

    Raises:
        TooLargeError: naming the sizes.
    """
    check_memory((min(stop, shape[0]) - start) * math.prod(shape[1:]) * dtype.itemsize, where)


def at_frame(states: StoredArray, frame: int | None) -> StoredArray:
    """Rows of states over time, ``(rows, frames, …)``, at one frame, ``(rows, …)``; with None the array as it is.

    Raises:
        PareError: if there is no such frame.
    """
    if frame is None:
        return states
    if len(states.shape) < 3 or not 0 <= frame < states.shape[1]:
        raise PareError(
            f"{states.where} has shape {states.shape}; expected (rows, frames, …grid) with frame {frame}, from 0"
        )
    step = max(1, BLOCK_BYTES // max(1, math.prod(states.shape[1:]) * states.dtype.itemsize))

    def read(start: int, stop: int) -> np.ndarray:
        rows = range(start, min(stop, states.shape[0]), step)
        return np.concatenate([states.read(row, min(row + step, stop))[:, frame] for row in rows])

    shape = (states.shape[0], *states.shape[2:])
    return replace(states, where=f"{states.where}, frame {frame}", shape=shape, read=read)


@contextmanager
def readable(path: Path, errors: type[Exception] | tuple[type[Exception], ...] = DAMAGES) -> Iterator[None]:
    """Turn what a library raises for a damaged file into one message.

    Args:
        path: the file.
        errors: error types of the library; by default those of numpy, zip and HDF5.

    Raises:
        PareError: where the block fails to read the file.
    """
    try:
        yield
    except errors as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PareError(f"{path} is missing, damaged or cut short ({reason}): {AGAIN}") from error


def held_dataset(file: h5py.File, name: str) -> h5py.Dataset | None:
    """The array of a name, with slashes between groups, or None if it does not exist.

    Raises:
        PareError: if the array, or a group above it, lies in another file or may do so.
    """
    item: h5py.Group | h5py.Dataset = file
    for part in filter(None, name.split("/")):
        link = item.get(part, getlink=True) if isinstance(item, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise _outside(file, name, f"{part} is not a hard link")
        item = item[part]
    if not isinstance(item, h5py.Dataset):
        return None
    if item.external:
        raise _outside(file, name, f"its numbers are taken from {item.external[0][0]}")
    if item.is_virtual:
        raise _outside(file, name, "it is a virtual dataset")
    return item


def existing_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """The same where there must be one.

    Raises:
        KeyError: if there is no such array.
        PareError: if it may lie in another file.
    """
    data = held_dataset(file, name)
    if data is None:
        raise KeyError(f"no array {name}")
    return data


def _outside(file: h5py.File, name: str, reason: str) -> PareError:
    return PareError(
        f"{file.filename}: the array {name} may lie in another file ({reason}), which is refused, as it could be any "
        "file of this machine. If it is yours, copy its numbers into the file itself, for example with h5py"
    )
