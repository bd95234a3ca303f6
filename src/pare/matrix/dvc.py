"""The matrix as DVC takes it: a dvc.yaml for each task, and what the stages of all tasks share."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Any

import yaml

from pare.config.library import Library
from pare.config.run import NOWHERE, Run
from pare.data.registries import find_origin
from pare.matrix.blocks import Cell
from pare.storage.atomic import atomic_path

STAGES = "data/stages"
SHARED = "shared.yaml"
HEADER = "# Made by `kedro matrix write`: runs of conf/base/matrix.yml, stages of src/pare/matrix/task_stages.yaml\n"


def stage_files(cells: Mapping[str, Cell], base: Library) -> dict[str, str]:
    """Texts of the files that say which stages there are, by their path in the folder of stages.

    Args:
        cells: the runs by name.
        base: what conf/base defines.
    """
    tasks: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells.values():
        tasks[cell.run.task_name].append(cell)
    stages = yaml.safe_load((files("pare.matrix") / "task_stages.yaml").read_text(encoding="utf-8"))
    contents: dict[str, Any] = {SHARED: _shared(cells, base)}
    for task, runs in tasks.items():
        contents[f"{task}/dvc.yaml"] = {"vars": [_entries(task, runs, base)], **stages}
    return {path: f"{HEADER}{_dumped(content)}" for path, content in contents.items()}


def _shared(cells: Mapping[str, Cell], base: Library) -> dict[str, Any]:
    """What the stages of dvc.yaml and data/dvc.yaml are made for; the first run with a source or a proxy brings it."""
    runs = [cell.run for cell in cells.values()][::-1]
    return {
        "fetched": [name for name in sorted(base.tasks) if _needs_network(name, base)],
        "sources": {run.source_name or NOWHERE: _bringing(run) for run in runs},
        "proxies": {run.proxy_name or NOWHERE: _bringing(run) for run in runs},
    }


def _entries(task: str, cells: Sequence[Cell], base: Library) -> dict[str, Any]:
    """What the stages of a task are made for."""
    return {
        "task": task,
        "ingested": [] if _needs_network(task, base) else [task],
        "model_inputs": {cell.run.places["model_input"]: _preparing(cell.run) for cell in cells},
        "runs": {cell.name: _entry(cell.run) for cell in cells},
    }


def _entry(run: Run) -> dict[str, str]:
    return {
        "folder": run.folder,
        "params": quote(run.params),  # a stage is a line of a shell
        "model_input": run.places["model_input"],
        "source": run.source_name or NOWHERE,
        "proxy": run.proxy_name or NOWHERE,
    }


def _bringing(run: Run) -> str:
    """What ``kedro run --params`` needs to bring encoder and proxy of a run, or to say that it has none."""
    source = f",source.name={run.source_name},source.proxy={run.proxy_name}" if run.source else ""
    return f"task={run.task_name},method={run.method_name}{source}"


def _preparing(run: Run) -> str:
    """What ``kedro run --params`` needs to prepare the run's model input."""
    protocol = f",protocol={run.protocol}" if "protocol" in run.differs else ""
    return f"task={run.task_name}{protocol}"


def users_own(cells: Mapping[str, Cell], base: Library) -> str:
    """The first thing that runs need and conf/base does not define, such as ``task 'wine'``; empty where there is none.

    Args:
        cells: the runs by name.
        base: what conf/base defines.
    """
    for run in (cell.run for cell in cells.values()):
        parts = [
            ("task", run.task_name, base.tasks),
            ("method", run.method_name, base.learners),
            ("source", run.source_name, base.sources),
            ("proxy", run.proxy_name, base.proxies),
        ]
        for kind, name, known in parts:
            if name is not None and name not in known:
                return f"{kind} {name!r}"
    return ""


def write_stage_files(texts: Mapping[str, str], folder: Path) -> None:
    """Write the files, and remove those of tasks that are in the matrix no more.

    What DVC recorded of such a task stays, its dvc.lock: a task that comes back is not trained again.

    Args:
        texts: as `stage_files` makes them.
        folder: the folder of stages.
    """
    for path, text in texts.items():
        with atomic_path(folder / path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    for path in read_stage_files(folder).keys() - texts.keys():
        (folder / path).unlink()


def read_stage_files(folder: Path) -> dict[str, str]:
    """The texts of the files that are there, by their path in the folder."""
    found = [*folder.glob(SHARED), *folder.glob("*/dvc.yaml")]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}


def _dumped(content: Any) -> str:
    """As YAML, a line an entry."""
    return yaml.safe_dump(content, sort_keys=False, width=10_000, default_flow_style=None)


def _needs_network(name: str, base: Library) -> bool:
    return find_origin(base.task(name).raw.origin).needs_network
