"""SLURM: a plan as at most three arrays of batch jobs; each element of an array runs a bundle of the plan's jobs."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

from pare.config.errors import PareError, unknown_name
from pare.config.estimate import duration
from pare.config.words import counted
from pare.matrix.blocks import Cell
from pare.matrix.plan import Inputs, Job, Plan, read_plan

INPUTS, CPU, GPU = "inputs", "cpu", "gpu"
UNKNOWN_S = 900.0  # seconds of a job whose time nobody knows: an input, or an untimed fit of a library
UNKNOWN_MB = 16 * 1024.0  # memory of a job of which nobody knows it
LEAST_MB = 8 * 1024.0  # memory that any run is given: libraries of a GPU alone take some
MARGIN = 1.5  # memory that is asked for, as a multiple of the plan's
SAFETY, LEAST_S = 2.0, 1800.0  # time limit: a multiple of the estimate, and so many seconds at least
CORES = 4  # cores of each job
LARGER = 1.1  # factor by which bundles become larger until an array has few enough
NOWHERE = Path("/dev/null")  # a folder of data in which nothing is


@dataclass(frozen=True)
class Limits:
    """What the cluster allows, and what is asked of it.

    Attributes:
        hours: longest time limit of an element.
        bundle_hours: time that a bundle is filled up to; `hours` where that is less.
        elements: most elements of an array.
        at_a_time: elements of an array that run at a time; None: all.
        gpus_per_run: GPUs of a run with a network, such as 0.5 for two runs on one; 0 for a cluster without GPUs.
        options: further options of `sbatch`.
    """

    hours: float = 24.0
    bundle_hours: float = 4.0
    elements: int = 1000
    at_a_time: int | None = None
    gpus_per_run: float = 1.0
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Array:
    """An array of batch jobs.

    Attributes:
        name: ``inputs``, ``cpu`` or ``gpu``.
        bundles: names of the jobs of each element, in their order.
        seconds: estimated time of the longest bundle.
        memory_mb: memory of one job, with a margin.
        together: jobs of a bundle that run at a time, sharing one GPU.
        untimed: number of jobs whose time is a guess.
        unmeasured: number of jobs whose memory is a guess.
    """

    name: str
    bundles: Sequence[Sequence[str]]
    seconds: float
    memory_mb: float
    together: int = 1
    untimed: int = 0
    unmeasured: int = 0

    @property
    def jobs(self) -> list[str]:
        """Names of all its jobs."""
        return [name for bundle in self.bundles for name in bundle]

    def __str__(self) -> str:
        """Such as ``Array gpu: 4 jobs in 2 bundles, 2 at a time; the longest takes 1 h 0 min by the plan``."""
        jobs, bundles = counted(len(self.jobs), "job"), counted(len(self.bundles), "bundle")
        at_a_time = f", {self.together} at a time" if self.together > 1 else ""
        return (
            f"Array {self.name}: {jobs} in {bundles}{at_a_time}; the longest takes {duration(self.seconds)} by the plan"
        )

    def bundle(self, number: int) -> Sequence[str]:
        """Names of the jobs of a bundle.

        Raises:
            PareError: for a number that no bundle has.
        """
        if not 0 <= number < len(self.bundles):
            raise PareError(f"array {self.name} has bundles 0 to {len(self.bundles) - 1}, found {number}")
        return self.bundles[number]


@dataclass(frozen=True)
class Submission:
    """A plan as arrays.

    Attributes:
        plan: the plan.
        arrays: its arrays by name; every job is in one bundle of one of them.
        env: Kedro's environment.
        asked: options that chose its runs, see `pare.cli.matrix_options.load_matrix`.
    """

    plan: Plan
    arrays: dict[str, Array]
    env: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write all of it as ``plan.json`` into a folder."""
        arrays = [asdict(array) for array in self.arrays.values()]
        return self.plan.write(folder, arrays=arrays, env=self.env, asked=self.asked)

    def array(self, name: str) -> Array:
        """The array of that name; PareError where there is none."""
        if name not in self.arrays:
            raise unknown_name("array", name, self.arrays, "plan.json")
        return self.arrays[name]


def read_submission(path: Path) -> Submission:
    """Read what `Submission.write` wrote; PareError where it is something else."""
    plan = read_plan(path)
    values = json.loads(path.read_text(encoding="utf-8"))
    try:
        arrays = {array["name"]: Array(**array) for array in values["arrays"]}
        return Submission(plan, arrays, values["env"], values["asked"])
    except (KeyError, TypeError) as error:
        raise PareError(f"{path} has no arrays ({error}); write it: kedro matrix run --engine slurm") from None


