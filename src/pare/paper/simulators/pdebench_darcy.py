"""Darcy flow of PDEBench, -∇·(a ∇u) = β on the unit square with u = 0 on the boundary.

Source: Takamoto et al., 2022, "PDEBench: an extensive benchmark for scientific machine learning", appendix D,
and the publisher's generator for the law of the coefficients.
"""

from pathlib import Path

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from pare.paper.simulators.darcy_flow import solve_darcy
from pare.paper.simulators.parallel import random_generator, simulate_samples
from pare.paper.simulators.pdebench_files import write_stacked

BETA = 0.1
_HILLS = 5
_LOW, _HIGH = 0.1, 1.0
_THRESHOLD = 1.852145  # mean of the sum of hills over the square and over all draws


def draw_coefficient(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a coefficient: 1 where the sum of five Gaussian hills exceeds its mean, 0.1 elsewhere.

    A hill is exp(-|x - c|² / s) with its centre c uniform in the unit square and s uniform in [0, 0.5]. The
    publisher takes the mean over a batch of 200 draws; here it is the mean of the law.

    Args:
        x: points along each axis, ``(n,)``.
        rng: source of the hills.

    Returns:
        Coefficient, ``(n, n)``.
    """
    centres, width = rng.random((2, _HILLS, 1)), 0.5 * rng.random((_HILLS, 1))
    along, across = np.exp(-((x - centres) ** 2) / width)
    return np.where(along.T @ across > _THRESHOLD, _HIGH, _LOW)


def pdebench_darcy_simulation(
    folder: Path, resolution: PositiveInt = 128, samples: PositiveInt = 1000, seed: NonNegativeInt = 0
) -> dict[str, str | None]:
    """Simulate the file of 2D Darcy flow with β = 0.1, named and laid out as the publisher's.

    The fields are steady. The publisher's generator follows the flow from a random initial state up to t = 2, when
    that state, which is not part of the file, has not died out where a is mostly 0.1. Options: see
    `pare.paper.simulators`.
    """
    # On a grid twice as fine every second node is the centre of a cell, and the outermost lie on the boundary.
    nodes = np.linspace(0, 1, 2 * resolution + 1)

    def field(index: int) -> dict[str, np.ndarray]:
        coefficient = draw_coefficient(nodes, random_generator(seed, index))
        # Leaves an error of 1e-9, far below the float32 of the file.
        u = solve_darcy(coefficient, BETA, tolerance=1e-6)
        return {"nu": coefficient[1::2, 1::2], "tensor": u[None, 1::2, 1::2]}

    return write_stacked(
        folder / f"2D_DarcyFlow_beta{BETA}_Train.hdf5",
        simulate_samples(field, samples, f"simulating Darcy flow ({resolution}x{resolution})"),
        samples,
        coordinates={"x-coordinate": nodes[1::2], "y-coordinate": nodes[1::2]},
        parameters={"beta": BETA},
    )
