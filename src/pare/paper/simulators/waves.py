"""Random initial states of PDEBench's periodic equations in one dimension: a few waves, superposed.

Takamoto et al., 2022, appendix D: u0 is a sum of A_j sin(k_j x + φ_j), A_j uniform in [0, 1], φ_j in [0, 2 π), of
which the absolute value is taken now and then, with a random sign, or a part of it cut out.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit

_EDGE = 0.01  # width of the flanks of a window, in units of x


def draw_waves(
    rng: np.random.Generator, length: float, waves: int, rectified: float = 0.1, windowed: float = 0.1
) -> Callable[[np.ndarray], np.ndarray]:
    """Draw an initial state.

    As in the publisher's generator, two wave numbers are drawn with replacement: one that is drawn twice counts
    double, and each one that is not drawn leaves a constant A_j sin φ_j, so that the mean is not zero. Here the
    waves fit the period exactly; there they are longer by one cell.

    Args:
        rng: source of the random numbers.
        length: period of x.
        waves: wave numbers to draw from, 1 to this many per period.
        rectified: probability that the absolute value is taken.
        windowed: probability that all is set to zero outside of a window, which begins between x = 0.1 and 0.45
            and ends between x = 0.55 and 0.9, whatever the period.

    Returns:
        u0, to be evaluated at any array of x.
    """
    drawn = np.bincount(rng.integers(waves, size=2), minlength=waves)
    numbers = 2 * np.pi / length * np.arange(1, waves + 1) * drawn
    amplitudes, phases = rng.random(waves), 2 * np.pi * rng.random(waves)
    absolute, window = rng.random() < rectified, rng.random() < windowed
    sign = rng.choice((-1.0, 1.0))
    begin, end = rng.uniform(0.1, 0.45), rng.uniform(0.55, 0.9)

    def u0(x: np.ndarray) -> np.ndarray:
        u = sum(a * np.sin(k * x + p) for a, k, p in zip(amplitudes, numbers, phases, strict=True))
        u = sign * (np.abs(u) if absolute else u)
        # expit(2 z) is (1 + tanh z) / 2, the publisher's flank.
        return u * (expit(2 * (x - begin) / _EDGE) - expit(2 * (x - end) / _EDGE)) if window else u

    return u0


def to_unit_range(u: np.ndarray) -> np.ndarray:
    """Shift and scale the values of a state, ``(X,)``, so that they reach from 0 to 1."""
    u = u - u.min()
    return u / u.max()
