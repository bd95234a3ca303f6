"""Numbers as NetCDF stores them: packed into whole numbers, with marks for missing ones; and files of version 3.

Version 4 is HDF5. The attributes are those of the climate and forecast conventions (CF 1.11, sections 2.5.1 and 8.1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from pare.data.formats.stored_array import StoredArray, readable

NETCDF = ".nc"
NUMBERS = "iuf"
SCALE, OFFSET = "scale_factor", "add_offset"
MISSING = ("_FillValue", "missing_value")
FILL = 15 * 2.0**119  # 9.97e36, with which the NetCDF library fills arrays of real numbers before they are written


@dataclass(frozen=True)
class Packing:
    """How numbers become those that are meant.

    Attributes:
        scale: they are multiplied by this, and then
        offset: this is added.
        missing: numbers, as stored, that mean there is none; NaN always does.
        unsigned: whether whole numbers are stored in a type with a sign, and meant without one.
    """

    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()
    unsigned: bool = False

    @classmethod
    def of(cls, attributes: Mapping[str, Any], *, filled: bool = False) -> "Packing":
        """What the attributes of an array say; ``filled`` where `FILL` is what nobody has written."""
        said = [*(attributes.get(name, ()) for name in MISSING), FILL if filled else ()]
        marks = np.concatenate([np.ravel(mark).astype(np.float64) for mark in said])
        scale, offset = (float(np.ravel(attributes.get(name, none))[0]) for name, none in ((SCALE, 1), (OFFSET, 0)))
        unsigned = attributes.get("_Unsigned", b"") in (b"true", "true")
        return cls(scale, offset, tuple(marks[~np.isnan(marks)].tolist()), unsigned)

    def dtype(self, stored: np.dtype) -> np.dtype:
        """Type of the numbers that are meant; ``stored`` is that of the file."""
        if self == Packing() or (stored.kind == "f" and self == Packing(missing=self.missing)):
            return stored.newbyteorder("=")
        return np.dtype(np.float64)

    def unpacked(self, values: np.ndarray) -> np.ndarray:
        """The numbers that are meant, NaN for a missing one."""
        dtype = self.dtype(values.dtype)
        if self == Packing():
            return values.astype(dtype, copy=False)
        with np.errstate(over="ignore"):  # a mark may be wider than the numbers
            marks = np.array(self.missing).astype(values.dtype if values.dtype.kind == "f" else np.float64)
        known = ~np.isin(values.astype(np.float64), marks)
        if self.unsigned and values.dtype.kind == "i":
            values = values.view(values.dtype.str.replace("i", "u"))
        return np.where(known, values.astype(dtype) * self.scale + self.offset, np.nan).astype(dtype, copy=False)


def version_3_arrays(path: Path) -> dict[str, StoredArray]:
    """The variables of numbers of a NetCDF file of version 3.

    Raises:
        PareError: if the file is damaged.
    """
    arrays = {}
    for name, (shape, dtype, packing) in _read(path, _variables).items():
        read = partial(_rows, path, name, packing)
        arrays[name] = StoredArray(f"{path}: {name}", shape, packing.dtype(dtype), read)
    return arrays


def _variables(file: scipy.io.netcdf_file) -> dict[str, tuple[tuple[int, ...], np.dtype, Packing]]:
    return {
        name: (
            variable.data.shape,
            variable.data.dtype,
            Packing.of(vars(variable), filled=variable.data.dtype.kind == "f"),
        )
        for name, variable in file.variables.items()
        if variable.data.dtype.kind in NUMBERS
    }


def _rows(path: Path, name: str, packing: Packing, start: int, stop: int) -> np.ndarray:
    stored = _read(path, lambda file: file.variables[name].data[start:stop].copy())
    return packing.unpacked(stored)


def _read(path: Path, take: Callable[[scipy.io.netcdf_file], Any]) -> Any:
    """What is taken of a file, which may not refer to it."""
    with readable(path, Exception), scipy.io.netcdf_file(path, mmap=True) as file:  # scipy raises many types for damage
        return take(file)
