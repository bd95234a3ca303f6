"""The two HDF5 layouts in which PDEBench publishes its datasets, written sample by sample.

Sources: the published files (doi:10.18419/darus-2986) and Takamoto et al., 2022, "PDEBench: an extensive
benchmark for scientific machine learning".
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np

from pare.arrays.atomic import atomic_path


def write_stacked(
    path: Path, samples: Iterable[Mapping[str, np.ndarray]], count: int, coordinates: Mapping[str, np.ndarray]
) -> None:
    """Write one array per variable, ``(samples, …)`` float32, such as ``tensor``, beside the coordinates.

    Args:
        path: the file, which appears whole or not at all.
        samples: per sample, ``{variable: (…)}``; the first axis of a time series is time.
        count: number of samples.
        coordinates: ``{"x-coordinate": (X,), "t-coordinate": (T + 1,), …}``; stored as float32.
    """
    with atomic_path(path) as unfinished, h5py.File(unfinished, "w") as file:
        for name, values in coordinates.items():
            file.create_dataset(name, data=np.asarray(values, np.float32))
        for i, sample in enumerate(samples):
            for name, values in sample.items():
                if i == 0:
                    file.create_dataset(name, (count, *values.shape), dtype=np.float32)
                file[name][i] = values


def write_grouped(path: Path, samples: Iterable[np.ndarray], grid: Mapping[str, np.ndarray]) -> None:
    """Write one group per sample, ``0000``, ``0001``, …, with ``data`` and ``grid/x``, ``grid/t``, … in each.

    Args:
        path: the file, which appears whole or not at all.
        samples: per sample, ``(time, *space, channels)``; stored as float32.
        grid: ``{"x": (X,), "t": (T,), …}``; stored as float32.
    """
    with atomic_path(path) as unfinished, h5py.File(unfinished, "w") as file:
        for i, values in enumerate(samples):
            group = file.create_group(f"{i:04d}")
            group.create_dataset("data", data=np.asarray(values, np.float32))
            for name, axis in grid.items():
                group.create_dataset(f"grid/{name}", data=np.asarray(axis, np.float32))
