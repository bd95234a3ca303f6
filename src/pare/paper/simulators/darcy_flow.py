"""Darcy flow: the publisher's law of coefficients, and a fast solver (Li et al., 2021, appendix A.3.2).

Replaces the files of NAS-Bench-360 where these cannot be downloaded: the same law, equation, grid, file format and
variable names, but other random numbers. Notation for shapes: n grid points along an axis, boundary
included.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt
from scipy.fft import dstn, idctn
from scipy.sparse.linalg import LinearOperator, cg

from pare.data.formats.matlab import write_mat73
from pare.data.made_here import made_file, refuse_users_file
from pare.paper.simulators.parallel import random_generator, simulate_samples

REDUCTION = 1e-3  # greatest fall of the residual by conjugate gradients in single precision
REFINEMENTS = 20


def draw_coefficient(resolution: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a piecewise constant coefficient: 12 where a Gaussian random field is at least 0, 3 elsewhere.

    The field is N(0, (-Laplacian + 9 I)^-2) on the unit square with zero Neumann boundary and zero mean:
    cosine modes of white noise, divided by pi^2 (k1^2 + k2^2) + 9.

    Args:
        resolution: grid points along each axis, n.
        rng: source of the white noise.

    Returns:
        Coefficient, ``(n, n)``.
    """
    k = np.arange(resolution)
    modes = rng.standard_normal((resolution, resolution)) / (np.pi**2 * (k[:, None] ** 2 + k**2) + 9)
    modes[0, 0] = 0
    return np.where(idctn(modes, norm="ortho") >= 0, 12.0, 3.0)


