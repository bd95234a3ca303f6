"""Cost of each run that is left: the measured time of finished runs where there are any, else an estimate."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from statistics import median

from pare.config.estimate import DEVICES, estimate
from pare.config.run import Run
from pare.matrix.blocks import Cell
from pare.matrix.states import State

# Starts of programs, loading, evaluation and figures of a run, in seconds: two programs or one.
AROUND_S, AROUND_BASELINE_S = 25, 12
# Finished runs that a time is taken from, the nearest first: the same cell's, its task's or, as nothing estimates
# the work of a baseline, of the same baseline.
NEAREST: tuple[Callable[[Run], Hashable], ...] = (
    lambda run: (run.task_name, run.method_folder),
    lambda run: run.method_name if isinstance(run, Run) else run.task_name,
    lambda run: run.method_name if isinstance(run, Run) else None,
)
BASES = {
    "done": "on this machine, as its finished runs took",
    "results": "on a machine like the one that the results are from",
}


@dataclass(frozen=True)
class Cost:
    """Cost of a run that is left.

    Attributes:
        seconds: time, without the fitting of a baseline that is not timed.
        memory_mb: peak memory.
        timed: whether the time holds all; a baseline of which no run is finished is not.
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
    any_method = (len(NEAREST) - 1, None)
    if not device and any_method not in slowness and any(isinstance(cells[name].run, Run) for name in left):
        slowness[any_method] = 1 / speed()
    if device:
        basis = f"on one {DEVICES[device].title} by its data sheet, which nobody measured with this project"
    peaks = _peaks(cells, states)
    runs = {}
    for name in left:
        run = cells[name].run
        factor = _nearest(slowness, run) if not device or not isinstance(run, Run) else 1 / _device_speed(run, device)
        work = (factor or 0.0) * _work(run) * (1 - _share_done(run, states[name]))
        around = AROUND_BASELINE_S if isinstance(run, Run) else AROUND_S
        runs[name] = Cost(around + work, max(_memory(run), peaks.get(run.task_name, 0.0)), factor is not None)
    return Costs(runs, basis)


def _device_speed(run: Run, device: str) -> float:
    """Speed of a matrix product on an accelerator in the run's precision, in operations per second."""
    return DEVICES[device].single if run.training.precision == "no" else DEVICES[device].half


def _work(run: Run) -> float:
    """Seconds of training at one operation a second; 1 for a baseline; the given minutes of a choice."""
    match run:
        case Run():
            return estimate(run, 1.0).seconds
        case Run():
            return 60 * run.minutes
        case _:
            return 1.0


def _memory(run: Run) -> float:
    """Peak memory in MB by the estimate, which knows no baselines; the most that a candidate of a choice takes."""
    runs = run.candidates if isinstance(run, Run) else [run]
    return max((estimate(one, 1.0).memory_mb for one in runs if isinstance(one, Run)), default=0.0)


def _share_done(run: Run, state: State) -> float:
    return min(state.epochs / max(run.training.epochs, 1), 1.0)


def _peaks(cells: Mapping[str, Cell], states: Mapping[str, State]) -> dict[str, float]:
    """The most memory in MB that a finished run of each task took."""
    peaks: dict[str, float] = {}
    for name, cell in cells.items():
        task, metrics = cell.run.task_name, states[name].metrics or {}
        peaks[task] = max(peaks.get(task, 0.0), metrics.get("peak_memory_mb") or 0.0)
    return peaks


def _slowness(cells: Mapping[str, Cell], states: Mapping[str, State]) -> tuple[dict[tuple[int, Hashable], float], str]:
    """Seconds per unit of work, by how near a finished run is and by what it shares; and where it ran."""
    for kind, basis in BASES.items():
        found: dict[tuple[int, Hashable], list[float]] = defaultdict(list)
        for name, cell in cells.items():
            metrics = states[name].metrics if states[name].kind == kind else None
            if metrics and not isinstance(cell.run, Run):
                factor = metrics["train_seconds"] / _work(cell.run)
                for distance, shared in enumerate(NEAREST):
                    found[distance, shared(cell.run)].append(factor)
        if found:
            return {key: median(factors) for key, factors in found.items()}, basis
    return {}, "on this machine's CPU"


def _nearest(slowness: Mapping[tuple[int, Hashable], float], run: Run) -> float | None:
    """Seconds per unit of work; None for a baseline of which no run is finished."""
    if isinstance(run, Run):
        return 1.0
    keys = ((distance, shared(run)) for distance, shared in enumerate(NEAREST))
    return next((slowness[key] for key in keys if key in slowness), None)
