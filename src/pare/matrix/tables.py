"""The matrix as tables: a row a task, a column a method."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from rich.table import Table

from pare.matrix.blocks import Cell
from pare.matrix.states import State

NOTHING, ELSEWHERE = "·", " *"
LEGEND = "* made elsewhere: the results are here, a model is not, so that dvc trains it"


def block_table(title: str, cells: Sequence[Cell], states: Mapping[str, State]) -> Table:
    """One block: the test metric of each task and method, mean ± standard deviation over the seeds.

    Args:
        title: of the block.
        cells: its runs.
        states: how far each run of the matrix has come, by name.
    """
    seeds: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        seeds[cell.run.task_name, cell.run.method_folder].append(cell)
    tasks = {cell.run.task_name: cell.run.metric for cell in cells}
    methods = list(dict.fromkeys(cell.run.method_folder for cell in cells))
    table = Table("task", "metric", *methods, title=title, title_justify="left", box=None, header_style="bold")
    for task, metric in tasks.items():
        table.add_row(task, metric, *(_text(seeds[task, method], states) for method in methods))
    return table


def _text(cells: Sequence[Cell], states: Mapping[str, State]) -> str:
    """What is known of the runs of one task and method."""
    mine = [(cell, states[cell.name]) for cell in cells]
    values = [state.metrics["test"] for _, state in mine if state.metrics and state.kind in ("done", "results")]
    parts = [_summary(values, len(cells))] if values else []
    if values and any(state.kind == "results" for _, state in mine):
        parts[0] += ELSEWHERE
    if count := sum(state.kind == "changed" for _, state in mine):
        parts.append("configuration changed" if count == len(cells) else f"{count} changed")
    parts += [
        f"seed {cell.run.seed}: epoch {state.epochs} of {cell.run.training.epochs}"
        for cell, state in mine
        if state.kind == "unfinished"
    ]
    return ", ".join(parts) or NOTHING


def _summary(values: Sequence[float], wanted: int) -> str:
    spread = f" ± {stdev(values):.2g}" if len(values) > 1 else ""
    missing = f" ({len(values)} of {wanted} seeds)" if len(values) < wanted else ""
    return f"{mean(values):.4g}{spread}{missing}"