def solve_darcy(coefficient: np.ndarray, forcing: np.ndarray | float = 1.0, tolerance: float = 1e-8) -> np.ndarray:
    """Solve -div(a grad u) = f on the unit square with u = 0 on the boundary.

    Second-order five-point differences; at a face, a is the mean of the two adjacent nodes. Conjugate gradients in
    single precision, preconditioned by the exact inverse of the Laplacian (sine transforms), reduce the residual,
    which is computed in double precision, step by step. About 20 iterations are needed on any grid where a is between
    3 and 12.

    Args:
        coefficient: a > 0 at the nodes of ``linspace(0, 1, n)`` along each axis, ``(n, n)``, n >= 3.
        forcing: f at the same nodes, ``(n, n)``, or one number; its boundary values do not matter.
        tolerance: relative residual at which to stop; rounding may leave more on a fine grid.

    Returns:
        u at the nodes, ``(n, n)``, float64.

    Raises:
        ValueError: if the coefficient is not square, too small or not positive, or the iterations do not
            converge.
    """
    a = np.asarray(coefficient, dtype=np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or a.shape[0] < 3:
        raise ValueError(f"coefficient has shape {a.shape}, expected (n, n) with n >= 3")
    if not (np.isfinite(a).all() and a.min() > 0):
        raise ValueError(f"coefficient reaches from {a.min()} to {a.max()}, expected finite and positive values")
    inner = a.shape[0] - 2
    right = np.broadcast_to(np.asarray(forcing, dtype=np.float64), a.shape)[1:-1, 1:-1].ravel()
    flow, rough = _flow_operator(a, np.float64), _flow_operator(a / a.max(), np.float32)
    laplacian = _inverse_laplacian(inner)
    u, residual = np.zeros_like(right), right
    allowed = tolerance * np.linalg.norm(right)
    rounding = np.finfo(np.float64).eps * 8 * a.max() * (a.shape[0] - 1) ** 2
    for _ in range(REFINEMENTS):
        if (left := np.linalg.norm(residual)) <= max(allowed, rounding * np.linalg.norm(u)):
            return np.pad(u.reshape(inner, inner), 1)
        reduction = max(REDUCTION, allowed / left / 2)
        scaled = (residual / left).astype(np.float32)
        part, failed = cg(rough, scaled, rtol=reduction, atol=0.0, maxiter=300, M=laplacian)
        if failed:
            break
        u += part * (left / a.max())
        residual = right - flow @ u
    raise ValueError(f"no convergence to {tolerance}; is the coefficient's contrast extreme?")


def _flow_operator(a: np.ndarray, dtype: type[np.floating]) -> LinearOperator:
    """u -> -div(a grad u) on the inner nodes, both flattened."""
    n = a.shape[0]
    scale = (n - 1) ** 2 / 2
    down = (scale * (a[1:, 1:-1] + a[:-1, 1:-1])).astype(dtype)
    across = (scale * (a[1:-1, 1:] + a[1:-1, :-1])).astype(dtype)
    padded, flux_down, flux_across = np.zeros((n, n), dtype), np.empty_like(down), np.empty_like(across)

    def apply(u: np.ndarray) -> np.ndarray:
        padded[1:-1, 1:-1] = u.reshape(n - 2, n - 2)
        np.multiply(np.subtract(padded[:-1, 1:-1], padded[1:, 1:-1], out=flux_down), down, out=flux_down)
        np.multiply(np.subtract(padded[1:-1, :-1], padded[1:-1, 1:], out=flux_across), across, out=flux_across)
        gained = flux_down[1:] - flux_down[:-1]
        gained += flux_across[:, 1:]
        gained -= flux_across[:, :-1]
        return gained.ravel()

    return LinearOperator(((n - 2) ** 2,) * 2, matvec=apply, dtype=dtype)


def _inverse_laplacian(inner: int) -> LinearOperator:
    """f -> u with -Laplacian u = f on the inner nodes, both flattened, in single precision."""
    axis = (2 * (inner + 1) * np.sin(np.pi * np.arange(1, inner + 1) / (2 * (inner + 1)))) ** 2
    eigenvalues = (axis[:, None] + axis).astype(np.float32)

    def apply(f: np.ndarray) -> np.ndarray:
        modes = dstn(f.reshape(inner, inner), type=1, norm="ortho")
        modes /= eigenvalues
        return dstn(modes, type=1, norm="ortho", overwrite_x=True).ravel()

    return LinearOperator((inner * inner,) * 2, matvec=apply, dtype=np.float32)


def simulate_fields(
    resolution: int, count: int, seed: int, part: int, workers: int | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """Draw coefficients and solve, on every core that this process may use, in order.

    Args:
        resolution: grid points along each axis, n.
        count: number of fields.
        seed: seed of the whole dataset.
        part: 0 for training fields, 1 for test fields.
        workers: threads; None takes one a core.

    Yields:
        ``{"coeff": (n, n), "sol": (n, n)}``. Field i depends on seed, part and i alone.
    """

    def field(index: int) -> dict[str, np.ndarray]:
        coefficient = draw_coefficient(resolution, random_generator(seed, part, index))
        # Leaves an error of 1e-10, far below the float32 of the file.
        return {"coeff": coefficient, "sol": solve_darcy(coefficient, tolerance=1e-6)}

    label = f"simulating Darcy flow ({resolution}x{resolution}), file {part + 1} of 2"
    return simulate_samples(field, count, label, workers)


def darcy_flow_simulation(
    folder: Path,
    resolution: Annotated[int, Field(ge=3)] = 421,
    train: PositiveInt = 1000,
    test: PositiveInt = 100,
    seed: NonNegativeInt = 0,
) -> dict[str, str | None]:
    """Simulate the two files of Darcy flow, named and laid out as the publisher's.

    The only difference from the publisher's solver: the random field is drawn at the nodes. The publisher draws it at
    cell centres and interpolates.

    Args:
        folder: where the files are written.
        resolution: grid points along each axis; the publisher's files have 421.
        train: fields in the file ``…smooth1.mat``.
        test: fields in the file ``…smooth2.mat``.
        seed: seed of the random fields.
    """
    files = {f"piececonst_r{resolution}_N{n}_smooth{i + 1}.mat": n for i, n in enumerate((train, test))}
    for name in files:
        refuse_users_file(folder / name)  # both, before hours go into the first
    for part, (name, count) in enumerate(files.items()):
        fields = simulate_fields(resolution, count, seed, part)
        with made_file(folder / name) as path:
            write_mat73(path, resolution, count, fields)
    return dict.fromkeys(files)
