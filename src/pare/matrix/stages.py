"""What decides each stage of DVC, as digests of resolved values and of code; words do not count.

The code of a stage is every module that it imports, without docstrings, comments and blank lines.
"""

import ast
import io
import json
import tokenize
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pare.config.library import Library
from pare.config.raw import RawConfig
from pare.config.run import NOWHERE, PREPARED, Run
from pare.config.schema import LEARNERS
from pare.data.proxies import PROXY_READERS
from pare.data.registries import FORMATS, find_origin
from pare.matrix.blocks import Cell
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import fingerprint

PACKAGE = __name__.partition(".")[0]
# What it says reaches a stage as values, which are digested apart; else a new key would repeat every run.
LEFT_OUT = (f"{PACKAGE}.config",)
DIGESTS = "data/02_intermediate/stages"
PIPELINES = {
    **{name: f"pare.pipelines.{name}.pipeline" for name in ("preprocess", "train", "evaluate")},
    "report": "pare.paper.pipelines.report.pipeline",
}
# The page of a run shows what lies in its folder, and is no output of a stage; its code repeats none.
PAGES = "pare.report"
WORDS = {"title", "paper", "description", "suite"}
# Of a task: where its files come from decides other stages, and its hyperparameters are resolved in the run.
TASK = WORDS | {"raw", "source", "proxy", "training", "mixing", "alignment"}
RUN: dict[str, Any] = {
    **dict.fromkeys(("variant", "environment", "provenance", "source"), True),
    **{"task": TASK, "learner": WORDS, "proxy": WORDS | {"raw"}},
}
RUN["candidates"] = {"__all__": {**RUN}}


def stage_digests(cells: Mapping[str, Cell], library: Library) -> dict[str, dict[str, dict[str, str]]]:
    """Digests by file, kind and name, as the parameters of the stages name them.

    A task has a file of its own, so that no stage reads those of all runs.

    Args:
        cells: the runs by name.
        library: all tasks, sources and proxies.
    """
    shared = {
        "code": {name: _code(name) for name in PIPELINES},
        "encoder_files": {NOWHERE: ""} | {name: _raw(library.source(name).encoder) for name in library.sources},
        "proxy_files": {NOWHERE: ""} | {name: _raw(library.proxy(name).raw) for name in library.proxies},
    }
    runs: dict[str, dict[str, Run]] = {name: {} for name in library.tasks}
    for name, cell in cells.items():
        runs[cell.run.task_name][name] = cell.run
    return {"shared": shared, **{f"tasks/{name}": _of_task(name, runs[name], library) for name in runs}}


def _of_task(name: str, runs: Mapping[str, Run], library: Library) -> dict[str, dict[str, str]]:
    return {
        "task_files": {name: _raw(library.task(name).raw.active)},
        "model_input": {run.places["model_input"]: _model_input(run) for run in runs.values()},
        "models": {name: _model(run) for name, run in runs.items()},
        "runs": {name: run_digest(run) for name, run in runs.items()},
    }


def write_stage_digests(digests: Mapping[str, Mapping[str, Mapping[str, str]]], folder: Path) -> None:
    """Write the files whose values are parameters of the stages; the folder is replaced.

    Args:
        digests: as `stage_digests` makes them.
        folder: where they go.
    """
    with atomic_path(folder) as unfinished:
        for name, kinds in digests.items():
            path = unfinished / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(kinds, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def run_digest(run: Run) -> str:
    """Digest of every value that a run is made with, those that only decide how it is scored included."""
    return fingerprint(run.model_dump(mode="json", exclude=RUN))


def left_out(pipeline: str) -> tuple[str, ...]:
    """Packages whose code does not repeat the stage of a pipeline."""
    return LEFT_OUT if pipeline == "report" else (*LEFT_OUT, PAGES)


def _code(pipeline: str) -> str:
    return code_digest(PIPELINES[pipeline], left_out=left_out(pipeline))


def _raw(raw: RawConfig) -> str:
    code = code_digest("pare.pipelines.ingest.pipeline", _module(find_origin(raw.origin).path))
    return fingerprint(raw.decisive(), code)


def _model_input(run: Run) -> str:
    code = code_digest(_module(FORMATS[run.task.reader.name]))
    return fingerprint(run.task.model_dump(mode="json", include=PREPARED), run.protocol, code)


def _model(run: Run) -> str:
    """Digest of what a model is made with, and of the code that learners.yml names for it and for its candidates."""
    code: set[str] = set()
    for one in (run, *run.candidates):
        learner = one.learner
        code.add(f"learners.{LEARNERS[learner.kind]}")
        code |= {f"learners.libraries.{learner.library}"} if learner.library else set()
        code |= {f"learners.networks.{learner.network}"} if learner.network else set()
        code |= {PROXY_READERS[one.proxy.reader]} if one.proxy else set()
    return fingerprint(run.decisive(), run.minutes, code_digest(*map(_module, code)))


def _module(path: str) -> str:
    """The module of what a registry or learners.yml names."""
    return f"{PACKAGE}.{path.partition(':')[0]}"


def code_digest(*modules: str, left_out: Sequence[str] = LEFT_OUT) -> str:
    """Digest of modules and all that they import of this package; docstrings, comments and blank lines do not count.

    Args:
        modules: dotted names.
        left_out: packages whose code does not count.
    """
    return fingerprint({name: _statements(name) for name in sorted(imported_modules(*modules, left_out=left_out))})


def imported_modules(*modules: str, left_out: Sequence[str] = LEFT_OUT) -> set[str]:
    """Modules of this package that modules import, themselves and their packages included, some packages left out.

    They are found in the sources: nothing is imported.
    """
    found: set[str] = set()
    left, packages = list(modules), tuple(f"{package}." for package in left_out)
    while left:
        name = left.pop()
        if name in found or f"{name}.".startswith(packages) or _source(name) is None:
            continue
        found.add(name)
        package = name.rpartition(".")[0]
        left += [*_imports(name), *([package] if package != PACKAGE else [])]
    return found


@cache
def _source(module: str) -> str | None:
    """The text of a module; None where the name is something else."""
    place = files(PACKAGE).joinpath(*module.split(".")[1:])
    candidates = (place / "__init__.py", files(PACKAGE).joinpath(*module.split(".")[1:-1]) / f"{place.name}.py")
    return next((path.read_text(encoding="utf-8") for path in candidates if path.is_file()), None)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """What a module imports of this package: modules, and names that may be modules."""
    found: list[str] = []
    for node in ast.walk(ast.parse(_source(module) or "")):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.startswith(f"{PACKAGE}.")]
        elif isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{PACKAGE}."):
            found += [str(node.module), *(f"{node.module}.{name.name}" for name in node.names)]
    return tuple(found)


@cache
def _statements(module: str) -> str:
    """The text of a module without docstrings, comments and blank lines."""
    text = _source(module) or ""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno, node.body[0].end_lineno or 0
            lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())
