"""The two HDF5 layouts in which PDEBench publishes its datasets, written sample by sample, and their grids.

Sources: the published files (doi:10.18419/darus-2986) and Takamoto et al., 2022, "PDEBench: an extensive
benchmark for scientific machine learning".
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from pare.data.made_here import made_file
from pare.storage.hdf5 import new_hdf5

FRAME_STEP = 0.01  # time between two frames of the periodic equations in one dimension
_REFINEMENT = 3  # odd, so that the centres of coarse cells are centres of fine ones, too
_CHUNK = 16_384  # bytes; a smaller chunk costs more to find than to read


def write_stacked(
    path: Path,
    samples: Iterable[Mapping[str, np.ndarray]],
    count: int,
    coordinates: Mapping[str, np.ndarray],
    parameters: Mapping[str, float],
) -> dict[str, str | None]:
    """Write one array per variable, ``(samples, …)`` float32, such as ``tensor``, and the coordinates.

    Args:
        path: the file, which appears whole or not at all.
        samples: per sample, ``{variable: (…)}``; the first axis of a time series is time.
        count: number of samples.
        coordinates: ``{"x-coordinate": (X,), "t-coordinate": (T + 1,), …}``; stored as float32. The publisher's
            time axis has one entry more than there are frames.
        parameters: the equation's parameters, such as ``{"beta": 0.4}``; stored as attributes of the file.

    Returns:
        ``{file name: None}``, as an origin returns it; so do the other two.
    """
    with made_file(path) as unfinished, new_hdf5(unfinished) as new:
        new.file.attrs.update(parameters)
        for name, values in coordinates.items():
            new.write(name, np.asarray(values, np.float32))
        for i, sample in enumerate(samples):
            for name, values in sample.items():
                new.write(name, np.asarray(values, np.float32), i, (count, *values.shape))
    return {path.name: None}


def write_trajectories(
    path: Path,
    samples: Iterable[Mapping[str, np.ndarray]],
    count: int,
    x: np.ndarray,
    parameters: Mapping[str, float],
    frames: int,
) -> dict[str, str | None]:
    """Write trajectories in one dimension with `write_stacked`, their frames 0.01 apart from t = 0.

    Args:
        path: the file, which appears whole or not at all.
        samples: per trajectory, ``{variable: (frames, X)}``.
        count: number of trajectories.
        x: centres of the cells, ``(X,)``.
        parameters: the equation's parameters; stored as attributes of the file.
        frames: frames of a trajectory.
    """
    coordinates = {"x-coordinate": x, "t-coordinate": frame_times(frames + 1)}
    return write_stacked(path, samples, count, coordinates, parameters)


def write_grouped(
    path: Path, samples: Iterable[Mapping[str, np.ndarray] | int], grid: Mapping[str, np.ndarray]
) -> dict[str, str | None]:
    """Write one group per sample, ``0000``, ``0001``, …, with ``data`` and ``grid/x``, ``grid/t``, … in each.

    Args:
        path: the file, which appears whole or not at all.
        samples: per sample, ``{"data": (time, *space, channels)}``; stored as float32. A number refers to the
            data of that earlier sample, which are stored once.
        grid: ``{"x": (X,), "t": (T,), …}``; stored as float32.
    """
    with made_file(path) as unfinished, new_hdf5(unfinished) as new:
        for i, sample in enumerate(samples):
            if isinstance(sample, int):
                new.file[f"{i:04d}/data"] = new.file[f"{sample:04d}/data"]
            else:
                values = np.asarray(sample["data"], np.float32)
                # Chunks of few times, since readers want few of them. The publisher compresses with lzf, too.
                times = min(len(values), max(1, _CHUNK // values[0].nbytes))
                chunks = (times, *values.shape[1:])
                new.write(f"{i:04d}/data", values, chunks=chunks, compression="lzf", shuffle=True)
            for name, axis in grid.items():
                new.write(f"{i:04d}/grid/{name}", np.asarray(axis, np.float32))
    return {path.name: None}


def cell_centres(start: float, stop: float, cells: int) -> np.ndarray:
    """Centres of equal cells between two points, ``(cells,)``."""
    return start + (np.arange(cells) + 0.5) * (stop - start) / cells


def fine_cell_centres(start: float, stop: float, cells: int) -> np.ndarray:
    """Centres of cells a third as wide as those of `cell_centres`, for initial states that few cells cannot resolve."""
    return cell_centres(start, stop, _REFINEMENT * cells)


def at_cell_centres(fine: np.ndarray) -> np.ndarray:
    """Values at the centres of the wide cells, ``(…, cells)``, from those in the fine cells."""
    return fine[..., _REFINEMENT // 2 :: _REFINEMENT]


def frame_times(frames: int) -> np.ndarray:
    """Times of the frames of a periodic equation in one dimension, ``(frames,)``."""
    return FRAME_STEP * np.arange(frames)
