"""Peak memory of preprocessing against the size of the raw file: it does not grow.

    python benchmarks/preprocessing.py                      # 1, 4 and 16 GB of PDEBench advection, about 3 minutes
    python benchmarks/preprocessing.py --gigabytes 1 2

Writes files in the publisher's layout (one array of float32, samples × 201 times × 1024 points; the same random block
again and again) into a scratch folder, prepares the model input of pdebench_advection from each in a process of its
own, and draws docs/preprocessing.png and writes the numbers next to it.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import h5py
import numpy as np
from kedro.config import OmegaConfigLoader
from matplotlib.figure import Figure

from pare.config_loader import load_library
from pare.preparation import ModelInput
from pare.raw.registries import READERS, bind_options
from pare.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]
TASK = "pdebench_advection"
FRAMES, POINTS, BLOCK = 201, 1024, 64


def write_raw(folder: Path, samples: int) -> int:
    """The publisher's file with that many samples; its size in bytes."""
    block = np.random.default_rng(0).standard_normal((BLOCK, FRAMES, POINTS), dtype=np.float32)
    path = folder / "1D_Advection_Sols_beta0.4.hdf5"
    with h5py.File(path, "w") as file:
        tensor = file.create_dataset("tensor", (samples, FRAMES, POINTS), np.float32)
        for start in range(0, samples, BLOCK):
            tensor[start : start + BLOCK] = block[: samples - start]
        file["x-coordinate"] = np.linspace(0, 1, POINTS, dtype=np.float32)
        file["t-coordinate"] = np.linspace(0, 2, FRAMES + 1, dtype=np.float32)
    return path.stat().st_size


def prepare(folder: Path, samples: int) -> tuple[float, float]:
    """Peak resident memory in MB, of the whole process, and seconds of preparing the model input."""
    loader = OmegaConfigLoader(conf_source=str(PROJECT / "conf"), env="paper", **CONFIG_LOADER_ARGS)
    task = load_library(loader).task(TASK)
    begin = time.perf_counter()
    parts = bind_options("reader", task.reader.name, READERS[task.reader.name], task.reader.options)(folder)
    counts = {part: parts[part].count for part in task.samples}
    task = task.model_copy(update={"samples": counts})
    ModelInput(TASK, task, parts, "benchmark", validated=True).write(folder / "input.h5")
    seconds = time.perf_counter() - begin
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, seconds


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[1, 4, 16])
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/preprocessing.png")
    options = parser.parse_args()
    results = []
    for gigabytes in options.gigabytes:
        with tempfile.TemporaryDirectory() as scratch:
            samples = round(gigabytes * 1e9 / (4 * FRAMES * POINTS))
            size = write_raw(Path(scratch), samples)
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                memory, seconds = pool.submit(prepare, Path(scratch), samples).result()
        results.append({"raw_gb": size / 1e9, "samples": samples, "peak_memory_mb": memory, "seconds": seconds})
        print(f"{size / 1e9:6.1f} GB raw, {samples:6d} samples: peak {memory:6.0f} MB, {seconds:5.1f} s", flush=True)
    draw(results, options.output)


def draw(results: list[dict[str, float]], output: Path) -> None:
    """Memory over file size."""
    figure = Figure(figsize=(6, 3.2), layout="constrained", dpi=130)
    ax = figure.subplots()
    sizes = [row["raw_gb"] for row in results]
    ax.plot(sizes, [row["peak_memory_mb"] for row in results], "o-", label="peak memory of the process")
    ax.plot(sizes, [1000 * size for size in sizes], "k:", label="size of the raw file")
    ax.set(xlabel="raw file, GB", ylabel="MB", xscale="log", yscale="log", title="Preprocessing reads as a stream")
    ax.grid(alpha=0.3)
    ax.legend()
    figure.savefig(output)
    output.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
