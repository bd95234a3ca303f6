"""What runs the jobs of a plan: processes on this machine, Ray or SLURM; what became of them is asked of the files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pare.matrix.launch import failure
from pare.matrix.plan import Job, Plan


@dataclass(frozen=True)
class Event:
    """What happened to a job.

    Attributes:
        job: the job.
        kind: ``started``, ``done``, ``failed``, or ``skipped``, since a job that it needs failed, or its run is done
            or made elsewhere.
        text: why, in words.
        seconds: time that it took, of ``done`` and ``failed``.
    """

    job: Job
    kind: Literal["started", "done", "failed", "skipped"]
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Settings:
    """How an engine runs a plan.

    Attributes:
        project: the project's folder.
        folder: the plan's folder, with the logs.
        workers: jobs at a time; None: what the machine or cluster has.
        gpus_per_run: accelerators of a run with a network, such as 0.5 for two runs on one.
        address: address of a running Ray cluster; empty: a Ray of its own on this machine.
        is_left: whether a job is still to be done, asked as it starts.
        maker: the process that makes a job's run elsewhere at that moment, in words; empty for none.
    """

    project: Path
    folder: Path
    workers: int | None = None
    gpus_per_run: float = 1.0
    address: str = ""
    is_left: Callable[[Job], bool] = lambda job: True
    maker: Callable[[Job], str] = lambda job: ""


# Yields what happened since it was asked before, at least once a second; closing it ends what runs.
Engine = Callable[[Plan, Settings], Iterator[list[Event]]]


def ended(job: Job, folder: Path, code: int, seconds: float) -> Event:
    """What became of a job whose process ended; arguments as for `pare.matrix.launch.failure`, and its time."""
    if code:
        return Event(job, "failed", failure(job, folder, code), seconds)
    return Event(job, "done", seconds=seconds)


def because(job: Job, failed: set[str]) -> str:
    """Why a job cannot be run: names of the jobs that it needs and that failed; empty where it can."""
    return ", ".join(need for need in job.needs if need in failed)


def not_run(job: Job, failed: set[str], settings: Settings) -> str:
    """Why a job is not run, asked as it would start; empty where it is."""
    if names := because(job, failed):
        return f"{names} failed"
    if not settings.is_left(job):
        return "done meanwhile"
    maker = settings.maker(job)
    return made_by(maker) if maker else ""


def made_by(maker: str) -> str:
    """Why a run is left to another process."""
    return f"{maker} is making it"
