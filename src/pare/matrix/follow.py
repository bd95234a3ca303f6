"""Following a plan: a live table of what runs, failures as they come, and the reasons to stop early."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pare.config.errors import PareError
from pare.config.estimate import duration
from pare.matrix.engines import Engine, Event, Settings, made_by
from pare.matrix.launch import last_line, log_of
from pare.matrix.plan import Job, Plan

PROBE = 1 << 20  # bytes that must fit on the disk after a failure
SHOWN = 12  # running jobs in the live table
# What a run says last where another process holds its lock, see `pare.storage.access.held_alone`.
ELSEWHERE = re.compile(r" by (process \d+ on \S+|another process) at this moment; ")


@dataclass
class Progress:
    """How far a plan is: jobs that ended, by how, and those that run, with the time at which they began."""

    plan: Plan
    running: dict[str, float] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    places: int = 1  # the most jobs that ran at a time

    def take(self, event: Event) -> None:
        """Note what happened to a job."""
        name = event.job.name
        if event.kind == "started":
            self.running[name] = time.monotonic()
            self.places = max(self.places, len(self.running))
            return
        self.running.pop(name, None)
        match event.kind:
            case "done":
                self.done[name] = event.seconds
            case "failed":
                self.failed[name] = event.text
            case "skipped":
                self.skipped[name] = event.text

    @property
    def left_s(self) -> float | None:
        """Time that is left, by what the plan says of the jobs and what the runs took so far; None before the first."""
        jobs = self.plan.jobs
        runs = [name for name in self.done if not jobs[name].prepares]
        planned = sum(jobs[name].seconds for name in runs)
        if not planned:
            return None
        slowness = sum(self.done[name] for name in runs) / planned
        ended = {*self.done, *self.failed, *self.skipped}
        left = {name: slowness * job.seconds for name, job in jobs.items() if name not in ended}
        for name, began in self.running.items():
            left[name] = max(0.0, left[name] - (time.monotonic() - began))
        return sum(left.values()) / max(1, min(self.places, len(left)))

    def __str__(self) -> str:
        ended = len(self.done) + len(self.failed) + len(self.skipped)
        parts = [f"{ended} of {len(self.plan.jobs)} jobs"]
        parts += [f"{len(self.failed)} failed"] * bool(self.failed)
        left = self.left_s
        return ", ".join([*parts, *([f"about {duration(left)} left"] if left and left >= 1 else [])])


def follow(plan: Plan, engine: Engine, settings: Settings, console: Console, stop_after: int) -> Progress:
    """Run a plan to its end, and tell what happens.

    Args:
        plan: the plan.
        engine: what runs its jobs.
        settings: how.
        console: where the table goes; without a terminal each job that ends is a line.
        stop_after: failures after which nothing more is started and what runs is ended; 0: never.

    Returns:
        How each job ended, by the engine's word. A run that failed since another process is making it was skipped.

    Raises:
        PareError: where so many jobs failed, the disk is full, or the project's folder is gone.
    """
    progress = Progress(plan)
    events: Iterator[list[Event]] = engine(plan, settings)
    shown = Live(console=console, get_renderable=lambda: _table(progress, settings), transient=True)
    with closing(events), shown if console.is_terminal else nullcontext():  # type: ignore[type-var]
        for happened in events:
            for event in map(_judged, happened):
                progress.take(event)
                _tell(event, progress, settings, console)
                if event.kind == "failed":
                    _check_goes_on(progress, settings, stop_after)
    return progress


def _judged(event: Event) -> Event:
    """The event; a run that failed since another process is making it is left to that one."""
    maker = ELSEWHERE.search(event.text) if event.kind == "failed" else None
    return replace(event, kind="skipped", text=made_by(maker[1])) if maker else event


def _tell(event: Event, progress: Progress, settings: Settings, console: Console) -> None:
    name, lines = event.job.name, list[str]()
    match event.kind:
        case "done":
            lines = [f"done: {name} in {duration(event.seconds)} ({progress})"]
        case "failed":
            log = log_of(event.job, settings.folder).relative_to(settings.project)
            lines = [f"FAILED: {name}: {event.text}", f"its log: {log}"]
        case "skipped":
            lines = [f"skipped: {name}: {event.text}"]
    for line in lines:
        console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False, soft_wrap=True)


def _check_goes_on(progress: Progress, settings: Settings, stop_after: int) -> None:
    """Stop the plan where the next jobs would fail as well."""
    folder = settings.project / "data"
    try:
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise PareError(
            f"the plan was stopped: {folder} cannot be written ({error.strerror}); mend that, and the same command "
            "goes on"
        ) from None
    if stop_after and len(progress.failed) >= stop_after:
        raise PareError(
            f"the plan was stopped after failures: {', '.join(progress.failed)}; see their logs in "
            f"{settings.folder / 'logs'}, and the same command goes on"
        )


def _table(progress: Progress, settings: Settings) -> Group:
    """The running jobs, each with what it said last."""
    table = Table("running", "for", "says", box=None, header_style="bold", expand=True)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    table.columns[2].no_wrap, table.columns[2].ratio, table.columns[2].overflow = True, 1, "ellipsis"
    jobs: list[Job] = [progress.plan.jobs[name] for name in progress.running]
    for job in jobs[:SHOWN]:
        said = last_line(log_of(job, settings.folder))
        table.add_row(job.name, duration(time.monotonic() - progress.running[job.name]), Text(said))
    more = [Text(f"and {len(jobs) - SHOWN} more")] if len(jobs) > SHOWN else []
    return Group(table, *more, Text(str(progress)))
