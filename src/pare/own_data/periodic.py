"""Whether fields look alike at every place of a grid without ends, where the last point is next to the first."""

import numpy as np

from pare.storage.samples import Samples

SHIFTS = {3: ("shift",), 4: ("torus",)}  # by the axes of the inputs, rows and channels among them
LEAST_ROWS, MOST_ROWS, MOST_NUMBERS = 100, 1000, 20_000_000  # of inputs; two seconds and half a gigabyte
SURPRISING = 6.0  # standard errors, of the most surprising of thousands of places with heavy tails


def shifts_of(samples: Samples) -> tuple[str, ...]:
    """The symmetry that fields on a grid without ends have, a key of `pare.models.symmetries.SYMMETRIES`; or none.

    Args:
        samples: of which the first are looked at.
    """
    x, y = samples.read(0, 1)
    names = SHIFTS.get(x.ndim, ())
    rows = min(samples.count, MOST_ROWS, MOST_NUMBERS // max(x.size, 1))
    if not names or x.shape[2:] != y.shape[2:] or rows < LEAST_ROWS:
        return ()
    return names if look_periodic(*samples.read(0, rows)) else ()


def look_periodic(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether no place of a grid is special, as far as rows can tell.

    Where no shift changes the joint law of inputs and outputs, the best prediction of a shifted input is the shifted
    prediction. Looked at are the laws of each: values, their distance from the mean, and the steps from the last points
    to the first.

    Args:
        x: inputs ``(rows, channels, *grid)``.
        y: outputs on the same grid.
    """
    channels = (part[:, channel].astype(np.float64) for part in (x, y) for channel in range(part.shape[1]))
    return all(_alike_everywhere(values) for values in channels)


def _alike_everywhere(values: np.ndarray) -> bool:
    """Of one channel, ``(rows, *grid)``; fields that never differ say nothing."""
    if not np.isfinite(values).all() or not np.ptp(values):
        return False
    places = _surprise(values), _surprise(np.abs(values - values.mean()))
    ends = (_surprise(_steps(values, axis))[-1] for axis in range(1, values.ndim))
    return max(*(place.max() for place in places), *ends) < SURPRISING


def _steps(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean size of the steps along an axis, ``(rows, points)``, the last from the last point to the first."""
    steps = np.abs(np.roll(values, -1, axis=axis) - values)
    return np.moveaxis(steps, axis, 1).reshape(*steps.shape[:1], steps.shape[axis], -1).mean(2)


def _surprise(values: np.ndarray) -> np.ndarray:
    """How far the mean over rows is from that of all places, in standard errors, ``(*grid)``."""
    excess = values - values.mean(tuple(range(1, values.ndim)), keepdims=True)
    error = excess.std(0) / len(values) ** 0.5 + np.abs(values).max() * 1e-6  # and rounding
    return np.divide(np.abs(excess.mean(0)), error, out=np.zeros_like(error), where=error > 0)
