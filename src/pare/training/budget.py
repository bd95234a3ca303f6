"""How many epochs fit into some minutes on this machine."""

import time
from collections.abc import Callable
from statistics import median

MEASURED = 12  # steps
SETTLING = 4  # steps before them, in which memory is laid out


def epochs_within(minutes: float, step: Callable[[], object], steps: int) -> int:
    """Epochs of that many steps that fit, at least one; the median of a few steps is the measure.

    The number is fixed before the training and recorded, so that a run can be repeated exactly wherever it is done,
    with that number in place of the minutes.

    Args:
        minutes: of training.
        step: makes one step; what it changes has to be put back by the caller.
        steps: of an epoch.
    """
    seconds = []
    for _ in range(SETTLING + MEASURED):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return max(1, int(minutes * 60 / (steps * median(seconds[SETTLING:]))))
