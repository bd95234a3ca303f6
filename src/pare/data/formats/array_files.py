"""Arrays by name in NPZ, NPY, MATLAB, NetCDF, HDF5 and PyTorch files and folders of NPY files, read by rows."""

import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from pare.config.errors import PareError
from pare.data.files import is_hidden
from pare.data.formats.matlab import MAT, MATLAB, version_5_arrays, version_7_3_arrays
from pare.data.formats.memory import check_memory
from pare.data.formats.netcdf import FILLS, NETCDF, NUMBERS, Packing, version_3_arrays
from pare.data.formats.npy import KINDS, NPY, TEXT, map_npy, map_npz, npz_members, read_npy_header
from pare.data.formats.safetensor_files import SAFETENSORS, safetensors_arrays
from pare.data.formats.stored_array import (
    StoredArray,
    check_rows,
    existing_dataset,
    readable,
    rows_of,
)
from pare.data.formats.torch_files import TORCH, torch_arrays

Opener = Callable[[Path], dict[str, StoredArray]]
HDF5 = (".h5", ".hdf5", ".hdf", ".he5")
NPZ = ".npz"
NUMBER = re.compile("([0-9]+)")
LONE = (NPY, *TORCH)  # files whose one array may have the file's name


def open_arrays(path: Path) -> dict[str, StoredArray]:
    """Every array of a file by its name; one array without a name, as in an ``.npy`` file, has the file's name.

    A folder of ``.npy`` files is one array, under the folder's name, a row for each file in the order of their names,
    in which numbers count as numbers: 2.npy comes before 10.npy.

    Raises:
        PareError: if the suffix is none of `SUFFIXES`, or the file is damaged; if files of a folder have different
            shapes.
    """
    if path.is_dir():
        return {path.name: _open_folder(path)}
    suffix = path.suffix.lower()
    if suffix not in OPENERS:
        raise PareError(f"{path}: arrays are read from {', '.join(SUFFIXES)}; convert it, or name another file")
    return OPENERS[suffix](path)


def is_lone(path: Path) -> bool:
    """Whether a file, or a folder, is one array under its own name.

    Raises:
        PareError: if it is a damaged file of PyTorch, of which the name does not tell.
    """
    suffix = path.suffix.lower()
    return path.is_dir() or suffix == NPY or (suffix in TORCH and open_arrays(path).keys() == {path.name})


def _open_npy(path: Path) -> StoredArray:
    with readable(path), path.open("rb") as stream:
        shape, _, dtype = read_npy_header(stream, str(path))
    return StoredArray(str(path), shape, dtype, rows_of(partial(map_npy, path, KINDS), path))


def _open_folder(folder: Path) -> StoredArray:
    # Rows of a target in a file of its own are in the order of the numbers in these names.
    paths = sorted((path for path in folder.iterdir() if not is_hidden(path)), key=_by_numbers)
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


def _by_numbers(path: Path) -> tuple[list[int | str], str]:
    """What names are sorted by, so that 2 comes before 10."""
    parts = NUMBER.split(path.name)  # text and digits in turns
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], path.name


def _open_npz(path: Path) -> dict[str, StoredArray]:
    arrays = {}
    with readable(path), zipfile.ZipFile(path) as archive:
        for name, info in npz_members(archive):
            where = f"{path}: {name}"
            with archive.open(info) as stream:
                shape, _, dtype = read_npy_header(stream, where)
            if dtype.kind in TEXT:
                check_memory(info.file_size, where)  # names are all needed at once
            arrays[name] = StoredArray(where, shape, dtype, rows_of(partial(_map_member, path, name), path))
    return arrays


def _map_member(path: Path, name: str) -> np.ndarray:
    return map_npz(path, (name,), KINDS)[name]


def _open_hdf5(path: Path) -> dict[str, StoredArray]:
    arrays = {}
    with readable(path), h5py.File(path) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        found = {name: data for name in names if (data := existing_dataset(file, name)).shape is not None}
        if any(MATLAB in data.attrs for data in found.values()):
            return version_7_3_arrays(path, found)
        for name, data in found.items():
            text = h5py.check_string_dtype(data.dtype)
            dtype = np.dtype("U1") if text else _packing(data).dtype(data.dtype)
            arrays[name] = StoredArray(f"{path}: {name}", data.shape, dtype, partial(_read_hdf5, path, name))
    return arrays


def _read_hdf5(path: Path, name: str, start: int, stop: int) -> np.ndarray:
    with readable(path), h5py.File(path) as file:
        data = existing_dataset(file, name)
        check_rows(f"{path}: {name}", data.shape, data.dtype, start, stop)
        if h5py.check_string_dtype(data.dtype):
            return data.asstr()[start:stop].astype(str)
        return _packing(data).unpacked(data[start:stop], f"{path}: {name}")


def _packing(data: h5py.Dataset) -> Packing:
    if data.dtype.kind not in NUMBERS:
        return Packing()
    fill = FILLS.get(data.dtype.str[1:])
    return Packing.of(data.attrs, fill if data.fillvalue == fill else None)


def _or_hdf5(older: Opener) -> Opener:
    """Open files whose newer versions are HDF5."""
    return lambda path: _open_hdf5(path) if h5py.is_hdf5(path) else older(path)


OPENERS: dict[str, Opener] = {
    NPZ: _open_npz,
    NPY: lambda path: {path.name: _open_npy(path)},
    MAT: _or_hdf5(version_5_arrays),
    NETCDF: _or_hdf5(version_3_arrays),
    **dict.fromkeys(HDF5, _open_hdf5),
    SAFETENSORS: safetensors_arrays,
    **dict.fromkeys(TORCH, torch_arrays),
}
SUFFIXES = tuple(OPENERS)
ARCHIVES = tuple(suffix for suffix in SUFFIXES if suffix != NPY)  # several arrays, or one without a name
