"""Numbers as NetCDF stores them: packed into whole numbers, with marks for missing ones; and files of version 3.

Version 4 is HDF5. The attributes are those of the climate and forecast conventions (CF 1.11, sections 2.5.1 and 8.1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from pare.config.errors import PareError
from pare.data.formats.stored_array import StoredArray, readable

NETCDF = ".nc"
NUMBERS = "iuf"
SCALE, OFFSET = "scale_factor", "add_offset"
MISSING = ("_FillValue", "missing_value")
# Numbers with which the NetCDF library fills arrays before they are written, by type; bytes have none.
FILLS: dict[str, float] = {"f4": 15 * 2.0**119, "f8": 15 * 2.0**119, "i2": -32767, "u2": 65535}
FILLS |= {"i4": -(2**31) + 1, "u4": 2**32 - 1, "i8": -(2**63) + 2, "u8": 2**64 - 2}


@dataclass(frozen=True)
class Packing:
    """How numbers become those that are meant.

    Attributes:
        scale: they are multiplied by this, and then
        offset: this is added.
        missing: numbers, as stored, that mean there is none; NaN always does.
        unsigned: whether whole numbers are stored in a type with a sign, and meant without one.
        valid: least and greatest number, as stored; any other means that there is none.
        several: attributes that say something else of each channel, which is not read.
        unwritten: whole number that no place may hold, as nobody has written there; None: any may be held.
    """

    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()
    unsigned: bool = False
    valid: tuple[float, float] = (-np.inf, np.inf)
    several: tuple[str, ...] = ()
    unwritten: float | None = None

    @classmethod
    def of(cls, attributes: Mapping[str, Any], fill: float | None = None) -> "Packing":
        """What the attributes of an array say; ``fill`` is the number of `FILLS` where nobody has written."""
        real = isinstance(fill, float)
        said = [*(attributes.get(name, ()) for name in MISSING), fill if real else ()]
        marks = np.concatenate([np.ravel(mark).astype(np.float64) for mark in said])
        scale, offset = (np.unique(attributes.get(name, none)) for name, none in ((SCALE, 1), (OFFSET, 0)))
        least, greatest = attributes.get("valid_min", -np.inf), attributes.get("valid_max", np.inf)
        unsigned = attributes.get("_Unsigned", b"") in (b"true", "true")
        return cls(
            float(scale[0]),
            float(offset[0]),
            tuple(marks[~np.isnan(marks)].tolist()),
            unsigned,
            valid=(-np.inf, np.inf) if unsigned else tuple(np.ravel(attributes.get("valid_range", (least, greatest)))),
            several=tuple(name for name, values in ((SCALE, scale), (OFFSET, offset)) if len(values) > 1),
            unwritten=None if real or "_FillValue" in attributes else fill,
        )

    def dtype(self, stored: np.dtype) -> np.dtype:
        """Type of the numbers that are meant; ``stored`` is that of the file."""
        same = Packing(unwritten=self.unwritten)
        marked = replace(same, missing=self.missing, valid=self.valid)
        if self == same or (stored.kind == "f" and self == marked):
            return stored.newbyteorder("=")
        return np.dtype(np.float64)

    def unpacked(self, values: np.ndarray, where: str = "the array") -> np.ndarray:
        """The numbers that are meant, NaN for a missing one.

        Args:
            values: numbers as stored.
            where: what messages call their array.

        Raises:
            PareError: if they are packed in several ways, or some were never written.
        """
        if self.several:
            raise PareError(
                f"{where} has several numbers in its attribute {' and '.join(self.several)}, and which axis they are "
                "for is not known; multiply and add them yourself, and save the result without these attributes"
            )
        if self.unwritten is not None and (values == self.unwritten).any():
            raise PareError(
                f"{where} holds {self.unwritten}, with which NetCDF fills what nobody has written; write these places, "
                "or leave them out of the file"
            )
        dtype = self.dtype(values.dtype)
        if self == Packing(unwritten=self.unwritten):
            return values.astype(dtype, copy=False)
        with np.errstate(over="ignore"):  # a mark may be wider than the numbers
            marks = np.array(self.missing).astype(values.dtype if values.dtype.kind == "f" else np.float64)
        known = ~np.isin(values.astype(np.float64), marks) & (values >= self.valid[0]) & (values <= self.valid[1])
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
            Packing.of(vars(variable), FILLS.get(variable.data.dtype.str[1:])),
        )
        for name, variable in file.variables.items()
        if variable.data.dtype.kind in NUMBERS
    }


def _rows(path: Path, name: str, packing: Packing, start: int, stop: int) -> np.ndarray:
    stored = _read(path, lambda file: file.variables[name].data[start:stop].copy())
    return packing.unpacked(stored, f"{path}: {name}")


def _read(path: Path, take: Callable[[scipy.io.netcdf_file], Any]) -> Any:
    """What is taken of a file, which may not refer to it."""
    with readable(path, Exception), scipy.io.netcdf_file(path, mmap=True) as file:  # scipy raises many types for damage
        return take(file)
