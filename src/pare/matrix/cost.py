"""What the rest of the matrix will cost: measured times of finished runs where there are any, else an estimate."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from statistics import median

from pare.config.estimate import duration, estimate
from pare.config.run import BaselineRun, Run, TaskRun
from pare.matrix.blocks import Cell
from pare.matrix.states import State

# Starts of programs, loading, evaluation and figures of a run, in seconds: two programs or one.
AROUND_S, AROUND_BASELINE_S = 25, 12
# Finished runs that a time is taken from, the nearest first: the same cell's, its task's or, as nothing estimates
# the work of a baseline, of the same baseline.
NEAREST: tuple[Callable[[TaskRun], Hashable], ...] = (
    lambda run: (run.task_name, run.method_folder),
    lambda run: run.method_name if isinstance(run, BaselineRun) else run.task_name,
    lambda run: run.method_name if isinstance(run, BaselineRun) else None,
)
BASES = {
    "done": "on this machine (as its finished cells took)",
    "results": "on a machine like the one that the results are from",
}


@dataclass(frozen=True)
class Cost:
    """Cost of the runs that are left.

    Attributes:
        cells: all runs.
        left: runs that are not done.
        elsewhere: runs among them whose results are here, and whose models are not.
        untimed: baselines among them of which no run is finished, counted with their start only.
        seconds: time of the runs that are left, one after the other.
        memory_mb: memory of the largest of them.
        basis: where the times come from, in words.
    """

    cells: int
    left: int
    elsewhere: int
    untimed: int
    seconds: float
    memory_mb: float
    basis: str

    def __str__(self) -> str:
        if not self.left:
            return f"All {self.cells} cells are done."
        elsewhere = f" ({self.elsewhere} have results but no model here)" if self.elsewhere else ""
        baselines = "baseline" if self.untimed == 1 else "baselines"
        untimed = f" without the fitting of {self.untimed} {baselines} not timed yet," if self.untimed else ","
        return (
            f"{self.left} of {self.cells} cells left{elsewhere}, about {duration(self.seconds)} {self.basis}{untimed} "
            f"and at most {self.memory_mb / 1024:.1f} GiB of memory."
        )


def cost(cells: Mapping[str, Cell], states: Mapping[str, State], speed: Callable[[], float]) -> Cost:
    """Price the runs that are left.

    Args:
        cells: the runs by name.
        states: how far each has come.
        speed: measures floating-point operations per second; called only where no run is finished.
    """
    slowness, basis = _slowness(cells, states)
    left = [name for name in cells if states[name].kind != "done"]
    any_method = (len(NEAREST) - 1, None)
    if any_method not in slowness and any(isinstance(cells[name].run, Run) for name in left):
        slowness[any_method] = 1 / speed()
    peaks = _peaks(cells, states)
    seconds, memory, untimed = 0.0, 0.0, 0
    for name in left:
        run = cells[name].run
        factor = _nearest(slowness, run)
        untimed += factor is None  # a baseline's
        around = AROUND_BASELINE_S if isinstance(run, BaselineRun) else AROUND_S
        seconds += around + (factor or 0.0) * _work(run) * (1 - _share_done(run, states[name]))
        memory = max(memory, _memory(run), peaks.get(run.task_name, 0.0))
    elsewhere = sum(states[name].kind == "results" for name in left)
    return Cost(len(cells), len(left), elsewhere, untimed, seconds, memory, basis)


def _work(run: Run | BaselineRun) -> float:
    """Seconds of training where the machine does one operation a second; of a baseline, a unit."""
    return estimate(run, 1.0).seconds if isinstance(run, Run) else 1.0


def _memory(run: Run | BaselineRun) -> float:
    return estimate(run, 1.0).memory_mb if isinstance(run, Run) else 0.0


def _share_done(run: Run | BaselineRun, state: State) -> float:
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
            if metrics:
                factor = metrics["train_seconds"] / _work(cell.run)
                for distance, shared in enumerate(NEAREST):
                    found[distance, shared(cell.run)].append(factor)
        if found:
            return {key: median(factors) for key, factors in found.items()}, basis
    return {}, "on this machine's CPU"


def _nearest(slowness: Mapping[tuple[int, Hashable], float], run: TaskRun) -> float | None:
    keys = ((distance, shared(run)) for distance, shared in enumerate(NEAREST))
    return next((slowness[key] for key in keys if key in slowness), None)
