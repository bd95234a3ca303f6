"""How many epochs fit into some minutes on this machine."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil
from statistics import median
from typing import Any

from pare.learners.networks.mixing import Curriculum

logger = logging.getLogger(__name__)
EPOCHS = 100  # assumed epochs of a training whose number is not known yet, to count the mixed ones
LATE = 1.5  # a training takes at most so many times its minutes; on a free machine some take 1.25 times as long
FEW = 3  # with so few epochs none is left out: each is a stage of the curriculum
MEASURED, SECONDS = 12, 1.0  # steps and seconds, at least: another process that starts slows down more than a few steps
RECENT = 5  # epochs, whose median is the expected length of those that are left
MOST = 8  # trainings whose predictions are averaged
SETTLING = 4  # steps before them, in which memory is laid out


def step_seconds(step: Callable[[], object]) -> float:
    """Median seconds of a step, over a second or more.

    Args:
        step: makes one step; the caller puts its changes back.
    """
    seconds: list[float] = []
    while len(seconds) < SETTLING + MEASURED or sum(seconds[SETTLING:]) < SECONDS:
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return median(seconds[SETTLING:])


def epochs_within(minutes: float, seconds: float, steps: int) -> int:
    """Epochs that fit, at least one.

    The number is fixed before the training and recorded, so that a run can be repeated exactly wherever it is done,
    with that number in place of the minutes.

    Args:
        minutes: minutes of training.
        seconds: seconds of a step.
        steps: steps of an epoch.
    """
    return max(1, int(minutes * 60 / (steps * seconds)))


def members_within(epochs: int, members: int, member_epochs: int | None) -> tuple[int, int]:
    """How many trainings share the epochs that fit, and the epochs of each.

    With few rows a training is done long before the minutes are over, and then learns its rows by heart. The mean of
    several is better.

    Args:
        epochs: epochs that fit.
        members: as many as are asked for; 1: as many as fit.
        member_epochs: epochs of each, if several fit; None: one training of all epochs.
    """
    if members == 1 and member_epochs and epochs >= 2 * member_epochs:
        return min(epochs // member_epochs, MOST), member_epochs
    return members, max(1, epochs // members)


def epochs_in_time(
    done: int, epochs: int, minutes: float | None, history: Sequence[Mapping[str, Any]]
) -> Iterator[int]:
    """Numbers of the epochs that are left, from 0: each one, unless the machine became much slower than it was.

    Then some are left out, evenly, and never the last one, nor any of `FEW`. So the learning rate and the share of
    replaced tokens, which follow the epoch's number, end where they would have ended.

    Args:
        done: epochs before the first of these.
        epochs: epochs of the training.
        minutes: for all of them; None: none is left out.
        history: ``seconds`` of each epoch so far; the caller adds an epoch when it is made.
    """
    warned = False
    while done < epochs:
        yield done
        following = done + 1
        if minutes is not None:
            seconds = [row["seconds"] for row in history]
            following = _following(done, epochs, LATE * 60 * minutes, seconds)
        if following > done + 1 and not warned:
            warned = True
            logger.warning("The machine became slower: epochs are left out, to end in about %g min.", minutes)
        done = following


def _following(epoch: int, epochs: int, allowed: float, seconds: Sequence[float]) -> int:
    """The number of the next epoch, with so many seconds allowed for the training."""
    left, spent, each = epochs - 1 - epoch, sum(seconds), median(seconds[-RECENT:])
    early = len(seconds) < RECENT and spent < allowed / 4  # the first epochs can be slow everywhere
    if left < 1 or epochs <= FEW or early or spent + left * each <= allowed:
        return epoch + 1
    fit = max(int((allowed - spent) / each), 1)
    return epoch + ceil(left / fit)


def mixed_epochs(curriculum: Curriculum, tokens: int) -> list[int]:
    """How many tokens are replaced in each mixed epoch.

    Args:
        curriculum: curriculum of the training.
        tokens: tokens of a sample.
    """
    return [k for epoch in range(curriculum.epochs) if (k := curriculum.tokens(epoch, tokens))]
