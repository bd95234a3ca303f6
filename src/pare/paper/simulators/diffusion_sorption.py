"""Diffusion of a dissolved substance that sticks to the soil, PDEBench's diffusion-sorption.

R(u) u_t = D u_xx with the retardation factor of Freundlich's isotherm. Source: Takamoto et al., 2022, "PDEBench: an
extensive benchmark for scientific machine learning", appendix D.4.
Notation for shapes: B samples, T frames, X cells.
"""

from math import ceil, sqrt
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt
from scipy.linalg import solve_banded

from pare.paper.simulators.parallel import PUBLISHER_SAMPLES, publisher_generator, simulate_batches
from pare.paper.simulators.pdebench_files import cell_centres, write_grouped

D = 5e-4  # diffusion coefficient
_POROSITY, _BULK_DENSITY, _FREUNDLICH_FACTOR, _FREUNDLICH_EXPONENT = 0.29, 2880.0, 3.5e-4, 0.874
_SORPTION = (1 - _POROSITY) / _POROSITY * _BULK_DENSITY * _FREUNDLICH_FACTOR
_FLOOR = 1e-6  # added to u, as by the publisher: the isotherm's slope has no bound at 0
_FRAMES = 101  # t from 0 to 500
_FRAME_STEP = 5.0
_STEPS = 12  # time steps in the first frame; leaves less error than 256 cells do
_BATCH = 32
_GAMMA = 1 - sqrt(0.5)
# Newton's method squares the error, so that a change of 1e-6 leaves less than 1e-11.
_NEWTON_STEPS, _NEWTON_TOLERANCE = 20, 1e-6


def isotherm(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Total concentration and retardation factor where u is dissolved.

    The total is what is dissolved and what sticks to the soil, per volume of pores; the retardation factor
    R(u) = 1 + (1 - φ) / φ · ρ k n u^(n - 1) is its derivative.
    """
    slope = (u + _FLOOR) ** (_FREUNDLICH_EXPONENT - 1)
    return u + _SORPTION * (u + _FLOOR) * slope, 1 + _SORPTION * _FREUNDLICH_EXPONENT * slope


def solve_diffusion_sorption(
    initial: np.ndarray, cells: int, frames: int = _FRAMES, frame_step: float = _FRAME_STEP, steps: int = _STEPS
) -> np.ndarray:
    """Solve R(u) u_t = D u_xx on x from 0 to 1 with u = 1 at x = 0 and u = -D u_x at x = 1.

    The boundary at x = 1 has the sign of the publisher's code, by which substance leaves; with that of its paper,
    u = D u_x, a disturbance at the boundary would grow without bound.

    Finite volumes of second order for the total concentration, whose balance they keep exactly; in time an
    L-stable, diagonally implicit Runge–Kutta method of second order (Alexander, 1977), since u jumps at x = 0 when
    time begins. Steps grow with the square root of time, as the layer at x = 0 does.

    Args:
        initial: u at t = 0, constant in space, ``(B,)``.
        cells: cells of x, X.
        frames: number of states wanted, the initial one included, T.
        frame_step: time between two of them.
        steps: time steps between the first two frames.

    Returns:
        u in the cells, ``(B, T, X)``.
    """
    u = np.empty((len(initial), frames, cells))
    u[:, 0] = initial[:, None]
    for frame in range(1, frames):
        number = ceil(steps * (sqrt(frame) - sqrt(frame - 1)))
        now = u[:, frame - 1]
        for _ in range(number):
            now = _implicit_step(now, frame_step / number)
        u[:, frame] = now
    return u


def boundary_fluxes(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fluxes -D u_x into the domain at x = 0 and out of it at x = 1, each ``(…,)`` for u of ``(…, X)``."""
    half = 0.5 / u.shape[-1]
    return D * (1 - u[..., 0]) / half, D * u[..., -1] / (D + half)


def _diffusion(u: np.ndarray) -> np.ndarray:
    """Net inflow of each cell per length, ``(B, X)``."""
    step = 1 / u.shape[-1]
    left, right = boundary_fluxes(u)
    flux = np.concatenate([left[:, None], -D * np.diff(u) / step, right[:, None]], axis=1)
    return -np.diff(flux) / step


def _implicit_step(u: np.ndarray, step: float) -> np.ndarray:
    """One time step."""
    start, _ = isotherm(u)
    stage = _solve_implicit(u, start, _GAMMA * step)
    return _solve_implicit(stage, start + (1 - _GAMMA) * step * _diffusion(stage), _GAMMA * step)


def _solve_implicit(guess: np.ndarray, right: np.ndarray, step: float) -> np.ndarray:
    """Find u with total concentration - step · diffusion = right, all ``(B, X)``, by Newton's method.

    All samples form one tridiagonal system, in which no sample is coupled to another.
    """
    cells = guess.shape[1]
    bands = np.zeros((3, *guess.shape))
    bands[0, :, 1:] = bands[2, :, :-1] = -step * D * cells**2
    own = np.full(cells, 2 * D * cells**2)
    own[0] = 3 * D * cells**2
    own[-1] = D * cells**2 + D / (D + 0.5 / cells) * cells
    u = guess
    for _ in range(_NEWTON_STEPS):
        total, retardation = isotherm(u)
        residual = total - step * _diffusion(u) - right
        bands[1] = retardation + step * own
        change = solve_banded((1, 1), bands.reshape(3, -1), residual.ravel(), check_finite=False).reshape(u.shape)
        # The isotherm is steep at 0: a step that would leave it goes half of the way.
        u = np.maximum(u - change, u / 2)
        if np.abs(change).max() < _NEWTON_TOLERANCE:
            return u
    raise ArithmeticError(f"Newton's method did not converge to {_NEWTON_TOLERANCE} in {_NEWTON_STEPS} steps")


def pdebench_diffusion_sorption_simulation(
    folder: Path,
    resolution: Annotated[int, Field(ge=2)] = 1024,
    samples: Annotated[int, Field(ge=1, le=PUBLISHER_SAMPLES)] = 1000,
    seed: NonNegativeInt = 0,
) -> dict[str, str | None]:
    """Simulate the file of 1D diffusion-sorption, named and laid out as the publisher's.

    x from 0 to 1, 101 frames from t = 0 to 500. Samples differ in one number, the initial value, which is constant
    in space and uniform in [0, 0.2]; with seed 0 they are the publisher's. Options: see `pare.paper.simulators`.
    """

    def trajectories(numbers: range) -> dict[str, np.ndarray]:
        initial = np.array([publisher_generator(seed, i).uniform(0, 0.2) for i in numbers])
        return {"data": solve_diffusion_sorption(initial, resolution)[..., None]}

    return write_grouped(
        folder / "1D_diff-sorp_NA_NA.h5",
        simulate_batches(trajectories, samples, _BATCH, f"simulating diffusion-sorption ({resolution} cells)"),
        grid={"x": cell_centres(0, 1, resolution), "t": _FRAME_STEP * np.arange(_FRAMES)},
    )
