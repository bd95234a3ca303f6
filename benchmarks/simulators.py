"""Samples per second of PDEBench's simulators at their default settings, and the cost of general solvers.

    python benchmarks/simulators.py                        # all eight at their defaults, several minutes on two cores
    python benchmarks/simulators.py --samples 64           # fewer samples of each
    python benchmarks/simulators.py --tasks pdebench_diffusion_reaction_2d

Each simulator writes its file as ``kedro run --pipelines=ingest`` does. Where a general solver can do the same, it then
solves the first samples of that file again, from what the file holds at t = 0, and both are compared: processor time
per sample, and how far apart they are in the last frame, relative to the norm of the solution. Processor time counts
all threads, so that it does not depend on the number of cores or on what else the machine does.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse
from scipy.integrate import solve_ivp
from scipy.sparse.linalg import spsolve

from harness import library, options, show
from pare.data.registries import ORIGINS, bind_options
from pare.paper.simulators.diffusion_sorption import D, boundary_fluxes, isotherm
from pare.paper.simulators.shallow_water import solve_shallow_water

Compared = tuple[np.ndarray, np.ndarray]  # last frame by the general solver, and in the file


def burgers_lines(file: h5py.File, number: int) -> Compared:
    """Burgers' equation by finite volumes and implicit steps."""
    trajectory = file["tensor"][number].astype(float)
    cells = trajectory.shape[1]
    step, viscosity = 2 / cells, file.attrs["Nu"] / np.pi

    def rate(_: float, u: np.ndarray) -> np.ndarray:
        flux = (u**2 + np.roll(u, -1) ** 2) / 4 - viscosity * (np.roll(u, -1) - u) / step
        return (np.roll(flux, 1) - flux) / step

    return _implicit(rate, trajectory, 2.0, periodic=True)


def diffusion_reaction_1d_lines(file: h5py.File, number: int) -> Compared:
    """Fisher's equation by finite differences and implicit steps."""
    trajectory = file["tensor"][number].astype(float)
    cells = trajectory.shape[1]

    def rate(_: float, u: np.ndarray) -> np.ndarray:
        curvature = (np.roll(u, 1) + np.roll(u, -1) - 2 * u) * cells**2
        return file.attrs["Nu"] * curvature + file.attrs["rho"] * u * (1 - u)

    return _implicit(rate, trajectory, 1.0, periodic=True)


def diffusion_sorption_lines(file: h5py.File, number: int) -> Compared:
    """Diffusion-sorption by finite volumes and implicit steps."""
    trajectory = file[f"{number:04d}/data"][..., 0].astype(float)
    cells = trajectory.shape[1]

    def rate(_: float, u: np.ndarray) -> np.ndarray:
        left, right = boundary_fluxes(u)
        flux = np.concatenate([[left], -D * np.diff(u) * cells, [right]])
        return -np.diff(flux) * cells / isotherm(np.maximum(u, 0))[1]

    return _implicit(rate, trajectory, 500.0, periodic=False)


def _implicit(
    rate: Callable[[float, np.ndarray], np.ndarray], trajectory: np.ndarray, end: float, periodic: bool
) -> Compared:
    """Backward differentiation with the tridiagonal Jacobian's pattern, at tolerances that match the files."""
    cells = trajectory.shape[1]
    offsets = [-1, 0, 1] + ([cells - 1, 1 - cells] if periodic else [])
    pattern = sparse.diags([1.0] * len(offsets), offsets, shape=(cells, cells))
    times = np.linspace(0, end, len(trajectory))
    solution = solve_ivp(rate, (0, end), trajectory[0], "BDF", times, rtol=1e-5, atol=1e-7, jac_sparsity=pattern)
    return solution.y[:, -1], trajectory[-1]


def darcy_direct(file: h5py.File, number: int) -> Compared:
    """Darcy flow on the cells of the file by a sparse direct solver."""
    a = file["nu"][number].astype(float)
    n = len(a)
    index = np.arange(n * n).reshape(n, n)
    pairs = [(index[1:], index[:-1]), (index[:, 1:], index[:, :-1])]
    one, other = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    flow = 2 / (1 / a.ravel()[one] + 1 / a.ravel()[other]) * n**2
    edges = np.zeros((n, n))  # of a cell on the boundary, half a cell away
    for border in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        edges[border] += 2 * a[border] * n**2
    between = sparse.coo_matrix((flow, (one, other)), shape=(n * n, n * n))
    between = between + between.T
    total = np.asarray(between.sum(axis=1)).ravel() + edges.ravel()
    u = spsolve((sparse.diags(total) - between).tocsc(), np.full(n * n, file.attrs["beta"]))
    return u.reshape(n, n), file["tensor"][number, 0]


