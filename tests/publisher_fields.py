"""Raw files of fields in their publishers' layouts: Darcy flow of the Fourier operator's authors, and PDEBench."""

from pathlib import Path

import h5py
import numpy as np
import scipy.io


def write_darcy_flow(folder: Path, rows: int = 12, seed: int = 0) -> dict:
    """The two MATLAB 5 files on 421 points, with blocks of 3 and 12 and a bump for a solution."""
    draw = np.random.default_rng(seed)
    x = np.linspace(0, 1, 421)
    bump = np.sin(np.pi * x)[:, None] * np.sin(np.pi * x)
    written = {}
    for part in (1, 2):
        coeff = draw.choice([3.0, 12.0], (rows, 8, 8)).repeat(53, 1).repeat(53, 2)[:, :421, :421]
        sol = bump / coeff.mean((1, 2), keepdims=True)
        scipy.io.savemat(folder / f"piececonst_r421_N1024_smooth{part}.mat", {"coeff": coeff, "sol": sol})
        written[part] = {"coeff": coeff, "sol": sol}
    return written


# ---------------------------------------------------------------------- pdebench


def _pdebench_arrays(path: Path, arrays: dict[str, np.ndarray], attributes: dict[str, float], times: int) -> dict:
    """One array per variable and the coordinates; the publisher's time axis has one entry more than frames."""
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        for axis, n in zip("xy", next(iter(arrays.values())).shape[2 if times else 1 :], strict=False):
            file[f"{axis}-coordinate"] = ((np.arange(n) + 0.5) / n).astype(np.float32)
        if times:
            file["t-coordinate"] = (np.arange(times + 1) * 0.01).astype(np.float32)
        file.attrs.update(attributes)
    return arrays


def _pdebench_groups(path: Path, data: np.ndarray, axes: str, end: float) -> dict:
    """One group per sample: ``data``, ``(time, *grid, channels)``, and ``grid/x``, ``grid/t``, …"""
    with h5py.File(path, "w") as file:
        for i, values in enumerate(data):
            group = file.create_group(f"{i:04d}")
            group.create_dataset("data", data=values, compression="lzf")
            for axis, n in zip(axes, values.shape[1:-1], strict=True):
                group[f"grid/{axis}"] = ((np.arange(n) + 0.5) / n).astype(np.float32)
            group["grid/t"] = np.linspace(0, end, len(values), dtype=np.float32)
    return {"data": data}


def _moving(rng: np.random.Generator, rows: int, frames: int, grid: tuple[int, ...], mean: float = 1.0) -> np.ndarray:
    """Waves that move and fade, ``(rows, frames, *grid)``: every row, frame and point has values of its own."""
    phase, size = rng.uniform(0.2, 1, (2, rows, 1) + (1,) * len(grid)).astype(np.float32)
    time = np.linspace(0, 1, frames, dtype=np.float32).reshape(-1, *(1,) * len(grid))
    space = sum(np.meshgrid(*(np.arange(n, dtype=np.float32) / n for n in grid), indexing="ij"))
    return mean + size * (1 - time / 2) * np.sin(2 * np.pi * (space - time + phase))


def write_pdebench_advection(folder: Path, rows: int, rng: np.random.Generator, cells: int = 256) -> dict:
    """``tensor`` of 201 frames; the publisher's file has 10,000 rows and 1024 cells."""
    arrays = {"tensor": _moving(rng, rows, 201, (cells,))}
    return _pdebench_arrays(folder / "1D_Advection_Sols_beta0.4.hdf5", arrays, {"beta": 0.4}, 201)


def write_pdebench_burgers(folder: Path, rows: int, rng: np.random.Generator, cells: int = 256) -> dict:
    """``tensor`` of 201 frames; the publisher's file has 10,000 rows and 1024 cells."""
    arrays = {"tensor": _moving(rng, rows, 201, (cells,))}
    return _pdebench_arrays(folder / "1D_Burgers_Sols_Nu1.0.hdf5", arrays, {"Nu": 1.0}, 201)


def write_pdebench_diffusion_reaction_1d(folder: Path, rows: int, rng: np.random.Generator, cells: int = 256) -> dict:
    """``tensor`` of 101 frames; the publisher's file has 10,000 rows and 1024 cells."""
    arrays = {"tensor": _moving(rng, rows, 101, (cells,))}
    return _pdebench_arrays(folder / "ReacDiff_Nu0.5_Rho1.0.hdf5", arrays, {"Nu": 0.5, "rho": 1.0}, 101)


def write_pdebench_diffusion_sorption(folder: Path, rows: int, rng: np.random.Generator, cells: int = 256) -> dict:
    """Groups of 101 frames and one channel; the publisher's file has 10,000 groups and 1024 cells."""
    return _pdebench_groups(folder / "1D_diff-sorp_NA_NA.h5", _moving(rng, rows, 101, (cells,))[..., None], "x", 500)


def write_pdebench_navier_stokes_1d(folder: Path, rows: int, rng: np.random.Generator, cells: int = 128) -> dict:
    """Three variables of 101 frames; the publisher's file has 10,000 rows and 1024 cells."""
    means = {"density": 6.0, "pressure": 60.0, "Vx": 0.0}
    arrays = {name: _moving(rng, rows, 101, (cells,), mean) for name, mean in means.items()}
    name = "1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5"
    return _pdebench_arrays(folder / name, arrays, {"eta": 0.1, "zeta": 0.1}, 101)


def write_pdebench_darcy(folder: Path, rows: int, rng: np.random.Generator, cells: int = 128) -> dict:
    """Coefficients ``nu`` and solutions ``tensor``, with an axis of length 1; the publisher's file has 10,000 rows."""
    u = _moving(rng, rows, 1, (cells, cells))
    arrays = {"nu": np.where(_moving(rng, rows, 1, (cells, cells))[:, 0] > 1, 1, 0.1).astype(np.float32), "tensor": u}
    return _pdebench_arrays(folder / "2D_DarcyFlow_beta0.1_Train.hdf5", arrays, {"beta": 0.1}, 0)


def write_pdebench_shallow_water(folder: Path, rows: int, rng: np.random.Generator, cells: int = 128) -> dict:
    """Groups of 101 frames and one channel; the publisher's file has 1,000 groups."""
    return _pdebench_groups(folder / "2D_rdb_NA_NA.h5", _moving(rng, rows, 101, (cells, cells))[..., None], "xy", 1)


def write_pdebench_diffusion_reaction_2d(
    folder: Path, rows: int, rng: np.random.Generator, cells: int = 64, frames: int = 101
) -> dict:
    """Groups of two channels; the publisher's file has 1,000 groups, 101 frames and 128 cells an axis."""
    data = np.stack([_moving(rng, rows, frames, (cells, cells), mean) for mean in (0.0, 0.5)], axis=-1)
    return _pdebench_groups(folder / "2D_diff-react_NA_NA.h5", data, "xy", 5)
