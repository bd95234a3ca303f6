"""The model input of one task: an HDF5 file with a row per sample, written as a stream, read by rows.

Layout: groups ``train``, ``validation`` and ``test``, each with ``x`` and ``y``; group ``statistics`` with
the arrays that normalised them; the attributes ``fingerprint`` and ``description`` (JSON).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pare.config.errors import PareError

SPLITS = ("train", "validation", "test")
Block = tuple[str, np.ndarray, np.ndarray]


def write_store(
    path: Path,
    *,
    blocks: Iterable[Block],
    statistics: Mapping[str, np.ndarray],
    fingerprint: str,
    description: Mapping[str, Any],
) -> None:
    """Write a store from a stream of blocks; only one block is in memory at a time.

    Args:
        path: file to create.
        blocks: ``(split, x, y)`` with ``x`` and ``y`` of shape ``(rows, …)``, in any order of splits.
        statistics: arrays that normalised the rows.
        fingerprint: of everything that the content depends on.
        description: anything JSON can hold.
    """
    with h5py.File(path, "w") as file:
        for split, x, y in blocks:
            for name, rows in (("x", x), ("y", y)):
                _append(file.require_group(split), name, rows)
        for name, array in statistics.items():
            file.create_dataset(f"statistics/{name}", data=array)
        file.attrs["fingerprint"] = fingerprint
        file.attrs["description"] = json.dumps(description)


def _append(group: h5py.Group, name: str, rows: np.ndarray) -> None:
    if name not in group:
        group.create_dataset(
            name,
            shape=(0, *rows.shape[1:]),
            maxshape=(None, *rows.shape[1:]),
            dtype=rows.dtype,
            chunks=_chunk(rows),
        )
    data = group[name]
    data.resize(len(data) + len(rows), axis=0)
    data[len(data) - len(rows) :] = rows


def _chunk(rows: np.ndarray) -> tuple[int, ...]:
    """One row a chunk, or as many small rows as fill 16 KiB: shuffled reading touches little else."""
    row_bytes = max(1, rows[:1].nbytes)
    return (max(1, 16_384 // row_bytes), *rows.shape[1:])


class Rows:
    """Samples of one split, read from disk as they are asked for; a map-style dataset for torch.

    The file is opened on first use, so each worker process has a handle of its own.
    """

    def __init__(self, path: Path, split: str) -> None:
        self.path, self.split = path, split
        with h5py.File(path, "r") as file:
            group = file.get(split)
            self.length = len(group["x"]) if group is not None else 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, row: int) -> dict[str, np.ndarray]:
        return {"x": self._group["x"][row], "y": self._group["y"][row]}

    def __getitems__(self, rows: Sequence[int]) -> list[dict[str, np.ndarray]]:
        """One batch by a single sorted read, in the order asked for."""
        wanted, back = np.unique(rows, return_inverse=True)  # HDF5 takes rows in order, each once
        x, y = self._group["x"][wanted], self._group["y"][wanted]
        return [{"x": x[i], "y": y[i]} for i in back]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_group"}

    @cached_property
    def _group(self) -> h5py.Group:
        return h5py.File(self.path, "r")[self.split]


class ArrayStore:
    """A store on disk, opened for reading.

    Raises:
        PareError: where the file is missing or is not a whole store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with h5py.File(path, "r") as file:
                self.fingerprint = str(file.attrs["fingerprint"])
                self.description: dict[str, Any] = json.loads(file.attrs["description"])
                self.statistics = {name: array[()] for name, array in file.get("statistics", {}).items()}
        except (OSError, KeyError, ValueError) as error:
            raise PareError(
                f"{path} is missing or not a whole model-input file ({error}); run `kedro run --pipelines=preprocess`"
            ) from error

    def rows(self, split: str) -> Rows:
        """Samples of ``train``, ``validation`` or ``test``."""
        return Rows(self.path, split)
