"""Diffusion-reaction of PDEBench in one dimension, u_t = ν u_xx + ρ u (1 - u) (Fisher–KPP).

Source: Takamoto et al., 2022, "PDEBench: an extensive benchmark for scientific machine learning", appendix D.3.
Notation for shapes: B samples, T frames, X cells.
"""

from pathlib import Path

import numpy as np
from pydantic import NonNegativeInt, PositiveInt
from scipy.fft import irfft, rfft

from pare.paper.simulators.parallel import random_generator, simulate_batches
from pare.paper.simulators.pdebench_files import (
    FRAME_STEP,
    at_cell_centres,
    cell_centres,
    fine_cell_centres,
    write_trajectories,
)
from pare.paper.simulators.waves import draw_waves, to_unit_range

NU, RHO = 0.5, 1.0
_FRAMES = 101  # t from 0 to 1
_STEPS = 4  # per frame; leaves an error of 2e-6
_FIRST = 16  # times as many steps in the first frame, where short waves decay
_BATCH = 16


def solve_diffusion_reaction(
    initial: np.ndarray, frames: int, frame_step: float, *, length: float, nu: float, rho: float, steps: int = _STEPS
) -> np.ndarray:
    """Solve u_t = ν u_xx + ρ u (1 - u) with period ``length``.

    Strang splitting of second order in time: half a step of reaction, which has a formula (the logistic
    function), a step of diffusion, exact in Fourier space, and half a step of reaction.

    Args:
        initial: u at equidistant points, ``(B, X)``.
        frames: number of states wanted, the initial one included, T.
        frame_step: time between two of them.
        length: period of x.
        nu: diffusion coefficient.
        rho: rate of growth.
        steps: time steps between two frames; 16 times as many between the first two.

    Returns:
        u, ``(B, T, X)``.
    """
    points = initial.shape[-1]
    k = 2 * np.pi / length * np.arange(points // 2 + 1)
    u = np.empty((len(initial), frames, points))
    u[:, 0] = initial
    for frame in range(1, frames):
        number = steps * _FIRST if frame == 1 else steps
        decay = np.exp(-nu * k**2 * frame_step / number)
        now = u[:, frame - 1]
        for _ in range(number):
            now = _react(now, rho * frame_step / number / 2)
            now = irfft(rfft(now) * decay, points)
            now = _react(now, rho * frame_step / number / 2)
        u[:, frame] = now
    return u


def _react(u: np.ndarray, time: float) -> np.ndarray:
    """Solution of u' = u (1 - u) after a time."""
    growth = np.exp(time)
    return growth * u / (1 + (growth - 1) * u)


def pdebench_diffusion_reaction_1d_simulation(
    folder: Path, resolution: PositiveInt = 1024, samples: PositiveInt = 1000, seed: NonNegativeInt = 0
) -> dict[str, str | None]:
    """Simulate the file of 1D diffusion-reaction with ν = 0.5, ρ = 1, named and laid out as the publisher's.

    x from 0 to 1, periodic; 101 frames from t = 0 to 1. Initial values reach from 0 to 1. Options:
    see `pare.paper.simulators`.
    """
    fine = fine_cell_centres(0, 1, resolution)

    def trajectories(numbers: range) -> dict[str, np.ndarray]:
        initial = [to_unit_range(draw_waves(random_generator(seed, i), length=1, waves=4)(fine)) for i in numbers]
        u = solve_diffusion_reaction(np.stack(initial), _FRAMES, FRAME_STEP, length=1, nu=NU, rho=RHO)
        return {"tensor": at_cell_centres(u)}

    return write_trajectories(
        folder / f"ReacDiff_Nu{NU}_Rho{RHO}.hdf5",
        simulate_batches(trajectories, samples, _BATCH, f"simulating diffusion-reaction ({resolution} cells)"),
        samples,
        cell_centres(0, 1, resolution),
        parameters={"Nu": NU, "rho": RHO},
        frames=_FRAMES,
    )
