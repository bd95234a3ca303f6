"""Ray: a task for each job, on this machine or on a running cluster whose nodes share the project's folder."""

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from math import ceil, log2
from pathlib import Path
from typing import Any, cast

import click
import joblib

from pare.config.errors import PareError, import_extra
from pare.matrix.engines import Event, Settings, because, ended, not_run
from pare.matrix.engines.local import Worker, check_gpus_per_run, workers_of
from pare.matrix.launch import GRACE_S, Share, log_of, start, stop
from pare.matrix.plan import Job, Plan
from pare.matrix.shared_folder import problem_here, problem_of_runs, token
from pare.matrix.states import MODELS

# Nothing about the use of a Ray of our own goes to its makers; `uv run` does not send the project's folder to workers.
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
OBJECT_STORE = 100 * 2**20  # bytes; results of tasks are a line of text
CONNECT_S = 10.0  # seconds that a cluster has to answer
TICK_S = 0.3  # seconds between two looks
ANSWER_S = 120.0  # seconds that a node has to start a worker and look at the folder
PATIENCE_S = 150.0  # an NFS server frees the locks of a lost node after 90 seconds, or as it is set up
PACKAGE = "pare-transfer"


@dataclass(frozen=True)
class Node:
    """A node that runs may get: its id and name, and its cores, GPUs and memory in bytes, as Ray counts them."""

    id: str
    name: str
    cores: float
    gpus: float
    memory: float


def run_ray(plan: Plan, settings: Settings) -> Iterator[list[Event]]:
    """Run a plan as tasks of Ray, see `pare.matrix.engines.Engine`.

    Raises:
        PareError: where Ray is not installed or cannot be reached, or a node does not share the project's folder.
    """
    os.environ.update(ENVIRONMENT)
    ray = import_extra("ray", "--engine ray", f"{PACKAGE}[ray]")
    check_gpus_per_run(settings)
    workers = [] if settings.address else workers_of(plan, settings)
    settings = replace(settings, workers=len(workers) or settings.workers)
    with _connected(ray, settings.address, workers), token(settings.project / "data" / MODELS) as held:
        nodes = _nodes(ray)
        _check(ray, nodes, held)
        yield from _run(ray, plan, settings, nodes, held)


@contextmanager
def _connected(ray: Any, address: str, workers: Sequence[Worker]) -> Iterator[None]:
    """Connect to a running cluster, or to a Ray for these workers that ends with the block."""
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            _check_reachable(address)
        ray.init(
            **({"address": address} if address else _own(workers)), log_to_driver=False, logging_level=logging.ERROR
        )
    except Exception as error:  # Ray has no class of its own for what may be wrong here
        where = f"at {address}" if address else "on this machine"
        raise PareError(
            f"there is no Ray {where} ({_last(error)}); --address is that of a running cluster, such as auto on one of "
            "its nodes; without it this machine is used"
        ) from error
    finally:
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray's own would end this process without our clean-up
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise OSError where nothing listens at an address, which Ray would try to reach for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()


