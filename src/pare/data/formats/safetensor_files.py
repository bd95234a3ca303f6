"""Tensors in ``.safetensors`` files, of which only the rows that are asked for are read."""

from functools import partial
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from pare.data.formats.stored_array import DAMAGES, StoredArray, readable

SAFETENSORS = ".safetensors"
KINDS = {"F": "f", "I": "i", "U": "u", "BOOL": "b"}  # how the files name types, before the number of bits
ERRORS = (SafetensorError, *DAMAGES)


def safetensors_arrays(path: Path) -> dict[str, StoredArray]:
    """Every tensor of numbers of a file by its name; those of types that numpy does not know are passed over.

    Raises:
        PareError: if the file is damaged.
    """
    arrays = {}
    with readable(path, ERRORS), safe_open(path, "numpy") as file:
        for name in file.keys():  # noqa: SIM118 - it is no mapping
            tensor = file.get_slice(name)
            kind = tensor.get_dtype().rstrip("0123456789")
            if kind in KINDS:
                bits = int(tensor.get_dtype().removeprefix(kind) or 8)
                dtype = np.dtype(f"{KINDS[kind]}{bits // 8}")
                arrays[name] = StoredArray(
                    f"{path}: {name}", tuple(tensor.get_shape()), dtype, partial(_rows, path, name)
                )
    return arrays


def _rows(path: Path, name: str, start: int, stop: int) -> np.ndarray:
    with readable(path, ERRORS), safe_open(path, "numpy") as file:
        rows: np.ndarray = file.get_slice(name)[start:stop]
        return rows
