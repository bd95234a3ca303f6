"""Shallow water of PDEBench: a round column of water collapses (radial dam break), gravity 1, flat bottom.

Source: Takamoto et al., 2022, "PDEBench: an extensive benchmark for scientific machine learning", appendix D,
and the publisher's generator. Notation: h height of the water; u, v velocity; n cells along an axis.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt

from pare.paper.simulators.parallel import PUBLISHER_SAMPLES, Arrays, publisher_generator, simulate_samples
from pare.paper.simulators.pdebench_files import cell_centres, write_grouped

HALF_WIDTH = 2.5
_RADII = (0.3, 0.7)
_INSIDE, _OUTSIDE = 2.0, 1.0
_FRAMES = 101  # t from 0 to 1
_COURANT = 0.5  # both directions together; keeps the heights positive

_MIRRORED = np.array([1.0, -1.0, 1.0])[:, None, None]  # a wall turns the velocity towards it


def solve_shallow_water(height: np.ndarray, width: float, times: np.ndarray) -> np.ndarray:
    """Solve the shallow water equations for water at rest in [0, width]², walls at 0, open at the far sides.

    Finite volumes of second order: linear profiles of h, u, v within the cells, limited by the monotonised
    central limiter; fluxes by Harten, Lax and van Leer, and upwind for the momentum along a face; time steps by
    Heun's method. Mass is conserved but for what leaves at the far sides, and still water stays still.

    Args:
        height: h at the first time, means over the cells, ``(n, n)``, positive.
        width: the square's width.
        times: when h is wanted, ascending, ``(T,)``.

    Returns:
        h, ``(T, n, n)``, float64.
    """
    cell = width / len(height)
    state = np.stack([height, np.zeros_like(height), np.zeros_like(height)]).astype(np.float64)
    heights = [state[0]]
    for interval in np.diff(times):
        steps = int(np.ceil(interval * _fastest(state) / (_COURANT * cell)))
        for _ in range(steps):
            step = interval / steps
            ahead = state + step * _rate(state, cell)
            state = (state + ahead + step * _rate(ahead, cell)) / 2
        heights.append(state[0])
    return np.stack(heights)


def _fastest(state: np.ndarray) -> float:
    """Largest sum of the speeds of waves along both axes."""
    h, hu, hv = state
    return float(((np.abs(hu) + np.abs(hv)) / h + 2 * np.sqrt(h)).max())


def _rate(state: np.ndarray, cell: float) -> np.ndarray:
    """Time derivative of (h, h u, h v), ``(3, n, n)``; x is the first axis of the grid, y the second."""
    h, hu, hv = state
    along_y = _outflow(np.stack([h, hv / h, hu / h]))[[0, 2, 1]]
    along_x = _outflow(np.stack([h, hu / h, hv / h]).swapaxes(1, 2)).swapaxes(1, 2)
    return -(along_x + along_y) / cell


def _outflow(primitive: np.ndarray) -> np.ndarray:
    """What leaves each cell along the last axis, per unit of its faces.

    Args:
        primitive: h, velocity along the last axis, velocity across it, ``(3, n, n)``.

    Returns:
        Net outflow of h and of both momenta, in the same order, ``(3, n, n)``.
    """
    open_side = primitive[..., -1:]
    padded = np.concatenate([_MIRRORED * primitive[..., 1::-1], primitive, open_side, open_side], axis=-1)
    differences = np.diff(padded, axis=-1)
    behind, ahead = differences[..., :-1], differences[..., 1:]
    rise = np.minimum(np.minimum(np.abs(behind), np.abs(ahead)), np.abs(behind + ahead) / 4)
    rise = np.where(behind * ahead > 0, np.copysign(rise, ahead), 0)  # from the centre of a cell to its face
    centre = padded[..., 1:-1]
    return np.diff(_face_flux((centre + rise)[..., :-1], (centre - rise)[..., 1:]), axis=-1)


def _face_flux(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Flux of h and of both momenta through faces between two states, ``(3, …)`` each."""
    (h_l, u_l, v_l), (h_r, u_r, v_r) = left, right
    c_l, c_r = np.sqrt(h_l), np.sqrt(h_r)
    slow = np.minimum(np.minimum(u_l - c_l, u_r - c_r), 0)
    fast = np.maximum(np.maximum(u_l + c_l, u_r + c_r), 0)
    m_l, m_r = h_l * u_l, h_r * u_r
    p_l, p_r = m_l * u_l + h_l**2 / 2, m_r * u_r + h_r**2 / 2
    mass = (fast * m_l - slow * m_r + slow * fast * (h_r - h_l)) / (fast - slow)
    normal = (fast * p_l - slow * p_r + slow * fast * (m_r - m_l)) / (fast - slow)
    return np.stack([mass, normal, mass * np.where(mass > 0, v_l, v_r)])


