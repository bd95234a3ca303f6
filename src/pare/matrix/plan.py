"""The plan of a matrix: a job for each run that is left, and one before it for each input that several runs share."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from pare.config.errors import PareError
from pare.config.estimate import DAY, duration
from pare.config.raw import RawConfig
from pare.config.run import PROTOCOL, Run
from pare.config.words import all_done, counted
from pare.data.origins.manifest import Manifest, current_manifest
from pare.matrix.blocks import Cell
from pare.matrix.cost import Costs
from pare.storage.atomic import atomic_path

PREPARING_S = 30.0  # seconds that an input takes of which nothing is known: start of a program, and a small file
FILE = "plan.json"


@dataclass(frozen=True)
class Job:
    """One command.

    Attributes:
        name: unique in the plan.
        task: the task that it belongs to.
        command: the command, as a person writes it.
        needs: names of the jobs before it.
        on_accelerator: whether it takes one, where there is one.
        seconds: time that it will take, by the costs of the plan.
        memory_mb: peak memory; 0 where it is not known.
        prepares: whether it makes what several runs read, and no run itself.
        timed: whether the time of a run holds all, see `pare.matrix.cost.Cost`.
    """

    name: str
    task: str
    command: str
    needs: tuple[str, ...] = ()
    on_accelerator: bool = False
    seconds: float = PREPARING_S
    memory_mb: float = 0.0
    prepares: bool = False
    timed: bool = True


@dataclass(frozen=True)
class Plan:
    """What is left of a matrix.

    Attributes:
        title: the matrix in a word: ``base``, another environment, or ``own``.
        jobs: all jobs by name; an input comes before the runs that need it, then the longest run first.
        cells: number of all runs, finished ones included.
        untimed: number of the runs that are left whose fit nothing tells the time of: they count without it.
        basis: where the times come from, in words.
    """

    title: str
    jobs: dict[str, Job]
    cells: int
    untimed: int
    basis: str

    @property
    def runs(self) -> list[Job]:
        """The runs that are left."""
        return [job for job in self.jobs.values() if not job.prepares]

    @property
    def inputs(self) -> "Plan":
        """The plan of the inputs alone."""
        return replace(self, jobs={name: job for name, job in self.jobs.items() if job.prepares})

    @property
    def seconds(self) -> float:
        """Time of all jobs, one after the other."""
        return sum(job.seconds for job in self.jobs.values())

    @property
    def memory_mb(self) -> float:
        """Memory of the job that takes the most; 0 where that of none is known."""
        return max((job.memory_mb for job in self.jobs.values()), default=0.0)

    def __str__(self) -> str:
        """What is left, in two sentences; in a third, where it takes days, how it would take hours."""
        if not self.jobs:
            return all_done(self.cells)
        if not self.runs:
            return f"Inputs to prepare: {len(self.jobs)}."
        networks, inputs = sum(job.on_accelerator for job in self.runs), len(self.jobs) - len(self.runs)
        hours = " What makes hours of it: kedro matrix plan." if self.seconds >= DAY else ""
        untimed = f" without the fits of {counted(self.untimed, 'run')} not timed yet," if self.untimed else ""
        far = "" if all(job.memory_mb for job in self.runs) else ", as far as that is known"
        memory = f", and at most {self.memory_mb / 1024:.1f} GiB of memory each{far}" if self.memory_mb else ""
        return (
            f"{len(self.runs)} of {self.cells} runs left, {networks} with a network; inputs to prepare: {inputs}. "
            f"About {duration(self.seconds)} {self.basis},{untimed} one after the other{memory}.{hours}"
        )

    def table(self) -> Table:
        """A line for each task: what is left, what it takes, and how long."""
        table = Table(
            *("task", "runs left", "with a network", "inputs to prepare", "time", "longest", "memory"),
            title=f"Left of matrix {self.title}",
            **{"title_justify": "left", "box": None, "header_style": "bold"},  # type: ignore[arg-type]
        )
        tasks: dict[str, list[Job]] = defaultdict(list)
        for job in self.jobs.values():
            tasks[job.task].append(job)
        for task, jobs in tasks.items():
            runs, memory = [job for job in jobs if not job.prepares], max(job.memory_mb for job in jobs) / 1024
            table.add_row(
                task,
                *(str(count) for count in (len(runs), sum(job.on_accelerator for job in runs), len(jobs) - len(runs))),
                duration(sum(job.seconds for job in jobs)),
                duration(max(job.seconds for job in jobs)),
                f"{memory:.1f} GiB" if memory else "",
            )
        return table

    def as_json(self, **more: Any) -> str:
        """The whole plan as JSON, with further values."""
        values = {**asdict(self), "jobs": [asdict(job) for job in self.jobs.values()], **more}
        return json.dumps(values, indent=1) + "\n"

    def write(self, folder: Path, **more: Any) -> Path:
        """Write ``plan.json`` into a folder, with further values of an engine; `read_plan` reads the plan."""
        with atomic_path(folder / FILE) as unfinished:
            unfinished.write_text(self.as_json(**more), encoding="utf-8")
        return folder / FILE


def read_plan(path: Path) -> Plan:
    """Read a plan that `Plan.write` wrote; PareError where there is none."""
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        jobs = [Job(**{**job, "needs": tuple(job["needs"])}) for job in values["jobs"]]
        own = {field.name: values[field.name] for field in fields(Plan) if field.name != "jobs"}
        return Plan(jobs={job.name: job for job in jobs}, **own)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PareError(f"{path} is no plan of a matrix ({error}); write it: kedro matrix run --engine slurm") from None


def make_plan(title: str, cells: Mapping[str, Cell], costs: Costs, data: Path) -> Plan:
    """Plan the runs that are left.

    Args:
        title: see `Plan`.
        cells: all runs by name.
        costs: costs of those that are left.
        data: the project's folder of data; inputs that are there as the configuration asks for are not prepared.
    """
    inputs, runs = Inputs(data), []
    for name, cost in costs.runs.items():
        run = cells[name].run
        needs = tuple(inputs.needed_by(run))
        command = run.command()
        takes = cost.seconds, cost.memory_mb
        runs.append(Job(name, run.task_name, command, needs, run.on_accelerator, *takes, timed=cost.timed))
    runs.sort(key=lambda job: -job.seconds)
    first = {need: place for place, job in reversed([*enumerate(runs)]) for need in job.needs}
    prepared = sorted(inputs.jobs.values(), key=lambda job: (first[job.name], bool(job.needs)))
    jobs = {job.name: job for job in [*prepared, *runs]}
    return Plan(title, jobs, len(cells), sum(not cost.timed for cost in costs.runs.values()), costs.basis)


class Inputs:
    """What runs read and is not there yet, each with the job that makes it.

    Args:
        data: the project's folder of data.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.jobs: dict[str, Job] = {}
        self._manifests: dict[str, Manifest | None] = {}
        self._prepared: dict[str, bool] = {}

    def needed_by(self, run: Run) -> Iterator[str]:
        """Names of the jobs that a run waits for."""
        raw = self._job("raw", run, run.task.raw.active)
        source = [("encoder", run.source.encoder), ("proxy", run.proxy.raw)] if run.source and run.proxy else []
        yield from filter(None, [raw, *(self._job(kind, run, config) for kind, config in source)])
        place = run.places["model_input"]
        if place not in self._prepared:
            self._prepared[place] = not raw and self._is_prepared(run)  # no file is opened for nothing
        if not self._prepared[place]:
            name = f"input-{place}"
            needs = (raw,) if raw else ()
            self.jobs.setdefault(name, Job(name, run.task_name, run.command("preprocess"), needs, prepares=True))
            yield name

    def _job(self, kind: str, run: Run, config: RawConfig) -> str:
        """Name of the job that brings raw files; empty where they are there as the configuration asks for."""
        place = run.places[kind]
        if place not in self._manifests:
            folder = self.data / "01_raw" / place
            self._manifests[place] = current_manifest(config, folder) if folder.is_dir() else None
        if self._manifests[place] is not None:
            return ""
        name = f"{kind}-{place.rpartition('/')[2]}"
        tag = "task" if kind == "raw" else kind
        self.jobs.setdefault(name, Job(name, run.task_name, run.command("ingest", tag), prepares=True))
        return name

    def _is_prepared(self, run: Run) -> bool:
        """Whether the model input is there, of the run's raw files, task and protocol."""
        from pare.data.preparation import model_input_fingerprint  # noqa: PLC0415 - h5py, which an empty project does without
        from pare.storage.store import ArrayStore  # noqa: PLC0415

        manifest = self._manifests[run.places["raw"]]
        try:
            found = ArrayStore(self.data / "05_model_input" / f"{run.places['model_input']}.h5").fingerprint
        except PareError:
            return False
        fingerprint = manifest.fingerprint if manifest else ""
        validated = run.protocol == PROTOCOL
        return found == model_input_fingerprint(run.task_name, run.task, fingerprint, validated=validated)
