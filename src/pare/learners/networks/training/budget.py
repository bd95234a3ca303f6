"""How many epochs fit into some minutes on this machine, and when each of their steps is due."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from pare.learners.distributed import from_main

MEASURED, SECONDS = 12, 1.0  # steps and seconds, at least: another process that starts slows down more than a few steps
SETTLING = 4  # steps before them, in which memory is laid out
MOST = 8  # trainings whose predictions are averaged
# A run ends within 1.15 times its minutes and 20 s. Its last step is due earlier: what follows it takes time as well.
LATEST, GRACE = 1.05, 5.0


def step_seconds(step: Callable[[], object]) -> float:
    """Median seconds of a step, over a second or more; several processes make as many steps as the main one.

    Args:
        step: makes one step; the caller puts its changes back.
    """
    seconds: list[float] = []
    while from_main(len(seconds) < SETTLING + MEASURED or sum(seconds[SETTLING:]) < SECONDS):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return median(seconds[SETTLING:])


@dataclass(frozen=True)
class Plan:
    """The trainings of a run, fixed before the first step and recorded.

    So a run can be repeated exactly wherever it is done, with these numbers in place of the minutes.

    Attributes:
        epochs: epochs of each training.
        members: trainings whose predictions are averaged.
    """

    epochs: int
    members: int


def planned(epochs: int, members: int, member_epochs: int | None) -> Plan:
    """How many trainings share the epochs that fit.

    With few rows a training is done long before the minutes are over, and then learns its rows by heart. The mean of
    several is better.

    Args:
        epochs: epochs that fit.
        members: as many as are asked for; 1: as many as fit.
        member_epochs: epochs of each, if several fit; None: one training of all epochs.
    """
    if members == 1 and member_epochs and epochs >= 2 * member_epochs:
        return Plan(member_epochs, min(epochs // member_epochs, MOST))
    return Plan(max(1, epochs // members), members)


@dataclass(frozen=True)
class Timetable:
    """When each step of a training is due.

    Steps that are late are left out, also where not even one epoch fits. The learning rate and the share of replaced
    tokens follow the step's number, so they end where they would have ended.

    Attributes:
        minutes: minutes of all trainings of the run.
        members: trainings that share them.
        begun: seconds of this training until its first step.
        steps: number of its steps.
    """

    minutes: float
    members: int
    begun: float
    steps: int

    def leaves_out(self, step: int, seconds: float) -> bool:
        """Whether the step of that number, from 0, is late after so many seconds. The first and the last never are."""
        end, grace = LATEST * 60 * self.minutes / self.members, GRACE / self.members
        due = self.begun + (end - self.begun) * (step + 1) / self.steps + grace
        return 0 < step < self.steps - 1 and seconds > due
