"""Diffusion-reaction of PDEBench in two dimensions, the FitzHugh–Nagumo equations.

u_t = 10⁻³ ∇²u + u - u³ - k - v and v_t = 5·10⁻³ ∇²v + u - v on [-1, 1]² without flux through the boundary.

Source: Takamoto et al., 2022, "PDEBench: an extensive benchmark for scientific machine learning", appendix D,
and the publisher's generator. Notation for shapes: B samples, T frames, n cells along an axis; the last axis holds
u (activator) and v (inhibitor).
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt
from scipy.fft import dctn, idctn
from scipy.linalg import expm

from pare.paper.simulators.parallel import PUBLISHER_SAMPLES, Arrays, publisher_generator, simulate_batches
from pare.paper.simulators.pdebench_files import cell_centres, write_grouped

DIFFUSION_U, DIFFUSION_V, K = 1e-3, 5e-3, 5e-3
_LONGEST_STEP = 0.05
_FIRST_STEPS = 4  # the noise of the initial state smooths out within the first step, which is divided
_BATCH_CELLS = 2**15  # cells of a batch: enough to outweigh the cost of a call, few enough for the cache


def solve_fitzhugh_nagumo(initial: np.ndarray, times: np.ndarray, longest_step: float = _LONGEST_STEP) -> np.ndarray:
    """Solve the equations, in the precision of the initial state.

    Five-point differences of second order, as the publisher's. Cosine transforms split their linear part,
    diffusion and reaction, into 2 × 2 systems, which matrix exponentials solve; the rest, -u³ - k, is taken along
    by the classical Runge-Kutta method (Lawson, 1967), so that the step follows from the reaction alone.

    Args:
        initial: u and v at the centres of the cells at the first time, ``(B, n, n, 2)``.
        times: when they are wanted, ascending and equidistant, ``(T,)``.
        longest_step: bound of the time step; 0.05 leaves a relative error below 10⁻⁴ from white noise.

    Returns:
        u and v, ``(B, T, n, n, 2)``.
    """
    interval = times[1] - times[0]
    steps = int(np.ceil(interval / longest_step - 1e-9))  # rounding errors must not add a step
    step, first = (_Step(initial, interval / steps / parts) for parts in (1, _FIRST_STEPS))
    result = np.empty((len(initial), len(times), *initial.shape[1:]), initial.dtype)
    result[:, 0] = initial
    u, v = _modes(initial[..., 0]), _modes(initial[..., 1])
    for frame in range(1, len(times)):
        schedule = [step] * steps if frame > 1 else [first] * _FIRST_STEPS + [step] * (steps - 1)
        for advance in schedule:
            u, v = advance(u, v)
        result[:, frame] = np.stack([_values(u), _values(v)], axis=-1)
    return result


class _Step:
    """One time step of given length, of the cosine modes of u and v."""

    def __init__(self, state: np.ndarray, length: float) -> None:
        self._length = float(length)  # a scalar of numpy would turn single precision into double
        self._half, self._full = (
            _exponential(state.shape[1], part * self._length).astype(state.dtype) for part in (0.5, 1)
        )

    def __call__(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        length, half, full = self._length, self._half, self._full
        u_half = half[0, 0] * u + half[0, 1] * v
        u_full = full[0, 0] * u + full[0, 1] * v
        v_full = full[1, 0] * u + full[1, 1] * v
        begin = _nonlinear_part(u)
        middle = _nonlinear_part(u_half + length / 2 * half[0, 0] * begin)
        again = _nonlinear_part(u_half + length / 2 * middle)
        end = _nonlinear_part(u_full + length * half[0, 0] * again)
        middle += again
        u = u_full + length / 6 * (full[0, 0] * begin + 2 * half[0, 0] * middle + end)
        v = v_full + length / 6 * (full[1, 0] * begin + 2 * half[1, 0] * middle)
        return u, v


@lru_cache(maxsize=8)  # all batches of a dataset share these
def _exponential(cells: int, time: float) -> np.ndarray:
    """The linear part of the equations, applied for a time to each cosine mode of (u, v), ``(2, 2, n, n)``."""
    axis = -((cells * np.sin(np.pi * np.arange(cells) / (2 * cells))) ** 2)  # cells are 2 / n wide
    laplacian = axis[:, None] + axis
    matrices = np.empty((cells, cells, 2, 2))
    matrices[..., 0, 0], matrices[..., 0, 1] = DIFFUSION_U * laplacian + 1, -1
    matrices[..., 1, 0], matrices[..., 1, 1] = 1, DIFFUSION_V * laplacian - 1
    return np.moveaxis(expm(time * matrices), (2, 3), (0, 1))


def _nonlinear_part(modes: np.ndarray) -> np.ndarray:
    """Modes of -u³ - k from the modes of u."""
    u = _values(modes)
    return _modes(-u * u * u - K)


def _modes(values: np.ndarray) -> np.ndarray:
    return dctn(values, axes=(1, 2), norm="ortho")


def _values(modes: np.ndarray) -> np.ndarray:
    return idctn(modes, axes=(1, 2), norm="ortho")


def draw_noise(resolution: int, seed: int, number: int) -> np.ndarray:
    """Draw the initial state of a sample, u and v normal with variance 1 in every cell, ``(n, n, 2)``."""
    noise = publisher_generator(seed, number).standard_normal((2, resolution, resolution))
    return np.moveaxis(noise, 0, -1)


def pdebench_diffusion_reaction_2d_simulation(
    folder: Path,
    resolution: PositiveInt = 128,
    samples: Annotated[int, Field(ge=1, le=PUBLISHER_SAMPLES)] = 1000,
    frames: Annotated[int, Field(ge=2)] = 101,
    seed: NonNegativeInt = 0,
) -> dict[str, str | None]:
    """Simulate the file of 2D diffusion-reaction, named and laid out as the publisher's.

    The initial state is noise in each cell, so it is coarser on a coarser grid, and so are later states.

    Options: see `pare.paper.simulators`. Seed 0 takes the initial states of the publisher's generator; ``frames`` are
    the stored times from t = 0 to 5, 101 in the publisher's file, 13 MB a sample at 128 × 128.
    """
    times = np.linspace(0, 5, frames)

    def trajectories(numbers: range) -> Arrays:
        initial = np.stack([draw_noise(resolution, seed, number) for number in numbers])
        return {"data": solve_fitzhugh_nagumo(initial.astype(np.float32), times)}

    batch = max(1, _BATCH_CELLS // resolution**2)
    label = f"simulating diffusion-reaction ({resolution}x{resolution})"
    centres = cell_centres(-1, 1, resolution)
    return write_grouped(
        folder / "2D_diff-react_NA_NA.h5",
        simulate_batches(trajectories, samples, batch, label),
        {"x": centres, "y": centres, "t": times},
    )
