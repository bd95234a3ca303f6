"""What decides each stage of dvc.yaml, as digests of resolved values and of code; words do not count."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pare.config.library import Library
from pare.config.raw import RawConfig
from pare.config.run import PREPARED, BaselineRun, Run
from pare.matrix.blocks import Cell
from pare.matrix.code import LEFT_OUT, code_digest
from pare.raw.proxies import PROXY_READERS
from pare.raw.registries import READERS, find_origin
from pare.storage.atomic import atomic_path
from pare.storage.fingerprint import fingerprint

STAGES_FILE = "data/02_intermediate/stages.json"
PIPELINES = {
    **{name: f"pare.pipelines.{name}.pipeline" for name in ("preprocess", "train", "evaluate", "baseline")},
    "report": "pare.paper.pipelines.report.pipeline",
}
# What a stage imports as it loads a model, which is no import of its pipeline.
LOADS = dict.fromkeys(("evaluate", "baseline"), ("pare.choice.chosen",))
# The page of a run shows what lies in its folder, and is no output of a stage; its code repeats none.
PAGES = "pare.report"
WORDS = {"title", "paper", "description", "suite"}
# Of a task: where its files come from decides other stages, and its hyperparameters are resolved in the run.
TASK = WORDS | {"raw", "source", "proxy", "training", "mixing", "alignment"}
RUN: dict[str, Any] = {
    **dict.fromkeys(("variant", "environment", "provenance", "source"), True),
    **{"task": TASK, "method": WORDS, "baseline": WORDS, "proxy": WORDS | {"raw"}},
}


def stage_digests(cells: Mapping[str, Cell], library: Library) -> dict[str, dict[str, str]]:
    """Digests by kind and name, as the parameters of the stages in dvc.yaml and data/dvc.yaml name them.

    Args:
        cells: the runs by name.
        library: all tasks, sources and proxies.
    """
    return {
        "code": {name: _code(name) for name in PIPELINES},
        "task_files": {name: _raw(library.task(name).raw.active) for name in library.tasks},
        "encoder_files": {name: _raw(library.source(name).encoder) for name in library.sources},
        "proxy_files": {name: _raw(library.proxy(name).raw) for name in library.proxies},
        "model_input": {cell.run.places["model_input"]: _model_input(cell.run) for cell in cells.values()},
        "models": {name: _model(cell.run) for name, cell in cells.items() if isinstance(cell.run, Run)},
        "runs": {name: run_digest(cell.run) for name, cell in cells.items()},
    }


def write_stage_digests(digests: Mapping[str, Mapping[str, str]], path: Path) -> None:
    """Write the file whose values are parameters of the stages."""
    with atomic_path(path) as unfinished:
        unfinished.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def run_digest(run: Run | BaselineRun) -> str:
    """Digest of every value that a run is made with, those that only decide how it is scored included."""
    return fingerprint(run.model_dump(mode="json", exclude=RUN))


def left_out(pipeline: str) -> tuple[str, ...]:
    """Packages whose code does not repeat the stage of a pipeline."""
    return LEFT_OUT if pipeline == "report" else (*LEFT_OUT, PAGES)


def _code(pipeline: str) -> str:
    return code_digest(PIPELINES[pipeline], *LOADS.get(pipeline, ()), left_out=left_out(pipeline))


def _raw(raw: RawConfig) -> str:
    code = code_digest("pare.pipelines.ingest.pipeline", _module(find_origin(raw.origin).path))
    return fingerprint(raw.decisive(), code)


def _model_input(run: Run | BaselineRun) -> str:
    code = code_digest(_module(READERS[run.task.reader.name]))
    return fingerprint(run.task.model_dump(mode="json", include=PREPARED), run.protocol, code)


def _model(run: Run) -> str:
    return fingerprint(run.decisive(), code_digest(_module(PROXY_READERS[run.proxy.reader])))


def _module(path: str) -> str:
    """The module of a function that a registry names."""
    return f"pare.{path.partition(':')[0]}"
