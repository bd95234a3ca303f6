"""A rehearsal of the paper's tasks at their real shapes: what a user with a GPU runs before the real thing.

    make paper-rehearsal     # the 18 tasks of NAS-Bench-360 and PDEBench, in 15 minutes on two cores; resumable
    python benchmarks/rehearsal.py --tasks pdebench_advection psicov
    python benchmarks/rehearsal.py --openml 1 --engine slurm     # the 30 tables as well, on an engine of the matrix

Everything is simulated: encoders have the real architecture and random weights, raw files the publishers' layout and
random content, and proxies are the digits and sentences of the base environment. So no figure means anything but that
the whole way works, how long a step takes, and how much memory. Each task makes PaRe's first epoch, with mixed
tokens, and its last one, without. An epoch is one batch; where classes are predicted it has at least 16 rows. Without a
GPU a batch has two rows.
"""

import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from rich.console import Console
from rich.table import Table
from safetensors import safe_open

from harness import CONF, library, options
from pare.cli.init_command import write_project
from pare.config import Library, Task
from pare.data.registries import open_raw_files
from pare.storage.atomic import atomic_path
from random_encoders import write_encoder

sys.path.insert(0, str(CONF.parent / "tests"))
import publisher_files

ENV, ENCODERS = "rehearsal", ("swin_base", "roberta_base")
FIELDS, TABLES = ("Tables 1 and 15, NAS-Bench-360", "Table 2, PDEBench"), ("Tables 3 and 14, OpenML-CC18",)
ROWS, TEST, TABLE_ROWS = 8, 2, 160  # rows of a file, or those of a batch if more; rows of a test part, of a table
OF_CLASSES = 16  # training rows, at least: those of ECG are windows, up to five of one recording and so of one class
PARTS = {"title": "Raw files with simulated content", "licence": "none: random numbers"}


def tasks_of(blocks: tuple[str, ...]) -> list[str]:
    """Tasks of some blocks of the paper's matrix."""
    matrix = yaml.safe_load((CONF / "paper" / "matrix.yml").read_text(encoding="utf-8"))
    return [task for block in blocks for task in matrix["blocks"][block]["tasks"]]


def rows_of_batch(task: Task, most: int) -> int:
    """Rows of a batch: the paper's, but no more than asked for; 0 asks for the paper's."""
    rows = int(task.training.get("batch_size", 16))
    return min(rows, most or rows)


def write_raw(name: str, task: Task, folder: Path, rows: int) -> None:
    """Raw files of a task in its publisher's layout, at the size of the paper's, with random content."""
    write = {
        **vars(publisher_files.publisher_fields),
        **vars(publisher_files.publisher_sounds),
        **vars(publisher_files),
    }
    rng, known = (
        np.random.default_rng(0),
        {"rows": rows, "cells": 1024 if len(task.input.shape) == 2 else 128, "lengths": (100, 480)},
    )
    if name.startswith("openml_"):
        publisher_files.write_openml(folder, task, rng, TABLE_ROWS)
    else:
        asked = inspect.signature(write[f"write_{name}"]).parameters
        write[f"write_{name}"](folder, **{key: value for key, value in {**known, "rng": rng}.items() if key in asked})


def prepare(project: Path, paper: Library, names: list[str], batch: int) -> None:
    """Write what is missing of encoders, raw files and the environment with which the tasks find them."""
    if not (project / "pyproject.toml").exists():
        write_project(project)
    for name in ENCODERS:
        if not (project / "files" / name).exists():
            with atomic_path(project / "files" / name) as unfinished:
                write_encoder(name, unfinished)
    conf = project / "conf" / ENV
    entries: dict[str, Any] = {}
    for name in names:
        task = paper.task(name)
        size = rows_of_batch(task, batch)
        folder = project / "files" / name
        if not folder.exists():
            with atomic_path(folder) as unfinished:
                unfinished.mkdir()
                write_raw(name, task, unfinished, max(ROWS, size + TEST))
        counts = {part: rows.count for part, rows in open_raw_files(task.reader, folder).items()}
        most = {"train": max(size, OF_CLASSES if task.classes else 0), "all": TABLE_ROWS}
        samples = {part: min(counts[part], most.get(part, TEST)) for part in task.samples}
        training = {"epochs": 2, "batch_size": size, "accumulation": 1, "warmup_epochs": 1, "fraction": 1.0}
        changed = {
            "raw": {"files": [str(path) for path in sorted(folder.iterdir())], "licence": PARTS["licence"]},
            "samples": samples,
            "proxy": None,
            "training": task.training | training,
        }
        entries[name] = paper.tasks[name] | changed
    shutil.rmtree(conf, ignore_errors=True)
    shutil.copytree(CONF / "paper", conf, ignore=shutil.ignore_patterns("tasks", "sources.yml", "matrix.yml"))
    (conf / "tasks").mkdir()
    (conf / "tasks" / "all.yml").write_text(yaml.safe_dump(entries, sort_keys=False), encoding="utf-8")


def outcome(project: Path, name: str, task: Task, batch: int) -> list[str]:
    """A line of the table: what came of a task."""
    places = sorted((project / "data" / "06_models" / name).glob("pare/*/seed_0/model/record.json"))
    shape = "×".join(map(str, task.input.shape))
    if not places:
        logs = sorted((project / "data" / "matrix").glob(f"*/logs/*{name}-*.log"), key=lambda log: log.stat().st_mtime)
        said = logs[-1].read_text(errors="replace").strip().splitlines() if logs else []
        return [name, shape, "", "", "", said[-1][:80] if said else "not run yet"]
    record = json.loads(places[0].read_text(encoding="utf-8"))
    with safe_open(places[0].with_name("model.safetensors"), "np") as weights:
        parameters = sum(int(np.prod(weights.get_slice(key).get_shape())) for key in weights.keys())  # noqa: SIM118
    done = (
        project / "data" / "08_reporting" / places[0].parents[1].relative_to(project / "data" / "06_models")
    ).exists()
    steps = -(-record["n_train"] // rows_of_batch(task, batch))
    seconds = " / ".join(f"{row['seconds'] / steps:.1f}" for row in record["history"])
    memory = f"{record['peak_memory_mb'] / 1024:.1f} GiB"
    return [name, shape, f"{parameters / 1e6:.1f} M", seconds, memory, "done" if done else "trained, not evaluated"]


def main() -> None:
    """Prepare, run, and print the table; the exit code is that of the matrix."""
    fields = tasks_of(FIELDS)
    on_gpu = torch.cuda.is_available()
    asked = options(__doc__, tasks=fields, openml=0, engine="local", batch=0 if on_gpu else 2, folder="data/rehearsal")
    names = asked.tasks + (tasks_of(TABLES) if asked.openml else [])
    project, paper = Path(asked.folder).absolute(), library("paper")
    prepare(project, paper, names, asked.batch)
    command = ["kedro", "matrix", "run", "--env", ENV, "--engine", asked.engine, "--tasks", ",".join(names)]
    arguments = [*command, "--methods", "pare", "--seeds", "0"]
    environment = {**os.environ, "PARE_FILES": str(project / "files")}
    code = subprocess.run(arguments, cwd=project, env=environment, check=False).returncode
    table = Table("task", "input", "parameters", "s a mixed / plain step", "memory", "outcome", box=None)
    for name in names:
        table.add_row(*outcome(project, name, paper.task(name), asked.batch))
    Console(width=140).print(table)
    sys.exit(code)


if __name__ == "__main__":
    main()
