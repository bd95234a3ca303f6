"""Steps of training, counted and timed: the table from which `kedro tasks show` and `kedro matrix plan` estimate.

    OMP_NUM_THREADS=1 python benchmarks/steps.py     # writes src/pare/config/steps.csv; resumable
    OMP_NUM_THREADS=1 python benchmarks/steps.py --compare data/estimates     # ten runs against what is said of them

Rows are random numbers in the shapes of the task, encoders have random weights: neither changes what a step costs. Each
case has a process of its own, whose peak memory is its own. Operations are those that torch counts in one real step.

`--compare` makes ten short runs of different kinds in a project of its own; resumable. Seconds are the CPU's, so that
other programs do not count: what `kedro tasks show` expects of the training, and what its first steps foretell of its
epochs.
"""

import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from kedro.framework.cli.cli import main as kedro
from sklearn.datasets import load_digits
from torch.utils.flop_counter import FlopCounterMode

from harness import alone, library, options, peak_bytes
from pare.cli.common import config_loader, resolved_run
from pare.cli.init_command import write_project
from pare.cli.run_command import parse_params
from pare.config import Run, resolve
from pare.config.estimate import STEPS, Work, duration, estimate
from pare.data.registries import find_origin
from pare.learners.learner import Data
from pare.learners.machine import layer_speed, speed_here
from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.training import session
from pare.learners.networks.training.setup import Setup
from pare.learners.networks.training.steps import Steps
from pare.learners.networks.transformer import build_parts
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore, write_store
from random_encoders import write_encoder

CASES = [
    *(("base", task, {}) for task in ("openml_balance_scale", "openml_cmc", "openml_wdbc", "openml_qsar_biodeg")),
    *(("base", task, {}) for task in ("ucr_gun_point", "darcy_flow", "pdebench_diffusion_sorption")),
    *(("base", task, {"start": "random"}) for task in ("openml_wdbc", "darcy_flow")),
]
KEDRO = str(Path(sys.executable).with_name("kedro"))
COMPARED = [
    "task=openml_pc1,method=pare",
    "task=openml_car,method=finetune,training.epochs=3",
    "task=openml_diabetes,method=pare,start=random,training.epochs=20",
    "task=openml_wdbc,method=orca",
    "task=openml_diabetes,method=finetune,training.members=2",
    "task=ucr_osu_leaf,method=pare,training.epochs=2",
    "task=digits,method=finetune,training.fraction=0.2",
    "task=pdebench_advection,method=pare",
    "task=darcy_flow,method=pare,training.epochs=6",
    "task=pdebench_darcy,method=finetune,training.epochs=4",
]
REPEATS, MOST = 5, 30.0  # steps, and seconds after which no further one is timed


def resolved(env: str, task: str, changes: dict) -> Run:
    """The run of a case: PaRe with two epochs."""
    training = {
        "epochs": 2,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "precision": "auto",
        **changes.get("training", {}),
    }
    asked = {"task": task, "method": "pare", "seed": 0, "source": None, "protocol": "validated", "start": "solved"}
    return resolve(library(env), {**asked, **changes, "training": training}, {})


def random_store(run: Run, path: Path) -> ArrayStore:
    """A store of random rows in the shapes of a task."""
    rng, task, out = np.random.default_rng(0), run.task, run.task.output
    rows = min(2 * run.training.batch_size, task.n_training(run.protocol, 1.0)) + 8
    x = rng.normal(size=(rows, *task.input.shape)).astype(np.float32)
    y = rng.normal(size=(rows, *out.shape)).astype(np.float32)
    if out.kind == "classification":
        y = np.arange(rows) % out.shape[0]
    elif out.kind == "multilabel":
        y = (y > 0).astype(np.float32)
    blocks = [(split, {"x": x, "y": y}) for split in ("train", "validation", "test")]
    counts = dict.fromkeys(("train", "validation", "test"), rows)
    write_store(path, rows=counts, blocks=blocks, statistics={}, fingerprint="random", description={"classes": None})
    return ArrayStore(path)


def measured(env: str, task: str, changes: dict) -> list[dict]:
    """A line of the table for a plain and for a mixed step."""
    run = resolved(env, task, changes)
    assert run.source_name
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        encoder = write_encoder(run.source_name, folder / "encoder")
        name = "mnist_digits" if run.task.output.kind != "dense" else "mnist_ink"
        proxy = library().proxy(name if (encoder / "preprocessor_config.json").exists() else "english_topics")
        run = run.model_copy(update={"proxy": proxy, "proxy_samples": None})
        find_origin(proxy.raw.origin).load()(folder / "proxy")
        source = SourceFolders(encoder, folder / "proxy", ("encoder", "proxy"))
        setup = Setup(run, Data(random_store(run, folder / "rows.h5"), source), build_parts)
        return [line(run, setup, mixed) for mixed in (False, True)]


