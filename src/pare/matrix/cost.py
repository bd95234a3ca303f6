"""Cost of each run that is left: the measured time of finished runs where there are any, else an estimate."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from pare.config.estimate import DEVICES, estimate
from pare.config.run import Run
from pare.matrix.blocks import Cell
from pare.matrix.states import State

AROUND_S = 12  # start of a program, loading, evaluation and figures of a run
Kin = tuple[str, ...]  # what two runs have in common where the time of one tells that of the other
ESTIMATED: Kin = ("transformer",)  # all runs whose work the configuration tells
BASES = {
    "done": "on this machine, as its finished runs took",
    "results": "on a machine like the one that the results are from",
}


@dataclass(frozen=True)
class Cost:
    """Cost of a run that is left.

    Attributes:
        seconds: time, without the fitting where it is not known.
        memory_mb: peak memory.
        timed: whether the time holds all: nothing tells how long a library fits of whose method no run is finished.
    """

    seconds: float
    memory_mb: float
    timed: bool = True


@dataclass(frozen=True)
class Costs:
    """Costs of the runs that are left, by name, and where the times come from, in words."""

    runs: dict[str, Cost]
    basis: str


def costs(
    cells: Mapping[str, Cell], states: Mapping[str, State], speed: Callable[[], float], device: str = ""
) -> Costs:
    """Price the runs that are left.

    Args:
        cells: the runs by name.
        states: how far each has come.
        speed: measures floating-point operations per second; called only where no run is finished.
        device: an accelerator of `DEVICES` that networks are trained on; none: this machine's CPU.
    """
    slowness, basis = _slowness(cells, states)
    left = [name for name in cells if states[name].kind != "done"]
    if not device and ESTIMATED not in slowness and any(_is_estimated(cells[name].run) for name in left):
        slowness[ESTIMATED] = 1 / speed()
    if device:
        basis = f"on one {DEVICES[device].title} by its data sheet, which nobody measured with this project"
    peaks = _peaks(cells, states)
    runs = {}
    for name in left:
        run = cells[name].run
        factor = 1 / _device_speed(run, device) if device and _is_estimated(run) else _nearest(slowness, run)
        work = (factor or 0.0) * _work(run) * (1 - states[name].share)
        runs[name] = Cost(AROUND_S + work, max(_memory(run), peaks.get(run.task_name, 0.0)), factor is not None)
    return Costs(runs, basis)


def _device_speed(run: Run, device: str) -> float:
    """Speed of a matrix product on an accelerator in the run's precision, in operations per second."""
    return DEVICES[device].single if run.training.precision in ("no", "float32") else DEVICES[device].half


def _is_estimated(run: Run) -> bool:
    """Whether the configuration tells the work: a network around an encoder that is trained without a time limit."""
    return run.learner.kind == "transformer" and not run.minutes


def _work(run: Run) -> float:
    """Seconds of a run that has minutes, or else of one operation a second; 1 where nothing tells the work."""
    if run.minutes:
        return 60 * run.minutes
    return estimate(run, 1.0).seconds if _is_estimated(run) else 1.0


def _memory(run: Run) -> float:
    """Peak memory in MB by the estimate of a network around an encoder; of a choice, that of its largest candidate."""
    known = [one for one in run.candidates or [run] if one.learner.kind == "transformer"]
    return max((estimate(one, 1.0).memory_mb for one in known), default=0.0)


def _peaks(cells: Mapping[str, Cell], states: Mapping[str, State]) -> dict[str, float]:
    """The most memory in MB that a finished run of each task took."""
    peaks: dict[str, float] = {}
    for name, cell in cells.items():
        task, metrics = cell.run.task_name, states[name].metrics or {}
        peaks[task] = max(peaks.get(task, 0.0), metrics.get("peak_memory_mb") or 0.0)
    return peaks


def _kin(run: Run) -> tuple[Kin, ...]:
    """What a run shares with those whose times tell its own, the nearest first."""
    cell = (run.task_name, run.method_folder)
    if _is_estimated(run):
        return cell, (run.task_name,), ESTIMATED
    return (cell,) if run.minutes else (cell, ("method", run.method_name))


def _slowness(cells: Mapping[str, Cell], states: Mapping[str, State]) -> tuple[dict[Kin, float], str]:
    """Seconds per unit of work, by what finished runs share; and where they ran."""
    for kind, basis in BASES.items():
        found: dict[Kin, list[float]] = defaultdict(list)
        for name, cell in cells.items():
            if states[name].kind == kind and (metrics := states[name].metrics):
                for shared in _kin(cell.run):
                    found[shared].append(metrics["train_seconds"] / _work(cell.run))
        if found:
            return {shared: median(factors) for shared, factors in found.items()}, basis
    return {}, "on this machine's CPU"


def _nearest(slowness: Mapping[Kin, float], run: Run) -> float | None:
    """Seconds per unit of work; None where nothing tells."""
    known = (slowness[shared] for shared in _kin(run) if shared in slowness)
    return next(known, 1.0 if run.minutes else None)
