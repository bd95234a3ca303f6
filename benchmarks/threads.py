"""A short training by one thread, by all, and by as many as are fastest at the moment, next to busy programs.

    kedro run --pipelines=ingest,preprocess --params task=darcy_flow        # as well the other tasks, once
    python benchmarks/threads.py                                            # 15 minutes on two free cores
    python benchmarks/threads.py --tasks openml_wdbc --loops 0 1

The busy programs are loops of Python. Each training is a process of its own; its time is that of the training and of
the predictions of the test rows, after everything is imported. Ratios are to one thread next to as many programs. All
take turns, and a training that takes more than ten times as long as one thread is stopped.
"""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

from harness import busy_programs, options

PROJECT = Path(__file__).parents[1]
WAYS = {"one": "1", "all": None, "fastest": None}  # threads that torch may use; None: one a core
# Steps enough for some seconds on free cores.
RUNS = {
    "darcy_flow": {"method": "finetune", "training.epochs": 2},
    "pdebench_diffusion_sorption": {"method": "finetune", "training.epochs": 2},
    "openml_wdbc": {"method": "finetune", "training.epochs": 10},
    "u_net on darcy_flow": {"method": "u_net", "training.epochs": 2},
}
LONGEST = 10.0  # times as long as one thread


def train(name: str, way: str) -> None:
    """Train a model and predict the test rows; print seconds of wall and CPU."""
    # In a process of its own, which gets its threads before torch is imported.
    import torch  # noqa: PLC0415

    from pare.config_loader import RunConfigLoader  # noqa: PLC0415
    from pare.data.origins.ingest import ingest  # noqa: PLC0415
    from pare.evaluation.scoring import predict_rows  # noqa: PLC0415
    from pare.learners.fit import Fit  # noqa: PLC0415
    from pare.learners.learner import Data  # noqa: PLC0415
    from pare.learners.model import Model  # noqa: PLC0415
    from pare.learners.networks.models import threads  # noqa: PLC0415
    from pare.learners.source_folders import SourceFolders  # noqa: PLC0415
    from pare.pipeline_registry import register_pipelines  # noqa: F401, PLC0415 - all that a command imports
    from pare.settings import CONFIG_LOADER_ARGS  # noqa: PLC0415
    from pare.storage.store import ArrayStore  # noqa: PLC0415

    if way == "all":  # as before there was a choice
        threads.Pace.note = lambda *_: None  # type: ignore[method-assign]
        threads._expected_number = lambda threads: threads
    parameters: dict = {"task": name.rpartition(" ")[2]}
    for key, value in RUNS[name].items():
        section, _, inner = key.rpartition(".")
        parameters |= {section: {inner: value}} if section else {key: value}
    run = RunConfigLoader(str(PROJECT / "conf"), runtime_params=parameters, **CONFIG_LOADER_ARGS).run
    store = ArrayStore(PROJECT / "data/05_model_input" / f"{run.places['model_input']}.h5")
    source = None
    if run.source:
        folders = [PROJECT / "data/01_raw" / run.places[part] for part in ("encoder", "proxy")]
        asked = zip((run.source.encoder, run.proxy.raw), folders, strict=True)
        source = SourceFolders(*folders, tuple(ingest(*pair).fingerprint for pair in asked))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        wall, cpu = time.perf_counter(), time.process_time()
        Fit(run, Data(store, source)).write(path)
        predict_rows(partial(Model.load(path).outputs, device=torch.device("cpu")), store.rows("test"))
        print(time.perf_counter() - wall, time.process_time() - cpu)


def measured(name: str, way: str, loops: int, longest: float | None) -> tuple[float, float]:
    """Seconds of wall and CPU next to so many loops; infinite where it takes longer than the longest."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    if threads := WAYS[way]:
        environment["OMP_NUM_THREADS"] = threads
    with busy_programs(loops):
        command = [sys.executable, __file__, "train", name, way]
        try:
            done = subprocess.run(command, env=environment, timeout=longest, capture_output=True, text=True, check=True)
        except subprocess.TimeoutExpired:
            return float("inf"), float("inf")
    wall, cpu = done.stdout.split()[-2:]
    return float(wall), float(cpu)


def main() -> None:
    """A line for each task and number of busy programs."""
    if sys.argv[1:2] == ["train"]:
        train(*sys.argv[2:])
        return
    asked = options(__doc__, tasks=[*RUNS], loops=[0, 1, 4], repeats=3)
    print(f"{os.cpu_count()} cores, median of {asked.repeats}: seconds of wall (CPU), ratio of wall to one thread")
    print(f"{'task':28s} loops {'one thread':>16s} {'all threads':>24s} {'fastest':>24s}")
    for name in asked.tasks:
        for loops in asked.loops:
            seconds: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
            for _ in range(asked.repeats):
                for way in WAYS:
                    # Importing takes some seconds, more next to busy programs.
                    longest = LONGEST * seconds["one"][-1][0] + 60 * (1 + loops) if seconds["one"] else None
                    seconds[way].append(measured(name, way, loops, longest))
            found = {way: [median(column) for column in zip(*pairs, strict=True)] for way, pairs in seconds.items()}
            base = found["one"][0]
            print(
                f"{name:28s} {loops:5d} {base:8.1f} ({found['one'][1]:5.1f})"
                + "".join(f" {wall:8.1f} ({cpu:6.1f}) {wall / base:6.2f}" for wall, cpu in list(found.values())[1:]),
                flush=True,
            )


if __name__ == "__main__":
    main()
