"""Pictures of the simulated tasks: docs/gallery.md and docs/gallery.

    python benchmarks/gallery.py                      # all of them, a minute on one core
    python benchmarks/gallery.py pdebench_burgers     # only these pictures

Simulates a few samples of each task with the options of conf/base and draws input and target of the first three test
samples, as the task's reader gives them.
"""

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
from kedro.config import OmegaConfigLoader
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pare.config import Library, Task
from pare.config_loader import load_library
from pare.data.registries import bind_options, find_origin, open_raw_files
from pare.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]
FEW = {"samples": 30, "train": 1, "test": 3}  # of the options that a simulator has; a tenth of a file is the test part
SHOWN = 3
HEADER = """# Gallery

Fields of partial differential equations: a model predicts the lower row from the upper one. All are simulated here,
with the laws and file formats of their publishers; no network is needed. Of several channels of a grid the first is
drawn. Each task's data card: `kedro tasks show NAME`. Made by `python benchmarks/gallery.py`.
"""


def test_samples(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a few test samples, ``(samples, channels, *grid)``."""
    raw, reader = task.raw.active, task.reader
    options = raw.options | {name: count for name, count in FEW.items() if name in raw.options}
    with tempfile.TemporaryDirectory() as folder:
        bind_options("origin", raw.origin, find_origin(raw.origin).load(), options)(Path(folder))
        parts = open_raw_files(reader, Path(folder))
        return parts["test"].read(0, SHOWN)


def draw(task: Task) -> Figure:
    """Input and target of a few samples, below each other."""
    x, y = test_samples(task)
    figure = Figure(figsize=(2.4 * SHOWN, 3.6 if x.ndim == 3 else 4.8), dpi=110, layout="constrained")
    axes = figure.subplots(2, SHOWN, sharex=True, sharey="row" if x.ndim == 3 else "all")
    for of, (values, name, colour) in zip(axes, ((x, "input", "C0"), (y, "target", "C1")), strict=True):
        limits = values[:, 0].min(), values[:, 0].max()
        for ax, sample in zip(of, values, strict=True):
            draw_sample(ax, sample, colour, limits)
        of[0].set_ylabel(name)
    return figure


def draw_sample(ax: Axes, sample: np.ndarray, colour: str, limits: tuple[float, float]) -> None:
    """Lines of all channels of a series, the first one strongest; the first channel of a field."""
    if sample.ndim == 2:
        for channel, alpha in zip(sample, (1, 0.6, 0.3), strict=False):
            ax.plot(channel, colour, alpha=alpha, lw=1.2)
        ax.set_xticks([])
    else:
        ax.imshow(sample[0], vmin=limits[0], vmax=limits[1], cmap="viridis" if colour == "C0" else "magma")
        ax.set(xticks=[], yticks=[])


def simulated(library: Library) -> dict[str, Task]:
    """The simulated tasks by name."""
    tasks = {name: library.task(name) for name in library.tasks}
    return {name: task for name, task in sorted(tasks.items()) if task.raw.active.simulated}


def page(tasks: dict[str, Task]) -> str:
    """The page with all pictures, and two sentences of each task's description."""
    parts = [
        f"## {task.title}\n\n![{task.title}: input and target of three test samples](gallery/{name}.png)\n\n"
        f"`{name}` ({task.suite}). Input: {', '.join(task.input.channels)}; target: {task.output.name}. "
        f"{' '.join(re.split(r'(?<=[.]) ', task.description)[:2])}\n"
        for name, task in tasks.items()
    ]
    return "\n".join([HEADER, *parts])


def main() -> None:
    """Draw, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", help="names; by default all simulated tasks")
    chosen = parser.parse_args().tasks
    loader = OmegaConfigLoader(conf_source=str(PROJECT / "conf"), env="base", **CONFIG_LOADER_ARGS)
    tasks = simulated(load_library(loader))
    folder = PROJECT / "docs" / "gallery"
    folder.mkdir(exist_ok=True)
    for name in chosen or tasks:
        draw(tasks[name]).savefig(folder / f"{name}.png")
        print(folder / f"{name}.png")
    (PROJECT / "docs" / "gallery.md").write_text(page(tasks), encoding="utf-8")


if __name__ == "__main__":
    main()
