"""Time of solved heads: one thread for the products of matrices against all threads.

    python benchmarks/heads.py              # a minute on two cores
    python benchmarks/heads.py --loads 2    # while so many other programs run, two to three minutes

Features and classes are random, of sizes as those of tables and series.
"""

import argparse
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from pare.start.heads import solve_head, solve_ridge_head

LOGISTIC = {"a small table": (700, 400, 3), "a series": (200, 4600, 5), "a large table": (5000, 400, 4)}
RIDGE = {"similarities, a small table": (700, 1000, 3), "similarities, a large one": (5000, 1000, 4)}


def logistic(x: np.ndarray, y: np.ndarray) -> None:
    """Solve a head on features of the encoder ``(rows, features)`` for classes ``(rows,)``, its penalty by folds."""
    solve_head(x, y, "classification", y.max() + 1, encoded=x.shape[1], standardised=False)


def ridge(x: np.ndarray, y: np.ndarray) -> None:
    """Solve a head on features of its own, arguments as for `logistic`."""
    solve_ridge_head(x, y, "classification", y.max() + 1)


def random_rows(rows: int, features: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Features whose spread falls, as an encoder's does, and classes that depend on them."""
    rng = np.random.default_rng(0)
    turn = rng.normal(size=(features, features)) * np.geomspace(1, 0.01, features) / np.sqrt(features)
    x = rng.normal(size=(rows, features)) @ turn
    scores = x @ rng.normal(size=(features, classes)) / 3 + rng.normal(size=(rows, classes))
    return x.astype(np.float32), scores.argmax(1)


def spin() -> None:
    """Use a core for good."""
    while True:
        pass


@contextmanager
def other_programs(count: int) -> Iterator[None]:
    """So many processes that use a core each."""
    processes = [multiprocessing.Process(target=spin, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()


def main() -> None:
    """Print the seconds of both, and their ratio, for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=int, default=0, help="other programs that run meanwhile")
    with other_programs(parser.parse_args().loads):
        for solve, sizes in ((logistic, LOGISTIC), (ridge, RIDGE)):
            for name, size in sizes.items():
                rows = random_rows(*size)
                seconds = []
                for threads in (1, None):
                    with threadpool_limits(threads, user_api="blas"):
                        started = time.perf_counter()
                        solve(*rows)
                        seconds.append(time.perf_counter() - started)
                one, every = seconds
                print(f"{solve.__name__}, {name}, {size[0]} rows, {size[1]} features, {size[2]} classes: ", end="")
                print(f"one thread {one:.2f} s, all {every:.2f} s, {every / one:.1f} times as long", flush=True)


if __name__ == "__main__":
    main()
