"""Linear advection of PDEBench, u_t + β u_x = 0, from its exact solution.

Source: Takamoto et al., 2022, "PDEBench: an extensive benchmark for scientific machine learning", appendix D.1.
"""

from pathlib import Path

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from pare.paper.simulators.parallel import random_generator, simulate_samples
from pare.paper.simulators.pdebench_files import cell_centres, frame_times, write_trajectories
from pare.paper.simulators.waves import draw_waves

BETA = 0.4
_FRAMES = 201  # t from 0 to 2


def pdebench_advection_simulation(
    folder: Path, resolution: PositiveInt = 1024, samples: PositiveInt = 1000, seed: NonNegativeInt = 0
) -> dict[str, str | None]:
    """Simulate the file of 1D advection with β = 0.4, named and laid out as the publisher's.

    x from 0 to 1, periodic; 201 frames from t = 0 to 2. The exact solution u0(x - β t) replaces the
    publisher's finite volumes, which smooth u a little. Options: see `pare.paper.simulators`.
    """
    x = cell_centres(0, 1, resolution)
    origins = (x - BETA * frame_times(_FRAMES)[:, None]) % 1  # where each point was at t = 0, (frames, X)

    def trajectory(index: int) -> dict[str, np.ndarray]:
        return {"tensor": draw_waves(random_generator(seed, index), length=1, waves=4)(origins)}

    return write_trajectories(
        folder / f"1D_Advection_Sols_beta{BETA}.hdf5",
        simulate_samples(trajectory, samples, f"simulating advection ({resolution} cells)"),
        samples,
        x,
        parameters={"beta": BETA},
        frames=_FRAMES,
    )