def dam_break(resolution: int, radius: float) -> np.ndarray:
    """Follow the collapse of a column of the given radius in [-2.5, 2.5]² from t = 0 to 1.

    Solved in one quadrant, whose mirror images are the others.

    Args:
        resolution: cells along each axis, n, even.
        radius: the column's radius; cells whose centres lie within it begin with h = 2, the others with h = 1.

    Returns:
        h, ``(101, n, n, 1)``, float32.
    """
    heights = solve_shallow_water(_column(resolution, radius), HALF_WIDTH, _times())
    quadrant = heights.astype(np.float32)
    half = np.concatenate([quadrant[:, ::-1], quadrant], axis=1)
    return np.concatenate([half[:, :, ::-1], half], axis=2)[..., None]


def _column(resolution: int, radius: float) -> np.ndarray:
    """Initial height in the quadrant of positive x and y, ``(n / 2, n / 2)``."""
    x = cell_centres(0, HALF_WIDTH, resolution // 2)
    return np.where(np.hypot(x[:, None], x) <= radius, _INSIDE, _OUTSIDE)


def _times() -> np.ndarray:
    return np.linspace(0, 1, _FRAMES)


def pdebench_shallow_water_simulation(
    folder: Path,
    resolution: Annotated[int, Field(ge=2, multiple_of=2)] = 128,
    samples: Annotated[int, Field(ge=1, le=PUBLISHER_SAMPLES)] = 1000,
    seed: NonNegativeInt = 0,
) -> dict[str, str | None]:
    """Simulate the file of the 2D radial dam break, named and laid out as the publisher's.

    The radius is uniform in [0.3, 0.7], but the grid tells few radii apart: 81 at 128 × 128, 24 at 64 × 64.
    Samples that begin alike are alike, here as in the publisher's file, and most samples of a test part have their
    like among the training samples. Each is computed and stored once.

    Options: see `pare.paper.simulators`. Seed 0 takes the radii of the publisher's generator; the resolution is even.
    """
    radii = [publisher_generator(seed, number).uniform(*_RADII) for number in range(samples)]
    wet = [int((_column(resolution, radius) == _INSIDE).sum()) for radius in radii]
    first = {cells: wet.index(cells) for cells in wet}  # nested discs: as many cells are the same cells

    def trajectory(index: int) -> Arrays:
        return {"data": dam_break(resolution, radii[distinct[index]])}

    distinct = sorted(first.values())
    computed = simulate_samples(trajectory, len(distinct), f"simulating shallow water ({resolution}x{resolution})")

    def numbered() -> Iterator[Arrays | int]:
        for number, cells in enumerate(wet):
            yield next(computed) if first[cells] == number else first[cells]

    centres = cell_centres(-HALF_WIDTH, HALF_WIDTH, resolution)
    return write_grouped(folder / "2D_rdb_NA_NA.h5", numbered(), {"x": centres, "y": centres, "t": _times()})
