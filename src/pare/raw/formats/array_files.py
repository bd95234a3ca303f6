"""Arrays by name in NPZ, NPY and HDF5 files and folders of NPY files, of which only the rows asked for are read."""

import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import h5py
import numpy as np

from pare.config.errors import PareError
from pare.raw.formats.archives import MEMBER_BYTES, check_size
from pare.raw.formats.hdf5 import held_dataset
from pare.raw.formats.npy import NPY, NUMBERS, map_npy, map_npz, npz_members, read_npy_header

HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
NPZ = ".npz"
TEXT = "US"
AGAIN = "save it again, or bring a whole copy of it"
PACKING = ("scale_factor", "add_offset")  # attributes by which NetCDF says how numbers were packed
FILLS = ("_FillValue", "missing_value")
MATLAB = "MATLAB_class"  # an attribute of every array that MATLAB writes


@dataclass(frozen=True)
class StoredArray:
    """An array in a file.

    Attributes:
        where: what messages call it: the file and its name in it.
        shape: rows first.
        dtype: of its elements; text of any kind is ``U``.
        read: ``read(start, stop)`` returns rows start to stop - 1.
        names: of the rows, where each is a file of its own.
    """

    where: str
    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[int, int], np.ndarray]
    names: tuple[str, ...] | None = None

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

    def __str__(self) -> str:
        kind = "text" if self.is_text else "Python objects" if self.dtype.hasobject else str(self.dtype)
        return f"{kind} of shape {self.shape}"


def open_arrays(path: Path) -> dict[str, StoredArray]:
    """Every array of a file by its name; of an ``.npy`` file the one array, under the file's name.

    A folder of ``.npy`` files is one array, under the folder's name, with a row a file in the order of their names.

    Raises:
        PareError: if the suffix is another than ``.npz``, ``.npy``, ``.h5`` or ``.hdf5``, or the file is damaged; if
            files of a folder have different shapes; if MATLAB wrote the file; on reading, if an array is packed.
    """
    if path.is_dir():
        return {path.name: _open_folder(path)}
    suffix = path.suffix.lower()
    if suffix == NPZ:
        return _open_npz(path)
    if suffix == NPY:
        return {path.name: _open_npy(path)}
    if suffix in HDF5:
        return _open_hdf5(path)
    raise PareError(f"{path}: arrays are read from {NPZ}, {NPY}, {', '.join(HDF5)}; convert it, or name another file")


def _open_npy(path: Path) -> StoredArray:
    with _readable(path), path.open("rb") as stream:
        shape, _, dtype = read_npy_header(stream, str(path))
        room = path.stat().st_size - stream.tell()
    where = str(path)
    if dtype.kind in TEXT:
        _check_room(where, shape, dtype, room)
        return StoredArray(where, shape, dtype, _rows_of(partial(np.load, path, allow_pickle=False), path))
    return StoredArray(where, shape, dtype, _rows_of(partial(map_npy, path), path))


def _open_folder(folder: Path) -> StoredArray:
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    rows = [_open_npy(path) for path in paths if path.suffix.lower() == NPY]
    if not rows or len(rows) < len(paths):
        other = next((path.name for path in paths if path.suffix.lower() != NPY), "nothing")
        raise PareError(f"{folder} holds {other}; expected {NPY} files and nothing else, a file for each sample")
    for row in rows:
        if (row.shape, row.is_numeric) != (rows[0].shape, True):
            raise PareError(
                f"{row.where} is {row}, {rows[0].where} is {rows[0]}; all files of a folder must be numbers of one "
                "shape"
            )

    def read(start: int, stop: int) -> np.ndarray:
        return np.stack([map_npy(path) for path in paths[start:stop]])

    shape = (len(rows), *rows[0].shape)
    return StoredArray(str(folder), shape, rows[0].dtype, read, tuple(path.name for path in paths))


