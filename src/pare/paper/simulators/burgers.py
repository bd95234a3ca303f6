"""Burgers' equation of PDEBench, u_t + u u_x = ν/π u_xx, solved exactly by the Cole–Hopf transform.

Source: Takamoto et al., 2022, "PDEBench: an extensive benchmark for scientific machine learning", appendix D.2.
Notation for shapes: B samples, T frames, X cells.
"""

from pathlib import Path

import numpy as np
from pydantic import NonNegativeInt, PositiveInt
from scipy.fft import irfft, rfft

from pare.paper.simulators.parallel import random_generator, simulate_samples
from pare.paper.simulators.pdebench_files import (
    at_cell_centres,
    cell_centres,
    fine_cell_centres,
    frame_times,
    write_trajectories,
)
from pare.paper.simulators.waves import draw_waves

NU = 1.0
_FRAMES = 201  # t from 0 to 2
_LARGEST_EXPONENT = 25  # beyond it the smallest values of φ drown in the rounding errors of the largest


def solve_burgers(initial: np.ndarray, times: np.ndarray, length: float, viscosity: float) -> np.ndarray:
    """Solve u_t + u u_x = viscosity · u_xx with period ``length``.

    In the frame that moves with the mean of u, u = -2 · viscosity · φ_x / φ, where φ solves the heat equation,
    exactly in Fourier space.

    Args:
        initial: u at equidistant points, ``(X,)``.
        times: when u is wanted, ``(T,)``.
        length: period of x.
        viscosity: coefficient of u_xx.

    Returns:
        u, ``(T, X)``.

    Raises:
        ValueError: if the viscosity is too small for the transform to keep its digits.
    """
    k = 2 * np.pi / length * np.arange(len(initial) // 2 + 1)
    k_inner = np.where(k == k[-1], 0, k) if len(initial) % 2 == 0 else k  # the last mode has no odd derivative
    mean = initial.mean()
    modes = rfft(initial - mean)
    modes[0] = 0
    potential = irfft(np.divide(modes, 1j * k_inner, out=np.zeros_like(modes), where=k_inner > 0), len(initial))
    exponent = -(potential - potential.max()) / (2 * viscosity)
    if exponent.max() > _LARGEST_EXPONENT:
        raise ValueError(
            f"the potential of u spans {exponent.max():.0f} times 2 · viscosity, expected at most {_LARGEST_EXPONENT}"
        )
    # The drift with the mean is a shift, a factor of each mode.
    evolution = np.exp(-(viscosity * k**2 + 1j * k_inner * mean) * times[:, None])
    phi = rfft(np.exp(exponent)) * evolution
    return mean - 2 * viscosity * irfft(1j * k_inner * phi, len(initial)) / irfft(phi, len(initial))


def pdebench_burgers_simulation(
    folder: Path, resolution: PositiveInt = 1024, samples: PositiveInt = 1000, seed: NonNegativeInt = 0
) -> dict[str, str | None]:
    """Simulate the file of Burgers' equation with ν = 1, named and laid out as the publisher's.

    x from -1 to 1, periodic, as in the publisher's file (its paper says 0 to 1); 201 frames from t = 0 to 2. The
    equation is that of the paper, and of the publisher's file since April 2024; the flux of the file before was
    twice as large. Options: see `pare.paper.simulators`.
    """
    fine, times = fine_cell_centres(-1, 1, resolution), frame_times(_FRAMES)

    def trajectory(index: int) -> dict[str, np.ndarray]:
        u0 = draw_waves(random_generator(seed, index), length=2, waves=4)
        u = solve_burgers(u0(fine), times, length=2, viscosity=NU / np.pi)
        return {"tensor": at_cell_centres(u)}

    return write_trajectories(
        folder / f"1D_Burgers_Sols_Nu{NU}.hdf5",
        simulate_samples(trajectory, samples, f"simulating Burgers' equation ({resolution} cells)"),
        samples,
        cell_centres(-1, 1, resolution),
        parameters={"Nu": NU},
        frames=_FRAMES,
    )
