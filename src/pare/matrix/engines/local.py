"""Processes on this machine: as many at a time as there are workers, each with its share of cores and perhaps a GPU."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import joblib
import psutil

from pare.config.errors import PareError
from pare.matrix.engines import Event, Settings, because, ended, not_run
from pare.matrix.launch import GPUS, Share, start, stop
from pare.matrix.plan import Job, Plan

TICK_S = 0.3  # seconds between two looks at the processes
SPARE = 0.9  # share of the free memory that jobs may take together
COUNT_GPUS = "import torch; print(torch.cuda.device_count())"


@dataclass(frozen=True)
class Worker:
    """A place for one job at a time; ``gpu``: the GPU of its jobs that train a network, empty for none."""

    gpu: str = ""


@dataclass
class Running:
    """A job that runs: its process, its place, and when it began."""

    job: Job
    process: subprocess.Popen[bytes]
    worker: Worker
    began: float


def run_local(plan: Plan, settings: Settings) -> Iterator[list[Event]]:
    """Run a plan in processes of this machine, see `pare.matrix.engines.Engine`."""
    jobs = _Jobs(plan, settings)
    try:
        while jobs.graph.is_active():
            yield [*jobs.begun(), *jobs.ended()]
            if jobs.running:
                time.sleep(TICK_S)
    finally:
        stop(one.process for one in jobs.running)


class _Jobs:
    """The jobs of a plan: those that wait, and those that run, each at a place of its own.

    Args:
        plan: the plan.
        settings: how it is run.
    """

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self.plan, self.settings = plan, settings
        self.workers = workers_of(plan, settings)
        self.threads = max(1, joblib.cpu_count() // len(self.workers))
        self.graph = TopologicalSorter({job.name: set(job.needs) for job in plan.jobs.values()})
        self.graph.prepare()
        self.order = {name: place for place, name in enumerate(plan.jobs)}
        self.ready, self.free = list[str](), list(self.workers)
        self.running, self.failed = list[Running](), set[str]()

    def begun(self) -> Iterator[Event]:
        """Start what can be started, in the order of the plan."""
        self.ready = sorted([*self.ready, *self.graph.get_ready()], key=self.order.__getitem__)
        for name in [*self.ready]:
            job = self.plan.jobs[name]
            worker = _suiting(job, self.free, self.workers)
            if worker is not None:
                self.ready.remove(name)
                yield self._begin(job, worker)

    def ended(self) -> Iterator[Event]:
        """Look which jobs ended, and give their places free."""
        for one in [one for one in self.running if one.process.poll() is not None]:
            self.running.remove(one)
            self.free.append(one.worker)
            self.graph.done(one.job.name)
            self.failed |= {one.job.name} if one.process.returncode else set()
            yield ended(one.job, self.settings.folder, one.process.returncode, time.monotonic() - one.began)

    def _begin(self, job: Job, worker: Worker) -> Event:
        if reason := not_run(job, self.failed, self.settings):
            self.graph.done(job.name)
            if because(job, self.failed):
                self.failed.add(job.name)  # what needs it is not run either
            return Event(job, "skipped", reason)
        share = Share(self.threads, worker.gpu if job.on_accelerator else "")
        process = start(job, self.settings.project, self.settings.folder, share)
        self.running.append(Running(job, process, worker, time.monotonic()))
        self.free.remove(worker)
        return Event(job, "started")


def workers_of(plan: Plan, settings: Settings) -> list[Worker]:
    """Places for jobs, those with a GPU first, on one GPU after the other.

    Without a number of workers there is one for each run that the GPUs hold and as many without a GPU. Where there is
    no GPU, or no network to train, there is one for each core, as far as the free memory goes; never more than jobs.

    Raises:
        PareError: where a run is to have more than one GPU.
    """
    check_gpus_per_run(settings)
    found = gpus() if any(job.on_accelerator for job in plan.jobs.values()) else []
    with_gpu = [Worker(gpu) for _ in range(int(1 / settings.gpus_per_run)) for gpu in found]
    cores = joblib.cpu_count()
    fits = int(SPARE * psutil.virtual_memory().available / 2**20 / max(plan.memory_mb, 1.0))
    most = min(2 * len(with_gpu), cores) if with_gpu else max(1, min(cores, fits))
    wanted = settings.workers or max(most, len(with_gpu))
    wanted = min(wanted, max(1, len(plan.runs) or len(plan.jobs)))  # a few runs have all cores
    return [*with_gpu[:wanted], *[Worker()] * (wanted - len(with_gpu))]


def check_gpus_per_run(settings: Settings) -> None:
    """Raise PareError where a run is to have more than one GPU, or none."""
    if not 0 < settings.gpus_per_run <= 1:
        raise PareError(
            f"--gpus-per-run must be above 0 and at most 1, found {settings.gpus_per_run:g}: a run uses one device"
        )


def gpus() -> list[str]:
    """The GPUs of this machine that torch sees, as ``CUDA_VISIBLE_DEVICES`` names them."""
    asked = subprocess.run([sys.executable, "-c", COUNT_GPUS], capture_output=True, text=True, check=True)
    count = int(asked.stdout)
    named = [name for name in os.environ.get(GPUS, "").split(",") if name]
    return named[:count] if named else [str(number) for number in range(count)]


def _suiting(job: Job, free: Sequence[Worker], workers: Sequence[Worker]) -> Worker | None:
    """A free place for a job.

    Where it takes a GPU and there are some, that is one on the GPU with the fewest jobs; else one without a GPU,
    where there are some.
    """
    with_gpu, without = [worker for worker in free if worker.gpu], [worker for worker in free if not worker.gpu]
    if job.on_accelerator and any(worker.gpu for worker in workers):
        return min(with_gpu, key=lambda worker: workers.count(worker) - with_gpu.count(worker), default=None)
    takes_any = all(worker.gpu for worker in workers)
    return next(iter(without or (with_gpu if takes_any else [])), None)
