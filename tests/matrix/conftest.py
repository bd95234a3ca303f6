"""A small matrix and a folder of data, in whatever state a test wants it."""

import json
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from own_task import OWN_TASK
from pare.cli import run as kedro_run
from pare.config import Library, Run, resolve
from pare.config_loader import load_library
from pare.data.origins.ingest import RawFiles
from pare.data.origins.manifest import RawFolder
from pare.matrix.blocks import Cell, expand, unique
from pare.matrix.plan import Job, Plan
from pare.pipelines.preprocess.nodes import describe_model_input
from shipped import config_loader

PATIENCE_S = 30.0


@pytest.fixture
def own_library(library) -> Library:
    """The shipped configuration with a task of the user's own, a table of forty rows."""
    return library.model_copy(update={"tasks": library.tasks | {"mine": OWN_TASK}})


@pytest.fixture(scope="session")
def paper() -> tuple[Library, dict[str, Any], dict[str, Cell]]:
    """The paper's matrix: its library, its parameters and its runs."""
    loader = config_loader("paper")
    library, parameters = load_library(loader), loader["parameters"]
    return library, parameters, unique(expand(loader["matrix"], library, parameters))


@pytest.fixture
def prepare_input(tmp_path) -> Callable[[Run], None]:
    """Bring the raw files of a run and prepare its model input, in ``tmp_path / "data"``."""

    def prepare_input(run: Run) -> None:
        raw = tmp_path / "data" / "01_raw" / run.places["raw"]
        RawFiles(run.task.raw.active).write(raw)
        described = describe_model_input(run, RawFolder.open(raw))
        described.write(tmp_path / "data" / "05_model_input" / f"{run.places['model_input']}.h5")

    return prepare_input


@pytest.fixture
def resolved(parameters) -> Callable[[Library, str], Run]:
    """The run that ``--params`` of `kedro run` ask for, parsed and merged as Kedro does it."""

    def resolved(library: Library, params: str) -> Run:
        asked: dict[str, Any] = kedro_run.make_context("run", ["--params", params]).params["params"]
        sections = {key: parameters[key] | value for key, value in asked.items() if key == "training"}
        return resolve(library, parameters | asked | sections, asked)

    return resolved


@pytest.fixture
def cells(library, parameters):
    """Two tasks with two methods and three seeds, and boosters of tables."""
    block = {"tasks": ["darcy_flow", "openml_wdbc"], "methods": ["pare", "finetune"], "seeds": [0, 1, 2]}
    tables = {"tasks": ["openml_wdbc", "openml_car"], "methods": ["xgboost", "catboost"], "seeds": [0]}
    return unique(expand({"blocks": {"all": block, "tables": tables}}, library, parameters))


@pytest.fixture
def metrics():
    """What evaluation writes about a run."""

    def written(cell, test=0.5, seconds=100.0, memory=900):
        run = cell.run
        return {
            "protocol": run.protocol,
            "metric": {"name": run.metric},
            "source": run.source_name,
            "proxy": run.proxy_name,
            "proxy_samples": run.proxy_samples,
            "epochs": run.training.epochs if run.on_accelerator else None,
            "test": test,
            "train_seconds": seconds,
            "peak_memory_mb": memory,
        }

    return written


@pytest.fixture
def write(tmp_path):
    """Write a JSON file below the folder of data."""

    def write(path, content):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))

    return write


@pytest.fixture
def fake(tmp_path, monkeypatch) -> SimpleNamespace:
    """Jobs of fakejob.py, which run in a project without anything else.

    Its attributes: the ``project`` and the ``folder`` of the plan; ``job``, which makes one, and ``plan`` of several;
    ``told``, what a job wrote down, waiting for a key of it; ``names`` of the jobs that began.
    """
    tests = Path(__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{tests}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    notes, project = tmp_path / "notes", tmp_path / "project"
    notes.mkdir()
    (project / "data").mkdir(parents=True)

    def job(name: str, *needs: str, network: bool = False, prepares: bool = False, **options: object) -> Job:
        flags = [f"--{key}" if value is True else f"--{key}={value}" for key, value in options.items()]
        command = shlex.join(["fakejob", str(notes), name, *flags])
        return Job(name, "task", command, needs, network, 10.0, 100.0, prepares)

    def plan(*jobs: Job) -> Plan:
        return Plan("own", {job.name: job for job in jobs}, len(jobs), 0, "as was measured")

    def told(name: str, key: str = "began") -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = json.loads(path.read_text()) if (path := notes / f"{name}.json").exists() else {}
            if key in found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{name} never came so far: {key}")

    def names() -> set[str]:
        return {path.stem for path in notes.glob("*.json")}

    folder = project / "data" / "matrix" / "own"
    return SimpleNamespace(project=project, folder=folder, job=job, plan=plan, told=told, names=names)
