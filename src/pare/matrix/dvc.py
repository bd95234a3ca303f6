"""The matrix as dvc.yaml takes it: a file with an entry for each stage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pare.config.errors import PareError
from pare.config.run import BaselineRun
from pare.config.schema import RawOrigins
from pare.matrix.blocks import Cell
from pare.raw.origins.registry import find_origin
from pare.storage.atomic import atomic_path

CELLS_FILE = "dvc_cells.yaml"
HEADER = """# Made by `kedro matrix write`: the runs of conf/base/matrix.yml, and the tasks that data/dvc.yaml fetches
"""


def dvc_cells(cells: Mapping[str, Cell], base: Path) -> dict[str, dict[str, Any]]:
    """Entries of the stages, by the list in dvc.yaml or data/dvc.yaml that they belong to.

    Args:
        cells: the runs by name.
        base: ``conf/base``, whose files the stages depend on.

    Raises:
        PareError: if something of a run is not defined there.
    """
    tasks = {file.stem: _entries(file) for file in sorted((base / "tasks").glob("*.yml"))}
    suites = {name: suite for suite, entries in tasks.items() for name in entries}
    known = {kind: _entries(base / f"{kind}.yml") for kind in ("methods", "baselines", "sources", "proxies")}
    result: dict[str, dict[str, Any]] = {
        name: {} for name in ("ingested", "tasks", "sources", "proxies", "runs", "baselines")
    }
    for cell in cells.values():
        run = cell.run
        _demand("task", run.task_name, suites, "tasks/*.yml")
        suite = {"suite": suites[run.task_name]}
        result["tasks"][run.task_name] = suite
        if not find_origin(run.task.raw.origin).needs_network:  # those are fetched by data/dvc.yaml
            result["ingested"][run.task_name] = suite
        files = {"folder": cell.run.folder, "params": cell.run.params}
        names = {"task": run.task_name, **suite, "method": run.method_name}
        if isinstance(run, BaselineRun):
            _demand("baseline", run.method_name, known["baselines"], "baselines.yml")
            result["baselines"][cell.name] = names | files
            continue
        _demand("method", run.method_name, known["methods"], "methods.yml")
        _demand("source", run.source_name, known["sources"], "sources.yml")
        _demand("proxy", run.proxy_name, known["proxies"], "proxies.yml")
        result["sources"].setdefault(run.source_name, {"task": run.task_name})
        result["proxies"].setdefault(run.proxy_name, {"task": run.task_name, "source": run.source_name})
        result["runs"][cell.name] = {**names, "source": run.source_name, "proxy": run.proxy_name, **files}
    result["fetched"] = {
        name: {"suite": suite} for suite, entries in tasks.items() for name in entries if _needs_network(entries[name])
    }
    return result


def write_dvc_cells(entries: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Write the file, a line an entry."""
    lines = [HEADER]
    for name, group in entries.items():
        lines.append(f"{name}:\n" if group else f"{name}: {{}}\n")
        lines += [f"  {key}: {_flow(entry)}\n" for key, entry in group.items()]
    with atomic_path(path) as unfinished:
        unfinished.write_text("".join(lines), encoding="utf-8")


def read_dvc_cells(path: Path) -> Any:
    """What the file says; None where there is none."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None


def _flow(entry: Mapping[str, Any]) -> str:
    return yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _entries(file: Path) -> dict[str, Any]:
    """The entries of a file; names with an underscore first are its own templates, for Kedro too."""
    content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return {name: entry for name, entry in content.items() if not name.startswith("_")}


def _needs_network(task: Mapping[str, Any]) -> bool:
    return find_origin(RawOrigins.model_validate(task["raw"]).origin).needs_network


def _demand(kind: str, name: str, known: Any, where: str) -> None:
    if name not in known:
        raise PareError(
            f"dvc runs what is defined in conf/base, and {kind} {name!r} is not in conf/base/{where}; move it there, "
            "or run its cells without dvc: kedro matrix commands"
        )
