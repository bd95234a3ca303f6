"""Rows per second that training reads from a model input, against numpy.memmap and plain h5py slices.

    python benchmarks/loading.py                       # a task's worth of rows, half a minute
    python benchmarks/loading.py --shape 3 224 224 --rows 2000

All read the same numbers in batches, once in order and once shuffled, from a file that is in the page cache.
``Rows`` is the store; training reads it through a ``DataLoader``, so numpy.memmap is also measured in one.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import h5py
import numpy as np
from torch.utils.data import DataLoader

from pare.storage.store import ArrayStore, write_store
from pare.training.rows import batch_loader

Batches = Iterator[list[int]]


def main() -> None:
    """Write, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs="+", default=[3, 85, 85], help="of one sample")
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5, help="rounds, of which the best is printed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Rows per second of each reader, in order and shuffled."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((options.rows, *options.shape), dtype=np.float32)
    y = rng.integers(0, 10, options.rows)
    x.tofile(folder / "x.raw")
    write_store(
        folder / "store.h5",
        rows={"train": options.rows},
        blocks=[("train", {"x": x, "y": y})],
        statistics={},
        fingerprint="benchmark",
        description={},
    )
    rows = ArrayStore(folder / "store.h5").rows("train")
    mapped = np.memmap(folder / "x.raw", mode="r", dtype=np.float32, shape=x.shape)
    sliced = h5py.File(folder / "store.h5")["train/x"]
    readers: dict[str, Callable[[bool], None]] = {
        "numpy.memmap": lambda shuffled: by_batches(lambda batch: np.asarray(mapped[batch]), order(options, shuffled)),
        "h5py slices": lambda shuffled: by_batches(lambda batch: sliced_rows(sliced, batch), order(options, shuffled)),
        "Rows": lambda shuffled: by_batches(rows.__getitems__, order(options, shuffled)),
        "memmap, loader": lambda shuffled: by_loader(DataLoader(mapped, options.batch, shuffle=shuffled)),  # type: ignore[arg-type]
        "Rows, loader": lambda shuffled: by_loader(batch_loader(rows, options.batch, shuffle=shuffled)),
    }
    mib = x[0].nbytes / 2**20
    print(f"{options.rows} rows of {'×'.join(map(str, options.shape))} ({mib:.2f} MiB), batches of {options.batch}")
    print(f"{'rows per second':16s}{'in order':>12s}{'of memmap':>11s}{'shuffled':>12s}{'of memmap':>11s}")
    reference: dict[bool, float] = {}
    for name, read in readers.items():
        line = f"{name:16s}"
        for shuffled in (False, True):
            speed = options.rows / min(seconds(read, shuffled) for _ in range(options.repeats))
            reference.setdefault(shuffled, speed)
            line += f"{speed:12.0f}{speed / reference[shuffled]:11.0%}"
        print(line)


def order(options: argparse.Namespace, shuffled: bool) -> Batches:
    """Numbers of the rows of each batch."""
    numbers = np.random.default_rng(1).permutation(options.rows) if shuffled else np.arange(options.rows)
    return (numbers[i : i + options.batch].tolist() for i in range(0, options.rows, options.batch))


def sliced_rows(data: h5py.Dataset, batch: list[int]) -> np.ndarray:
    """A batch as h5py gives it: one slice where the rows follow each other, else a sorted list of rows."""
    if batch[-1] - batch[0] == len(batch) - 1:
        return data[batch[0] : batch[-1] + 1]
    positions = np.argsort(batch)
    rows = np.empty((len(batch), *data.shape[1:]), data.dtype)
    rows[positions] = data[np.asarray(batch)[positions]]
    return rows


def by_batches(read: Callable[[list[int]], object], batches: Batches) -> None:
    """Read every batch."""
    for batch in batches:
        read(batch)


def by_loader(loader: Iterable[object]) -> None:
    """Read every batch as training does."""
    for _ in loader:
        pass


def seconds(read: Callable[[bool], None], shuffled: bool) -> float:
    """Time of one pass."""
    begin = time.perf_counter()
    read(shuffled)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