def _open_npz(path: Path) -> dict[str, StoredArray]:
    arrays = {}
    with _readable(path), zipfile.ZipFile(path) as archive:
        for name, info in npz_members(archive):
            where = f"{path}: {name}"
            with archive.open(info) as stream:
                shape, _, dtype = read_npy_header(stream, where)
                room = info.file_size - stream.tell()
            load: Callable[[], np.ndarray] = partial(_map_member, path, name)
            if dtype.kind in TEXT:
                _check_room(where, shape, dtype, room)
                check_size(info.file_size, MEMBER_BYTES, where)
                load = partial(_load_member, path, name)
            arrays[name] = StoredArray(where, shape, dtype, _rows_of(load, path))
    return arrays


def _map_member(path: Path, name: str) -> np.ndarray:
    return map_npz(path, (name,))[name]


def _load_member(path: Path, name: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as archive:
        return archive[name + NPY]  # the member itself: numpy takes the name x.npy for the array x, if there is one


def _check_room(where: str, shape: tuple[int, ...], dtype: np.dtype, room: int) -> None:
    """A header that claims more than is there would have numpy allocate it."""
    if math.prod(shape) * dtype.itemsize != room:
        raise PareError(f"{where} claims shape {shape} of {dtype} but holds {room} bytes: {AGAIN}")


def _rows_of(load: Callable[[], np.ndarray], path: Path) -> Callable[[int, int], np.ndarray]:
    """Rows of an array that is loaded, or mapped, when the first of them is asked for."""
    cached = lru_cache(maxsize=1)(load)

    def read(start: int, stop: int) -> np.ndarray:
        with _readable(path):
            return cached()[start:stop]

    return read


def _open_hdf5(path: Path) -> dict[str, StoredArray]:
    arrays = {}
    with _readable(path), h5py.File(path) as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in found:
            data = _held(file, name)
            if MATLAB in data.attrs:
                raise _reversed_axes(path)
            dtype = np.dtype("U1") if h5py.check_string_dtype(data.dtype) else data.dtype
            arrays[name] = StoredArray(f"{path}: {name}", data.shape, dtype, partial(_read_hdf5, path, name))
    return arrays


def _read_hdf5(path: Path, name: str, start: int, stop: int) -> np.ndarray:
    with _readable(path), h5py.File(path) as file:
        data = _held(file, name)
        _check_unpacked(data, path, name)
        return data.asstr()[start:stop].astype(str) if h5py.check_string_dtype(data.dtype) else data[start:stop]


def _held(file: h5py.File, name: str) -> h5py.Dataset:
    data = held_dataset(file, name)
    if data is None:
        raise KeyError(f"no array {name}")
    return data


def _reversed_axes(path: Path) -> PareError:
    return PareError(
        f"{path} was written by MATLAB, which stores axes in reverse order; expected the samples first. Turn them in "
        f"Python: import h5py, numpy as np; f = h5py.File('{path.name}'); "
        f"np.savez('{path.stem}.npz', **{{k: f[k][:].T for k in f if k[0] != '#'}})"
    )


def _check_unpacked(data: h5py.Dataset, path: Path, name: str) -> None:
    """Refuse packed numbers, and integers that mean a missing one; the fill value of real numbers is NaN as a rule."""
    marks = (*PACKING, *FILLS) if data.dtype.kind in "iu" else PACKING
    found = [f"{mark} {data.attrs[mark]}" for mark in marks if mark in data.attrs]
    if found:
        raise PareError(
            f"{path}: {name} is packed: it has the attribute {', '.join(found)}; expected the numbers themselves. "
            "Unpack them in Python: import numpy as np, xarray; "
            f"np.savez('{path.stem}.npz', **{{k: v.to_numpy() for k, v in xarray.open_dataset('{path.name}').items()}})"
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what numpy, zip and HDF5 raise for a damaged file into one message."""
    try:
        yield
    except (OSError, EOFError, ValueError, RuntimeError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PareError(f"{path} is missing, damaged or cut short ({reason}): {AGAIN}") from error
