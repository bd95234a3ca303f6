"""Processes on this machine: as many at a time as there are workers, each with its share of cores and perhaps a GPU."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

import joblib
import psutil

from pare.config.errors import PareError
from pare.matrix.engines import Event, Settings, because
from pare.matrix.launch import GPUS, Share, last_line, log_of, start, stop
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
    workers = workers_of(plan, settings)
    threads = max(1, joblib.cpu_count() // len(workers))
    graph = TopologicalSorter({job.name: set(job.needs) for job in plan.jobs.values()})
    graph.prepare()
    order = {name: place for place, name in enumerate(plan.jobs)}
    ready: list[str] = []
    free, running, failed = list(workers), list[Running](), set[str]()
    try:
        while graph.is_active():
            ready = sorted([*ready, *graph.get_ready()], key=order.__getitem__)
            events = []
            for name in [*ready]:
                job = plan.jobs[name]
                if reason := _not_run(job, failed, settings):
                    events.append(Event(job, "skipped", reason))
                    ready.remove(name)
                    graph.done(name)
                    failed |= {name} if because(job, failed) else set()
                elif (worker := _suiting(job, free, workers)) is not None:
                    share = Share(threads, worker.gpu if job.on_accelerator else "")
                    running.append(Running(job, start(job, settings.project, settings.folder, share), worker, _now()))
                    free.remove(worker)
                    ready.remove(name)
                    events.append(Event(job, "started"))
            for one in [one for one in running if one.process.poll() is not None]:
                events.append(_ended(one, settings))
                failed |= {one.job.name} if events[-1].kind == "failed" else set()
                running.remove(one)
                free.append(one.worker)
                graph.done(one.job.name)
            yield events
            if running:
                time.sleep(TICK_S)
    finally:
        stop(one.process for one in running)


def workers_of(plan: Plan, settings: Settings) -> list[Worker]:
    """Places for jobs, those with a GPU first.

    Without a number of workers there is one for each run that the GPUs hold and as many without a GPU; on a machine
    without GPUs one for each core, as far as the free memory goes.

    Raises:
        PareError: where a run is to have more than one GPU.
    """
    if not 0 < settings.gpus_per_run <= 1:
        raise PareError(
            f"--gpus-per-run must be above 0 and at most 1, found {settings.gpus_per_run:g}: a run uses one device"
        )
    with_gpu = [Worker(gpu) for gpu in gpus() for _ in range(int(1 / settings.gpus_per_run))]
    cores = joblib.cpu_count()
    fits = int(SPARE * psutil.virtual_memory().available / 2**20 / max(plan.memory_mb, 1.0))
    most = min(2 * len(with_gpu), cores) if with_gpu else max(1, min(cores, fits))
    wanted = settings.workers or max(most, len(with_gpu))
    wanted = min(wanted, max(1, len(plan.runs)))  # a few runs have all cores
    return [*with_gpu[:wanted], *[Worker()] * (wanted - len(with_gpu))]


def gpus() -> list[str]:
    """The GPUs of this machine that torch sees, as ``CUDA_VISIBLE_DEVICES`` names them."""
    asked = subprocess.run([sys.executable, "-c", COUNT_GPUS], capture_output=True, text=True, check=True)
    count = int(asked.stdout)
    named = [name for name in os.environ.get(GPUS, "").split(",") if name]
    return named[:count] if named else [str(number) for number in range(count)]


def _suiting(job: Job, free: list[Worker], workers: list[Worker]) -> Worker | None:
    """A free place for a job: one with a GPU where it takes one and there are some, else rather one without."""
    with_gpu = [worker for worker in free if worker.gpu]
    without = [worker for worker in free if not worker.gpu]
    if job.on_accelerator and any(worker.gpu for worker in workers):
        return with_gpu[0] if with_gpu else None
    takes_any = all(worker.gpu for worker in workers)
    return next(iter(without or (with_gpu if takes_any else [])), None)


def _not_run(job: Job, failed: set[str], settings: Settings) -> str:
    """Why a job is not run; empty where it is."""
    if reason := because(job, failed):
        return f"{reason} failed"
    return "" if settings.is_left(job) else "done meanwhile"


def _ended(one: Running, settings: Settings) -> Event:
    seconds = _now() - one.began
    if one.process.returncode == 0:
        return Event(one.job, "done", seconds=seconds)
    said = last_line(log_of(one.job, settings.folder))
    return Event(one.job, "failed", said or f"exit code {one.process.returncode}", seconds)


def _now() -> float:
    return time.monotonic()
