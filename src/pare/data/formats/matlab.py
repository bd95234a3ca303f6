"""Arrays that MATLAB saved, in the order of axes that MATLAB shows, so that the samples come first.

Version 7.3 is HDF5, where the axes are in reverse order, and is read by rows. Versions 5 to 7 have no index of rows:
scipy loads a variable whole when the first row is asked for. Numbers, truth, characters and cells of text are read;
structures, tables, functions and objects are left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import h5py
import numpy as np
import scipy.io

from pare.config.errors import PareError
from pare.data.formats.memory import check_memory
from pare.data.formats.stored_array import StoredArray, check_rows, existing_dataset, readable, rows_of
from pare.storage.hdf5 import new_hdf5

MAT = ".mat"
MATLAB = "MATLAB_class"  # an attribute of every array that MATLAB writes to HDF5
CELL, CHARACTERS = "cell", "char"
NUMBERS = {
    "double": "f8",
    "single": "f4",
    "logical": "?",
    **{f"{sign}int{8 * size}": f"{sign[:1] or 'i'}{size}" for sign in ("", "u") for size in (1, 2, 4, 8)},
}
TEXT = np.dtype("U1")
OBJECTS = np.dtype(object)
# What MATLAB writes before the HDF5 content; readers tell version 7.3 by it. The date is left out so that the
# same fields make the same bytes.
_HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM"
Fields: TypeAlias = dict[str, np.ndarray]


def version_5_arrays(path: Path) -> dict[str, StoredArray]:
    """The variables of a MATLAB file of version 5 to 7.

    Raises:
        PareError: if the file is damaged, a variable does not fit into memory, or none holds numbers or text.
    """
    with readable(path, Exception):  # scipy raises a dozen types for damage
        found = scipy.io.whosmat(path)
    arrays = {}
    for name, shape, kind in found:
        where = f"{path}: {name}"
        check_memory(prod(shape) * (np.dtype(NUMBERS[kind]) if kind in NUMBERS else OBJECTS).itemsize, where)
        if kind in NUMBERS:
            dtype = np.dtype(NUMBERS[kind])
            arrays[name] = StoredArray(where, shape, dtype, rows_of(partial(_numbers, path, name, dtype), path))
        elif kind == CHARACTERS:
            arrays[name] = StoredArray(where, shape, TEXT, rows_of(partial(_characters, path, name), path))
        elif kind == CELL:
            arrays[name] = _cell(where, _loaded(path, name))
    if found and not arrays:
        held = ", ".join(f"{name} ({kind})" for name, _, kind in found)
        raise PareError(
            f"{path} holds {held}; expected numbers or text as variables of their own. In MATLAB save('new.mat', "
            "'-struct', 'NAME') makes such of the fields of a structure, and full(NAME) of a sparse matrix"
        )
    return _without_second_axis(arrays)


def version_7_3_arrays(path: Path, found: Mapping[str, h5py.Dataset]) -> dict[str, StoredArray]:
    """The variables of a MATLAB file of version 7.3.

    Args:
        path: the file, which is open.
        found: its HDF5 arrays by name. What cells hold is among them, below #refs#, and is no variable.
    """
    opened = {name: _hdf5_variable(path, name, data) for name, data in found.items() if not name.startswith("#")}
    return _without_second_axis({name: array for name, array in opened.items() if array})


def _hdf5_variable(path: Path, name: str, data: h5py.Dataset) -> StoredArray | None:
    """None where it holds neither numbers nor text."""
    kind, where = _kind(data), f"{path}: {name}"
    if kind not in NUMBERS:
        check_memory(data.nbytes, where)  # it is read here
    if kind in NUMBERS:
        dtype = data.dtype if data.dtype.names else np.dtype(NUMBERS[kind])  # complex ones have two fields
        return StoredArray(where, data.shape[::-1], dtype, partial(_hdf5_numbers, path, name, dtype))
    if kind == CHARACTERS:
        return StoredArray.held(where, np.array(_hdf5_text(data), dtype=str))
    return _cell(where, _hdf5_cell(data)) if kind == CELL and h5py.check_ref_dtype(data.dtype) else None


def _kind(data: h5py.Dataset) -> str:
    """MATLAB's class of an array."""
    return bytes(data.attrs.get(MATLAB, b"")).decode()


def _without_second_axis(arrays: Mapping[str, StoredArray]) -> dict[str, StoredArray]:
    """Every array of MATLAB has two axes: drop one of vectors as long as an array that is none has rows."""
    rows = {array.shape[0] for array in arrays.values() if not _is_vector(array)}
    return {
        name: _as_vector(array) if _is_vector(array) and prod(array.shape) in rows else array
        for name, array in arrays.items()
    }


def _is_vector(array: StoredArray) -> bool:
    return len(array.shape) == 2 and 1 in array.shape


def _as_vector(array: StoredArray) -> StoredArray:
    """``(1, n)`` or ``(n, 1)`` as ``(n,)``."""
    return replace(array, shape=(prod(array.shape),), read=lambda start, stop: array.all().reshape(-1)[start:stop])


def _loaded(path: Path, name: str) -> np.ndarray:
    with readable(path, Exception):
        variable: np.ndarray = scipy.io.loadmat(path, variable_names=[name])[name]
    return variable


def _numbers(path: Path, name: str, dtype: np.dtype) -> np.ndarray:
    """Whole numbers may be stored in fewer bytes than the type of the variable has."""
    numbers = _loaded(path, name)
    if np.iscomplexobj(numbers):
        raise PareError(f"{path}: {name} is complex; save the real and the imaginary part as two channels")
    return numbers.astype(dtype, copy=False)


def _characters(path: Path, name: str) -> np.ndarray:
    return np.char.rstrip(_loaded(path, name))  # MATLAB fills rows of characters to one length


def _cell(where: str, cell: np.ndarray) -> StoredArray:
    """Text ``(rows, columns)``, or Python objects where a place holds anything else."""
    places = [np.asarray(place) for place in cell.flat]
    if all(place.dtype.kind == "U" and place.size < 2 for place in places):
        cell = np.array(["".join(place.flat) for place in places], dtype=str).reshape(cell.shape)
    return StoredArray.held(where, cell)


def _hdf5_numbers(path: Path, name: str, dtype: np.dtype, start: int, stop: int) -> np.ndarray:
    with readable(path), h5py.File(path) as file:
        data = existing_dataset(file, name)
        check_rows(f"{path}: {name}", data.shape[::-1], data.dtype, start, stop)
        numbers: np.ndarray = data[..., start:stop].T.astype(dtype, copy=False)
    return numbers


def _hdf5_cell(data: h5py.Dataset) -> np.ndarray:
    """Texts of a cell, or empty places where it holds anything else."""
    places = [existing_dataset(data.file, data.file[place].name) for place in data[()].T.flat]
    texts = np.empty(len(places), object)
    if all(_kind(place) == CHARACTERS for place in places):
        texts[:] = ["".join(_hdf5_text(place)) for place in places]
    return texts.reshape(data.shape[::-1])


def _hdf5_text(data: h5py.Dataset) -> list[str]:
    """Rows of characters, which MATLAB fills to one length; none where the text is empty."""
    if data.attrs.get("MATLAB_empty"):
        return []
    return ["".join(map(chr, row)).rstrip() for row in data[()].T]


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
