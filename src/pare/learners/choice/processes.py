"""Fits side by side, each in a process of its own with its share of the threads.

One training makes little of a second core: two of them side by side do more than one after the other.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import rich
import torch
from accelerate import PartialState
from joblib import Parallel, delayed, parallel_config
from rich import get_console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pare.config import PareError
from pare.storage.parent import end_with

Result = TypeVar("Result")
MOST = 2  # fits at a time


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """Outcome of a fit: its result or its error, and its seconds."""

    result: Result | None
    error: PareError | None
    seconds: float


def fits_at_a_time() -> int:
    """How many fits this machine makes side by side: two on the cores of a CPU, one on an accelerator."""
    state = PartialState()
    alone = state.device.type != "cpu" or state.num_processes > 1
    return 1 if alone else min(MOST, torch.get_num_threads())


def side_by_side(jobs: Mapping[str, Callable[[], Result]], most: int) -> Iterator[tuple[str, Outcome[Result]]]:
    """Run jobs, at most so many at a time, and yield the outcome of each as it is done.

    One at a time is run here. Others run in processes, which end with this one, log nothing but warnings, and divide
    the threads of this one among them.

    Args:
        jobs: picklable jobs by name.
        most: jobs at a time.
    """
    most = min(most, len(jobs))
    if most <= 1:
        for name, job in jobs.items():
            yield name, _outcome(job)
        return
    columns = TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn()
    with (
        parallel_config("loky", n_jobs=most, inner_max_num_threads=max(1, torch.get_num_threads() // most)),
        Progress(*columns, transient=True, disable=not get_console().is_terminal) as bar,
    ):
        shown = bar.add_task(", ".join(jobs), total=None)
        running = Parallel(return_as="generator_unordered")(delayed(_in_process)(*job) for job in jobs.items())
        left = list(jobs)
        for name, outcome in running:
            left.remove(name)
            bar.update(shown, description=", ".join(left))
            yield name, outcome


def _outcome(job: Callable[[], Result]) -> Outcome[Result]:
    started = time.perf_counter()
    try:
        result, error = job(), None
    except PareError as raised:
        result, error = None, raised
    return Outcome(result, error, time.perf_counter() - started)


def _in_process(name: str, job: Callable[[], Result]) -> tuple[str, Outcome[Result]]:
    rich.reconfigure(force_terminal=False)  # the bar is that of the process which asked
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s", force=True)
    end_with(os.getppid())
    return name, _outcome(job)