def arrays_of(plan: Plan, limits: Limits) -> dict[str, Array]:
    """The arrays of a plan: inputs, runs on CPUs, and runs on GPUs, without those that would be empty.

    Args:
        plan: the plan.
        limits: how long and how many elements may be.
    """
    items: dict[str, list[list[Job]]] = {INPUTS: _chains(plan), CPU: [], GPU: []}
    for job in plan.runs:
        items[GPU if job.on_accelerator and limits.gpus_per_run else CPU].append([job])
    together = {GPU: int(1 / limits.gpus_per_run) if limits.gpus_per_run else 1}
    return {name: _array(name, found, together.get(name, 1), limits) for name, found in items.items() if found}


def _chains(plan: Plan) -> list[list[Job]]:
    """The inputs, each after those that it needs, in groups that need nothing of another."""
    chains: dict[str, list[Job]] = {}
    for job in plan.jobs.values():
        if job.prepares:
            before = {id(chains[need]): chains[need] for need in job.needs}
            chain = [*(one for earlier in before.values() for one in earlier), job]
            chains |= {one.name: chain for one in chain}
    return [*{id(chain): chain for chain in chains.values()}.values()]


def _array(name: str, items: list[list[Job]], together: int, limits: Limits) -> Array:
    bundle_s = min(limits.bundle_hours, limits.hours) * 3600
    bundles = _filled(items, bundle_s * together)
    while len(bundles) > limits.elements:
        bundle_s *= LARGER
        bundles = _filled(items, bundle_s * together)
    jobs = [job for bundle in bundles for job in bundle]
    unmeasured = sum(not job.memory_mb for job in jobs)
    return Array(
        name=name,
        bundles=[[job.name for job in bundle] for bundle in bundles],
        seconds=max(_seconds(bundle, together) for bundle in bundles),
        memory_mb=max(LEAST_MB, MARGIN * max(job.memory_mb for job in jobs), UNKNOWN_MB * bool(unmeasured)),
        together=together,
        untimed=sum(_is_untimed(job) for job in jobs),
        unmeasured=unmeasured,
    )


def _filled(items: list[list[Job]], bundle_s: float) -> list[list[Job]]:
    """Bundles of items, the longest first: each is filled until the next item is too long for it."""
    bundles: list[list[Job]] = []
    room = 0.0
    for item in sorted(items, key=_seconds, reverse=True):
        if _seconds(item) > room or not bundles:
            bundles.append([])
            room = bundle_s
        bundles[-1] += item
        room -= _seconds(item)
    return bundles


def _seconds(jobs: Sequence[Job], together: int = 1) -> float:
    """Time of jobs one after the other, or so many at a time."""
    each = [max(job.seconds, UNKNOWN_S) if _is_untimed(job) else job.seconds for job in jobs]
    return max(sum(each) / together, *each)


def _is_untimed(job: Job) -> bool:
    return job.prepares or not job.timed


def time_limit(array: Array, limits: Limits) -> str:
    """The time limit of an element as hours, minutes and seconds."""
    minutes = ceil(min(max(SAFETY * array.seconds, LEAST_S), limits.hours * 3600) / 60)
    return f"{minutes // 60}:{minutes % 60:02}:00"


def part_of(
    submission: Submission, names: Sequence[str], cells: Mapping[str, Cell], data: Path, is_left: Callable[[Job], bool]
) -> tuple[Plan, dict[str, str]]:
    """The jobs of a bundle that can be run now.

    Args:
        submission: the plan and its arrays.
        names: names of the bundle's jobs.
        cells: runs of the configuration as it is now, by name.
        data: the project's folder of data.
        is_left: whether a run is not done by now.

    Returns:
        A plan of these jobs, and the runs that cannot be run, each with the reason.

    Raises:
        PareError: for a job that the configuration does not have any more.
    """
    plan, there = submission.plan, Inputs(data)
    _check_current([plan.jobs[name] for name in names], cells)
    missing = {name: [*there.needed_by(cell.run)] for name, cell in cells.items()}
    left: dict[str, Job] = {}
    refused: dict[str, str] = {}
    for name in names:
        job = plan.jobs[name]
        if job.prepares:
            if name in there.jobs:
                left[name] = job
        elif is_left(job):
            if missing[name]:
                refused[name] = f"not there: {', '.join(missing[name])}; see the logs of these"
            else:
                left[name] = job
    jobs = {name: replace(job, needs=tuple(need for need in job.needs if need in left)) for name, job in left.items()}
    return replace(plan, jobs=jobs), refused


def _check_current(jobs: list[Job], cells: Mapping[str, Cell]) -> None:
    """Refuse jobs that the configuration has no more, or has as another command."""
    known: dict[str, set[str]] = defaultdict(set)
    for cell in cells.values():
        known[cell.name].add(cell.run.command())
        inputs = Inputs(NOWHERE)
        for name in inputs.needed_by(cell.run):
            known[name].add(inputs.jobs[name].command)
    for job in jobs:
        if job.command not in known[job.name]:
            raise PareError(
                f"the plan is older than the configuration: {job.name} is not in the matrix as `{job.command}`; plan "
                "anew: kedro matrix run --engine slurm"
            )
