"""Time of solved heads: one thread for the products of matrices against all threads; CPU time of a probe by its rows.

    python benchmarks/heads.py              # a minute or two on two free cores
    python benchmarks/heads.py --loads 2    # while so many other programs run, two to three minutes
    OMP_NUM_THREADS=1 python benchmarks/heads.py --levels 1 100    # turning features to their principal axes
    OMP_NUM_THREADS=1 python benchmarks/heads.py --rows 200 600 2000 6000 20000    # prints CPU seconds of each size
    python benchmarks/heads.py --figure quick_start.png --seconds before.json after.json   # draw what those printed

Features and classes are random, of sizes as those of tables and series; a probe has 19 numbers and seven classes.
`--levels` compares the turn with a product by a matrix that has an identity block for the columns around the encoder,
which many categories make large: 20,000 rows of 20 columns of so many categories each, 1 for numbers.
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import make_classification
from threadpoolctl import threadpool_limits

from harness import busy_programs, in_turns, options, show
from pare.learners.networks.start.heads import _axes, solve_head
from pare.learners.networks.start.ridge_heads import solve_ridge_head


def logistic(x: np.ndarray, y: np.ndarray) -> None:
    """Solve a head on features of the encoder ``(rows, features)`` for classes ``(rows,)``, its penalty by folds."""
    solve_head(x, y, "classification", y.max() + 1, encoded=x.shape[1], standardised=False)


def ridge(x: np.ndarray, y: np.ndarray) -> None:
    """Solve a head on features of its own, arguments as for `logistic`."""
    solve_ridge_head(x, y, "classification", y.max() + 1)


SIZES = {  # heads and their rows, features and classes
    "a small table": (logistic, 700, 400, 3),
    "a series": (logistic, 200, 4600, 5),
    "a large table": (logistic, 5000, 400, 4),
    "similarities, a small table": (ridge, 700, 1000, 3),
    "similarities, a large table": (ridge, 5000, 1000, 4),
}


def random_rows(rows: int, features: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Features whose spread falls, as an encoder's does, and classes that depend on them."""
    rng = np.random.default_rng(0)
    turn = rng.normal(size=(features, features)) * np.geomspace(1, 0.01, features) / np.sqrt(features)
    x = rng.normal(size=(rows, features)) @ turn
    scores = x @ rng.normal(size=(features, classes)) / 3 + rng.normal(size=(rows, classes))
    return x.astype(np.float32), scores.argmax(1)


def limited(threads: int | None, solve: Callable[..., None], rows: tuple[np.ndarray, np.ndarray]) -> None:
    """Solve with so many threads; None: with all."""
    with threadpool_limits(threads, user_api="blas"):
        solve(*rows)


def by_identity_block(x: np.ndarray, encoded: int) -> np.ndarray:
    """Features on their principal axes, the others as they are, by one product with a square matrix."""
    axes, raw = _axes(x, encoded, False), x.shape[1] - encoded
    turn = np.zeros((x.shape[1], len(axes.axes) + raw))
    turn[:encoded, : len(axes.axes)] = (axes.axes * axes.scale).T
    turn[encoded:, len(axes.axes) :] = np.eye(raw)
    return (x - axes.centre) @ turn


def compare_turns(levels: int, repeats: int) -> None:
    """Both ways of turning 384 features of the encoder, with 20 columns around it of so many categories each."""
    x = np.random.default_rng(0).normal(size=(20_000, 384 + 20 * (levels + 1))).astype(np.float32)
    ways = {"by identity block": lambda: by_identity_block(x, 384), "as heads do": lambda: _axes(x, 384, False)(x)}
    expected, found = (way() for way in ways.values())
    np.testing.assert_allclose(found, expected, atol=1e-8)
    show(f"principal axes: 20000 rows, 20 columns, {levels} categories each", in_turns(ways, repeats))


def probe_seconds(rows: int) -> float:
    """CPU seconds of a probe that is fitted to a table of so many rows."""
    from pare.estimators import PaReClassifier  # noqa: PLC0415 - loads torch, which the heads do without

    x, y = make_classification(rows, 19, n_informative=10, n_classes=7, class_sep=1.5, random_state=0)
    started = time.process_time()
    PaReClassifier("probe").fit(x.astype(np.float32), y)
    return time.process_time() - started


def figure(files: Sequence[str]) -> Figure:
    """CPU seconds against rows, a line for each file ``{rows: seconds}``."""
    drawn = Figure((5, 3.2), layout="constrained")
    ax = drawn.subplots()
    for file in map(Path, files):
        seconds = {int(rows): value for rows, value in json.loads(file.read_text()).items()}
        ax.loglog(list(seconds), list(seconds.values()), "o-", label=file.stem.replace("_", " "))
    ax.set(xlabel="training rows, 19 numbers, 7 classes", ylabel="CPU seconds of a probe")
    ax.legend(frameon=False)
    return drawn


def main() -> None:
    """Compare both for each size, or measure probes or turns, or draw what was measured."""
    asked = options(__doc__, loads=0, repeats=1, rows=[0], levels=[0], figure="", seconds=[""])
    if asked.figure:
        figure(asked.seconds).savefig(asked.figure, dpi=150)
        return
    if any(asked.rows):
        probe_seconds(100)  # imports
        print(json.dumps({rows: round(probe_seconds(rows), 1) for rows in asked.rows}))
        return
    if any(asked.levels):
        for levels in asked.levels:
            compare_turns(levels, asked.repeats)
        return
    with busy_programs(asked.loads):
        for name, (solve, *size) in SIZES.items():
            rows = random_rows(*size)
            ways = {
                "one thread": lambda solve=solve, rows=rows: limited(1, solve, rows),
                "all threads": lambda solve=solve, rows=rows: limited(None, solve, rows),
            }
            show("{}: {} rows, {} features, {} classes".format(name, *size), in_turns(ways, asked.repeats))


if __name__ == "__main__":
    main()