def _own(workers: Sequence[Worker]) -> dict[str, Any]:
    """Arguments of a Ray of our own, with room for these workers and no more."""
    return {
        "address": "local",
        "num_cpus": len(workers) * max(1, joblib.cpu_count() // len(workers)),
        "num_gpus": len({worker.gpu for worker in workers if worker.gpu}),
        "include_dashboard": False,
        "object_store_memory": OBJECT_STORE,
    }


def _nodes(ray: Any) -> list[Node]:
    """The nodes that have cores for runs, which the head of a cluster may not."""
    alive = [(node, node["Resources"]) for node in ray.nodes() if node["Alive"]]
    return [
        Node(node["NodeID"], node["NodeManagerHostname"], has["CPU"], has.get("GPU", 0), has.get("memory", 0))
        for node, has in alive
        if has.get("CPU", 0) >= 1
    ]


def _check(ray: Any, nodes: Sequence[Node], held: Path) -> None:
    """Check that each node has this package, and the same folder with its locks.

    Raises:
        PareError: naming the node that has not.
    """
    affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    task = ray.remote(num_cpus=0)(look)
    asked = {
        task.options(scheduling_strategy=affinity(node.id, soft=False)).remote(str(held), version(PACKAGE)): node
        for node in nodes
    }
    answered, late = ray.wait([*asked], num_returns=len(asked), timeout=ANSWER_S) if asked else ([], [])
    for ref in answered:
        try:
            problem = ray.get(ref)
        except ray.exceptions.RayError as error:
            problem = f"{_last(error)}; {PACKAGE} {version(PACKAGE)} must be in the Python that Ray has there"
        if problem:
            raise PareError(f"node {asked[ref].name} of the Ray cluster: {problem}")
    if late:
        names = ", ".join(asked[ref].name for ref in late)
        raise PareError(f"these nodes of the Ray cluster did not answer in {ANSWER_S:g} s: {names}; see `ray status`")


def look(held: str, wanted: str) -> str:
    """Look, on a node, whether runs can be made there.

    Args:
        held: the token that the driver holds.
        wanted: the driver's version of this package.

    Returns:
        Why not, and what to do; empty where they can.
    """
    if (found := version(PACKAGE)) != wanted:
        return f"{PACKAGE} is {found} there and {wanted} here; install the same version"
    return problem_of_runs(held)


def _run(ray: Any, plan: Plan, settings: Settings, nodes: Sequence[Node], held: Path) -> Iterator[list[Event]]:
    """Submit all jobs, and tell what becomes of them."""
    threads = _threads(nodes, settings)
    task = ray.remote(max_retries=-1, retry_exceptions=False)(run_job)
    sizes = {name: _size(job, settings) for name, job in plan.jobs.items()}
    refs, events = dict[str, Any](), []
    _tell_of_missing(plan, nodes, settings)
    try:
        for name, job in plan.jobs.items():
            if reason := not_run(job, set(), settings):
                events.append(Event(job, "skipped", reason))
                continue
            demand = _demand(job, nodes, threads, settings)
            share = Share(threads, None if demand["num_gpus"] else "")
            place = (settings.project, settings.folder, share, str(held))
            inputs = [refs[need] for need in job.needs if need in refs]
            refs[name] = task.options(name=name, **demand).remote(job, *place, *inputs)
        yield events
        yield from _events(ray, plan, settings, refs, sizes)
    finally:
        _cancel(ray, [*refs.values()])


def _events(
    ray: Any, plan: Plan, settings: Settings, refs: dict[str, Any], sizes: dict[str, int]
) -> Iterator[list[Event]]:
    """Tell what happens until all jobs ended; they are taken out of ``refs``."""
    started, failed = set[str](), set[str]()
    while refs:
        time.sleep(TICK_S)  # not in Ray's wait, which makes a mere KeyboardInterrupt of SIGTERM
        ready = {*ray.wait([*refs.values()], num_returns=len(refs), timeout=0)[0]}
        new = [name for name in refs if name not in started and _size(plan.jobs[name], settings) > sizes[name]]
        events = [Event(plan.jobs[name], "started") for name in new]
        started |= {*new}
        for name, ref in [*refs.items()]:
            job = plan.jobs[name]
            if ref in ready:
                events.append(_ended(ray, job, ref))
                failed |= {name} if events[-1].kind != "done" else set()
            elif reason := because(job, failed):
                events.append(Event(job, "skipped", f"{reason} failed"))
                failed.add(name)
            else:
                continue
            del refs[name]
        yield events


def _ended(ray: Any, job: Job, ref: Any) -> Event:
    """The outcome of a task.

    Raises:
        PareError: where the node could not run the job, as the next would fail there too.
    """
    try:
        return cast(Event, ray.get(ref))
    except ray.exceptions.RayError as error:
        raise PareError(
            f"the plan was stopped, since a node of the Ray cluster could not run {job.name}: {_last(error)}"
        ) from error


def run_job(job: Job, project: Path, folder: Path, share: Share, held: str, *inputs: Event) -> Event:
    """Run a job to its end, on a node; Ray's way to cancel a task is a KeyboardInterrupt in it.

    Args:
        job: the job.
        project: the project's folder.
        folder: the plan's folder.
        share: its threads and GPUs.
        held: the token that the driver holds.
        inputs: what became of the jobs that it needs.

    Raises:
        PareError: where this node joined later and does not share the folder.
    """
    if failed := {event.job.name for event in inputs if event.kind != "done"}:
        return Event(job, "skipped", f"{because(job, failed)} failed")
    if problem := problem_here(held):
        raise PareError(f"{socket.gethostname()}: {problem}")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where Ray was started in the background
    began = time.monotonic()
    process = start(job, project, folder, share, PATIENCE_S)
    try:
        while process.poll() is None:
            time.sleep(TICK_S)
    finally:
        stop([process])
    return ended(job, folder, process.returncode, time.monotonic() - began)


def _cancel(ray: Any, refs: list[Any]) -> None:
    """End tasks, the last one first, so that none begins in place of another; what runs gets SIGTERM and has time."""
    for ref in reversed(refs):
        ray.cancel(ref)
    if refs:
        ray.wait(refs, num_returns=len(refs), timeout=GRACE_S + CONNECT_S)


def _threads(nodes: Sequence[Node], settings: Settings) -> int:
    """Threads of a run: one, or an equal share of all cores where the number of runs at a time is given."""
    if not settings.workers:
        return 1
    return max(1, int(sum(node.cores for node in nodes)) // settings.workers)


def _demand(job: Job, nodes: Sequence[Node], threads: int, settings: Settings) -> dict[str, Any]:
    """What a job takes of a node.

    Memory is asked for where the number of runs at a time is not given, in powers of two: Ray keeps the order of
    those tasks alone that ask for the same.

    Raises:
        PareError: where no node has so much.
    """
    gpus = settings.gpus_per_run if job.on_accelerator and any(node.gpus for node in nodes) else 0
    demand = {"num_cpus": threads, "num_gpus": gpus}
    suiting = [node for node in nodes if node.cores >= threads and node.gpus >= gpus]
    if nodes and not suiting:
        raise PareError(
            f"--workers {settings.workers} gives each run {threads} threads, and no node{' with a GPU' * bool(gpus)} "
            "has so many; give a larger number of workers"
        )
    if not settings.workers and job.memory_mb:
        rounded = 2.0 ** ceil(log2(job.memory_mb * 2**20))
        demand["memory"] = int(min([rounded, *[max(node.memory for node in suiting)] * bool(suiting)]))
    return demand


def _tell_of_missing(plan: Plan, nodes: Sequence[Node], settings: Settings) -> None:
    """Say what a cluster does not have."""
    if settings.address and not nodes:
        click.echo("The Ray cluster has no node with a core for runs now; they begin when one joins.")
    if settings.address and not any(node.gpus for node in nodes) and any(job.on_accelerator for job in plan.runs):
        click.echo("The Ray cluster has no GPU now; networks are trained on CPUs.")


def _size(job: Job, settings: Settings) -> int:
    """Bytes of a job's log, to which its start adds a line."""
    try:
        return log_of(job, settings.folder).stat().st_size
    except FileNotFoundError:
        return 0


def _last(error: BaseException) -> str:
    """What an error says last; of one on a node, without its traceback."""
    said = str(getattr(error, "cause", None) or error).strip()
    return said.splitlines()[-1] if said else type(error).__name__
