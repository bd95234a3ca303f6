"""The matrix as dvc.yaml takes it: a file with an entry for each stage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pare.config.errors import PareError
from pare.config.library import Library
from pare.config.run import BaselineRun, Run
from pare.matrix.blocks import Cell
from pare.raw.registries import find_origin
from pare.storage.atomic import atomic_path

CELLS_FILE = "dvc_cells.yaml"
HEADER = """# Made by `kedro matrix write`: the runs of conf/base/matrix.yml, and the tasks that data/dvc.yaml fetches
"""


def dvc_cells(cells: Mapping[str, Cell], base: Library) -> dict[str, Any]:
    """Entries of the stages, by the list in dvc.yaml or data/dvc.yaml that they belong to.

    Args:
        cells: the runs by name.
        base: what conf/base defines.
    """
    tasks: dict[str, None] = {}
    model_inputs: dict[str, dict[str, str]] = {}
    sources: dict[str, dict[str, str]] = {}
    proxies: dict[str, dict[str, str]] = {}
    runs, baselines = {}, {}
    for cell in cells.values():
        run = cell.run
        tasks[run.task_name] = None
        model_input = run.places["model_input"]
        model_inputs[model_input] = {"task": run.task_name, "params": _preparing(run)}
        files = {"model_input": model_input, "folder": run.folder, "params": run.params}
        if isinstance(run, BaselineRun):
            baselines[cell.name] = files
            continue
        sources.setdefault(run.source_name, {"task": run.task_name})
        proxies.setdefault(run.proxy_name, {"task": run.task_name, "source": run.source_name})
        runs[cell.name] = {"source": run.source_name, "proxy": run.proxy_name, **files}
    return {
        "ingested": [name for name in tasks if not _needs_network(name, base)],
        "fetched": [name for name in sorted(base.tasks) if _needs_network(name, base)],
        "model_inputs": model_inputs,
        "sources": sources,
        "proxies": proxies,
        "runs": runs,
        "baselines": baselines,
    }


def _preparing(run: Run | BaselineRun) -> str:
    """What ``kedro run --params`` needs to prepare the run's model input."""
    protocol = f",protocol={run.protocol}" if "protocol" in run.differs else ""
    return f"task={run.task_name}{protocol}"


def check_base(cells: Mapping[str, Cell], base: Library) -> None:
    """Refuse runs of what the user alone defines.

    Raises:
        PareError: naming what conf/base does not define.
    """
    for cell in cells.values():
        run = cell.run
        parts = [("task", run.task_name, base.tasks)]
        if isinstance(run, Run):
            parts += [("method", run.method_name, base.methods)]
            parts += [("source", run.source_name, base.sources), ("proxy", run.proxy_name, base.proxies)]
        else:
            parts += [("baseline", run.method_name, base.baselines)]
        for kind, name, known in parts:
            if name not in known:
                raise PareError(
                    f"dvc runs what is defined in conf/base, and {kind} {name!r} is not; move it there, or run its "
                    "cells without dvc: kedro matrix commands"
                )


def write_dvc_cells(entries: Mapping[str, Any], path: Path) -> None:
    """Write the file, a line an entry."""
    lines = [HEADER]
    for name, group in entries.items():
        lines.append(f"{name}:\n" if group else f"{name}: {_flow(group)}\n")
        items = group.items() if isinstance(group, Mapping) else []
        lines += [f"  {key}: {_flow(entry)}\n" for key, entry in items]
        lines += [f"  - {entry}\n" for entry in group if not isinstance(group, Mapping)]
    with atomic_path(path) as unfinished:
        unfinished.write_text("".join(lines), encoding="utf-8")


def read_dvc_cells(path: Path) -> Any:
    """What the file says; None where there is none."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None


def _flow(entry: Any) -> str:
    return yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _needs_network(name: str, base: Library) -> bool:
    return find_origin(base.task(name).raw.origin).needs_network
