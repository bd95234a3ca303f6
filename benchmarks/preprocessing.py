"""Peak memory of preprocessing against the size of the raw file: it does not grow.

    python benchmarks/preprocessing.py                      # 1, 4 and 16 GB of PDEBench advection, about 3 minutes
    python benchmarks/preprocessing.py --gigabytes 1 2

Writes files in the publisher's layout (one array of float32, samples × 201 times × 1024 points; the same random block
again and again) into a scratch folder, and prepares the model input of pdebench_advection from each.
"""

import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from harness import alone, library, options, peak_bytes
from pare.data.preparation import ModelInput
from pare.data.registries import open_raw_files

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


def prepare(folder: Path) -> tuple[int, float]:
    """Peak resident memory of the whole process in bytes, and seconds of preparing the model input."""
    task = library("paper").task(TASK)
    begin = time.perf_counter()
    parts = open_raw_files(task.reader, folder)
    task = task.model_copy(update={"samples": {part: parts[part].count for part in task.samples}})
    ModelInput(TASK, task, parts, "benchmark", validated=True).write(folder / "input.h5")
    return peak_bytes(), time.perf_counter() - begin


def main() -> None:
    """Measure and print each size."""
    for gigabytes in options(__doc__, gigabytes=[1.0, 4.0, 16.0]).gigabytes:
        with tempfile.TemporaryDirectory() as folder:
            samples = round(gigabytes * 1e9 / (4 * FRAMES * POINTS))
            size = write_raw(Path(folder), samples)
            memory, seconds = alone(prepare, Path(folder))
        print(f"{size / 1e9:6.1f} GB raw, {samples:6d} samples: {memory / 2**20:6.0f} MB, {seconds:5.1f} s", flush=True)


if __name__ == "__main__":
    main()
