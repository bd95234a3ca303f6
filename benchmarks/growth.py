"""Cost as work grows: a mixing step with its tokens, and a table of yours with its rows; one plot for docs/scale.md.

    OMP_NUM_THREADS=1 python benchmarks/growth.py     # writes docs/growth.svg, some minutes

Tokens: gate scores to mixed tokens, forward and backward, 2 samples of width 128, half of the tokens replaced. Rows:
a CSV of 10 columns of numbers is read, split, scaled, stored. Each point has a process of its own. Seconds are those of
one thread of the CPU, so that other programs do not count; memory is what the work adds.
"""

import tempfile
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness import CONF, alone, options, peak_bytes
from pare.config.schema import Task
from pare.data.preparation import ModelInput
from pare.data.registries import open_raw_files
from selection import random_inputs, step

FIGURE = CONF.parent / "docs" / "growth.svg"
COLUMNS = 10


def mixing(tokens: int) -> tuple[float, float]:
    """CPU seconds of a mixing step, and MB that it takes."""
    inputs = random_inputs(Namespace(batch=2, width=128, device="cpu"), tokens)
    before, seconds = peak_bytes(), []
    for _ in range(3):
        started = time.process_time()
        step(inputs, tokens // 2)
        seconds.append(time.process_time() - started)
    return min(seconds), (peak_bytes() - before) / 2**20


def table(rows: int) -> tuple[float, float]:
    """CPU seconds of preparing a table, and MB that it takes."""
    with tempfile.TemporaryDirectory() as made:
        folder, rng = Path(made), np.random.default_rng(0)
        frame = pd.DataFrame(rng.normal(size=(rows, COLUMNS)).round(4), columns=[f"c{i}" for i in range(COLUMNS)])
        frame.assign(kind=np.where(frame.c0 > 0, "a", "b")).to_csv(folder / "rows.csv", index=False)
        del frame
        said = {
            "title": "Random rows",
            "raw": {"files": ["rows.csv"]},
            "reader": {"name": "table", "options": {"target": "kind"}},
            "samples": {"all": rows},
            "input": {"shape": [COLUMNS]},
            "output": {"kind": "classification", "shape": [2]},
        }
        task = Task.model_validate(said)
        before, started = peak_bytes(), time.process_time()
        ModelInput("rows", task, open_raw_files(task.reader, folder), "", validated=True).write(folder / "rows.h5")
        return time.process_time() - started, (peak_bytes() - before) / 2**20


def main() -> None:
    """Measure all points, print them, and draw them."""
    asked = options(__doc__, tokens=[1024, 3136, 16384, 65536], rows=[1000, 10_000, 100_000, 1_000_000])
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, (name, measure, sizes) in zip(
        panels, (("tokens of a sample", mixing, asked.tokens), ("rows of a table", table, asked.rows)), strict=True
    ):
        found = [alone(measure, size) for size in sizes]
        for size, (seconds, memory) in zip(sizes, found, strict=True):
            print(f"{size:9,} {name}: {seconds:8.3f} s, {memory:7.0f} MB", flush=True)
        axes.loglog(sizes, [seconds for seconds, _ in found], "o-", label="seconds of one core")
        axes.loglog(sizes, [max(memory, 1) / 1024 for _, memory in found], "s--", label="GiB")
        axes.set(xlabel=name, title="a mixing step" if measure is mixing else "a table, read and prepared")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