def line(run: Run, setup: Setup, mixed: bool) -> dict:
    """Count and time a step."""
    setup.plan(2)
    steps, batch = Steps(setup), next(setup.batches.of_epoch(0))
    draws = Draws(Generators(setup.accelerator.device, 0), len(batch["x"]))
    _, proxies = setup.parts.mixing.assumed(2, setup.rng(0, 2))
    setup.objective.train()

    def step() -> None:
        steps.step(batch, next(proxies) if mixed else None, draws)

    with FlopCounterMode(display=False) as counted:
        step()
    on_cpu = setup.accelerator.device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if on_cpu else time.perf_counter  # other programs are not counted
    seconds, speeds = [], []
    while len(seconds) < REPEATS and sum(seconds) < MOST:
        speeds.append(layer_speed(setup.accelerator.mixed_precision, setup.accelerator.device))
        started = clock()
        step()
        seconds.append(clock() - started)
    return {
        "env": "base" if run.environment == "local" else run.environment,
        "task": run.task_name,
        "start": Work.of(run).start,
        "mixed": int(mixed),
        "rows": run.training.batch_size,
        "operations": f"{Work.of(run).step(mixed):.4g}",
        "counted": f"{counted.get_total_flops():.4g}",
        "seconds": f"{min(seconds):.4g}",
        "speed": f"{max(speeds):.4g}",
        "memory_mb": round(peak_bytes() / 2**20),
        "precision": setup.accelerator.mixed_precision,
        "threads": torch.get_num_threads(),
        "machine": f"{setup.accelerator.device}, {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
    }


def compared(project: Path, params: str) -> dict:
    """A line of the comparison: a run in this process, whose clock becomes the CPU's."""
    os.chdir(project)
    run = resolved_run(config_loader(project, None), parse_params(None, None, [params]))
    folder, foretold = project / "data" / "06_models" / run.folder, list[float]()
    expected = estimate(run, speed_here(run))
    shutil.rmtree(folder, ignore_errors=True)
    time.perf_counter, session.MINUTE = time.process_time, 0.0
    session.duration = lambda seconds: foretold.append(seconds) or duration(seconds)
    sys.argv = ["kedro", "run", "--params", params]
    with suppress(SystemExit):
        kedro()
    record = json.loads((folder / "model" / "record.json").read_text(encoding="utf-8"))
    epochs = sum(row["seconds"] for row in record["history"]) * len(record.get("members", [0]))
    found = {
        "expected_s": (expected.seconds, record["train_seconds"]),
        "foretold_s": (foretold[0], epochs),
        "expected_mb": (expected.memory_mb, record["peak_memory_mb"]),
    }
    ratios = {name: f"{value:.1f} of {true:.1f}, {value / true:.2f} times" for name, (value, true) in found.items()}
    return {"run": params, **ratios}


def compare(project: Path) -> None:
    """Make the runs that are not in ``compared.csv`` of the project, and print all."""
    if not (project / "pyproject.toml").exists():
        write_project(project)
        digits = load_digits()
        np.savez(project / "digits.npz", x=digits.images.astype(np.float32), y=digits.target)
        subprocess.run([KEDRO, "tasks", "new", "digits.npz", "--target", "y"], cwd=project, check=True)
    lines = read_lines(project / "compared.csv")
    for params in COMPARED:
        if params not in [line["run"] for line in lines]:
            lines.append(alone(compared, project, params, start="fork"))
            write_lines(project / "compared.csv", lines)
    print(*(", ".join(line.values()) for line in lines), sep="\n")


def read_lines(path: Path) -> list[dict]:
    """Lines of a table; none where it is not there yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def write_lines(path: Path, lines: list[dict]) -> None:
    """Write a table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def main() -> None:
    """Measure the cases that are not in the table; remove it to measure all again. Or compare."""
    if folder := options(__doc__, compare="").compare:
        compare(Path(folder).absolute())
        return
    lines = read_lines(STEPS)
    known = {(row["env"], row["task"], row["start"]) for row in lines}
    for env, task, changes in CASES:
        if (env, task, Work.of(resolved(env, task, changes)).start) not in known:
            lines += alone(measured, env, task, changes, start="fork")
            print(*(f"{name} {value}" for name, value in lines[-1].items()), flush=True)
            write_lines(STEPS, lines)


if __name__ == "__main__":
    main()