def shallow_water_whole(file: h5py.File, number: int) -> Compared:
    """The radial dam break by the simulator's scheme on the whole square, each sample alone."""
    heights = file[f"{number:04d}/data"][..., 0]
    return solve_shallow_water(heights[0], 5.0, np.linspace(0, 1, len(heights)))[-1], heights[-1]


def diffusion_reaction_2d_lines(file: h5py.File, number: int) -> Compared:
    """The FitzHugh–Nagumo equations as the publisher solves them: explicit steps at scipy's own tolerances."""
    data = file[f"{number:04d}/data"]
    start = np.moveaxis(data[0].astype(float), -1, 0)
    n = data.shape[1]
    second = sparse.diags([1.0, -2.0, 1.0], [-1, 0, 1], shape=(n, n)).tolil()
    second[0, 0] = second[-1, -1] = -1
    laplacian = (sparse.kronsum(second, second) * (n / 2) ** 2).tocsr()

    def rate(_: float, state: np.ndarray) -> np.ndarray:
        u, v = state.reshape(2, -1)
        u_t = u - u**3 - 5e-3 - v + 1e-3 * (laplacian @ u)
        return np.concatenate([u_t, u - v + 5e-3 * (laplacian @ v)])

    times = np.linspace(0, 5, len(data))
    solution = solve_ivp(rate, (0, 5), start.ravel(), t_eval=times)
    return np.moveaxis(solution.y[:, -1].reshape(start.shape), 0, -1), data[-1]


ALTERNATIVES: dict[str, tuple[str, Callable[[h5py.File, int], Compared]]] = {
    "pdebench_burgers": ("solve_ivp, BDF", burgers_lines),
    "pdebench_diffusion_reaction_1d": ("solve_ivp, BDF", diffusion_reaction_1d_lines),
    "pdebench_diffusion_sorption": ("solve_ivp, BDF", diffusion_sorption_lines),
    "pdebench_darcy": ("spsolve", darcy_direct),
    "pdebench_shallow_water": ("whole square", shallow_water_whole),
    "pdebench_diffusion_reaction_2d": ("solve_ivp, RK45", diffusion_reaction_2d_lines),
}


def measure(task: str, asked: dict, compared: int) -> None:
    """Simulate a task's file, solve its first samples again, and print both."""
    origin = f"{task}_simulation"
    simulate = bind_options("origin", origin, ORIGINS[origin].load(), asked)
    count = asked["samples"]
    with tempfile.TemporaryDirectory() as folder:
        clock, processor = time.perf_counter(), time.process_time()
        (name,) = simulate(Path(folder))
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        size = (Path(folder) / name).stat().st_size
        seconds, notes = {"simulator, a sample": [processor / count]}, {}
        if task in ALTERNATIVES and compared:
            way, solve = ALTERNATIVES[task]
            with h5py.File(Path(folder) / name) as file:
                started = time.process_time()
                pairs = [solve(file, number) for number in range(min(compared, count))]
                seconds[way] = [(time.process_time() - started) / len(pairs)]
            distance = max(np.linalg.norm(general - stored) / np.linalg.norm(stored) for general, stored in pairs)
            notes[way] = f"distance {distance:.0e}"
    show(f"{task}, {asked['resolution']} points: {count} samples, {size / 1e6:.0f} MB in {clock:.1f} s", seconds, notes)


def main() -> None:
    """Measure the simulators one by one; at most so many samples, of which some are solved again."""
    tasks = library().tasks
    names = sorted(name for name in tasks if name.startswith("pdebench_"))
    asked = options(__doc__, tasks=names, samples=10_000, compared=2)
    for task in asked.tasks:
        default = tasks[task]["raw"]["origins"][f"{task}_simulation"]["options"]
        measure(task, default | {"samples": min(default["samples"], asked.samples)}, asked.compared)


if __name__ == "__main__":
    main()
