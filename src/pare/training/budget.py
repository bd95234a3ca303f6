"""How many epochs fit into some minutes on this machine."""

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from pare.mixing import Curriculum

EPOCHS = 100  # of a training of which it is asked how many of its epochs are mixed
MEASURED = 12  # steps
SETTLING = 4  # steps before them, in which memory is laid out


def step_seconds(step: Callable[[], object]) -> float:
    """Seconds of a step, the median of a few.

    Args:
        step: makes one step; what it changes has to be put back by the caller.
    """
    seconds = []
    for _ in range(SETTLING + MEASURED):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return median(seconds[SETTLING:])


def epochs_within(minutes: float, seconds: float, steps: int) -> int:
    """Epochs that fit, at least one.

    The number is fixed before the training and recorded, so that a run can be repeated exactly wherever it is done,
    with that number in place of the minutes.

    Args:
        minutes: of training.
        seconds: of a step.
        steps: of an epoch.
    """
    return max(1, int(minutes * 60 / (steps * seconds)))


def mixed_epochs(curriculum: Curriculum, tokens: int) -> list[int]:
    """How many tokens are replaced in each mixed epoch of `EPOCHS`.

    Args:
        curriculum: of the training, whose number of epochs is not known yet.
        tokens: of a sample.
    """
    longer = replace(curriculum, epochs=EPOCHS)
    return [k for epoch in range(EPOCHS) if (k := longer.tokens(epoch, tokens))]
