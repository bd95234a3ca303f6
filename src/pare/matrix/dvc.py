"""The matrix as dvc.yaml takes it: a file with an entry for each stage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pare.config.errors import PareError
from pare.config.run import BaselineRun
from pare.matrix.blocks import Cell
from pare.storage.atomic import atomic_path

CELLS_FILE = "dvc_cells.yaml"
HEADER = """# The run matrix for dvc.yaml, made of conf/base/matrix.yml: kedro matrix write
"""


def dvc_cells(cells: Mapping[str, Cell], base: Path) -> dict[str, dict[str, Any]]:
    """Entries of the stages, by the list in dvc.yaml that they belong to.

    Args:
        cells: the runs by name.
        base: ``conf/base``, whose files the stages depend on.

    Raises:
        PareError: if something of a run is not defined there.
    """
    suites = {name: file.stem for file in sorted((base / "tasks").glob("*.yml")) for name in _names(file)}
    known = {kind: _names(base / f"{kind}.yml") for kind in ("methods", "baselines", "sources", "proxies")}
    result: dict[str, dict[str, Any]] = {
        name: {} for name in ("ingested", "tasks", "sources", "proxies", "runs", "baselines")
    }
    for cell in cells.values():
        run = cell.run
        _demand("task", run.task_name, suites, "tasks/*.yml")
        suite = {"suite": suites[run.task_name]}
        result["tasks"][run.task_name] = suite
        if not run.task.raw.chosen.needs_network:  # those are fetched by data/dvc.yaml
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


def _names(file: Path) -> list[str]:
    return list(yaml.safe_load(file.read_text(encoding="utf-8")) or {})


def _demand(kind: str, name: str, known: Any, where: str) -> None:
    if name not in known:
        raise PareError(
            f"dvc runs what is defined in conf/base, and {kind} {name!r} is not in conf/base/{where}; move it there, "
            "or run its cells without dvc: kedro matrix commands"
        )
