"""Time in which training reads a model input, against numpy.memmap and plain h5py slices.

    python benchmarks/loading.py                       # a task's worth of rows, half a minute
    python benchmarks/loading.py --shape 3 224 224 --rows 2000

All read the same numbers in batches, once in order and once shuffled, from a file that is in the page cache.
``Rows`` is the store; training reads it through a ``DataLoader``, so numpy.memmap is also measured in one.
"""

import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import h5py
import numpy as np
from torch.utils.data import DataLoader

from harness import Ways, in_turns, options, show
from pare.learners.networks.training.rows import batch_loader
from pare.storage.store import ArrayStore, write_store


def main() -> None:
    """Write the rows, and compare the readers in order and shuffled."""
    asked = options(__doc__, shape=[3, 85, 85], rows=8000, batch=32, repeats=5)
    with tempfile.TemporaryDirectory() as folder:
        readers = write(Path(folder), asked)
        print(f"{asked.rows} rows of {'×'.join(map(str, asked.shape))}, batches of {asked.batch}")
        for shuffled in (False, True):
            ways = readers(shuffled)
            show("shuffled" if shuffled else "in order", in_turns(ways, asked.repeats))


def write(folder: Path, asked: Namespace) -> Callable[[bool], Ways]:
    """Write a store and a plain file; ways to read them, in order or shuffled."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((asked.rows, *asked.shape), dtype=np.float32)
    y = rng.integers(0, 10, asked.rows)
    x.tofile(folder / "x.raw")
    blocks = [("train", {"x": x, "y": y})]
    sizes = {"train": asked.rows}
    write_store(folder / "store.h5", rows=sizes, blocks=blocks, statistics={}, fingerprint="benchmark", description={})
    rows = ArrayStore(folder / "store.h5").rows("train")
    mapped = np.memmap(folder / "x.raw", mode="r", dtype=np.float32, shape=x.shape)
    sliced = h5py.File(folder / "store.h5")["train/x"]

    def order(shuffled: bool) -> np.ndarray:
        return np.random.default_rng(1).permutation(asked.rows) if shuffled else np.arange(asked.rows)

    def batches(shuffled: bool) -> Iterator[list[int]]:
        numbers = order(shuffled)
        return (numbers[i : i + asked.batch].tolist() for i in range(0, asked.rows, asked.batch))

    return lambda shuffled: {
        "numpy.memmap": lambda: read(np.asarray(mapped[batch]) for batch in batches(shuffled)),
        "h5py slices": lambda: read(sliced_rows(sliced, batch) for batch in batches(shuffled)),
        "Rows": lambda: read(rows.__getitems__(batch) for batch in batches(shuffled)),
        "numpy.memmap in a DataLoader": lambda: read(DataLoader(mapped, asked.batch, shuffle=shuffled)),
        "Rows in a DataLoader": lambda: read(batch_loader(rows, asked.batch, order(shuffled).tolist())),
    }


def sliced_rows(data: h5py.Dataset, batch: list[int]) -> np.ndarray:
    """A batch as h5py gives it: one slice where the rows follow each other, else a sorted list of rows."""
    if batch[-1] - batch[0] == len(batch) - 1:
        return data[batch[0] : batch[-1] + 1]
    positions = np.argsort(batch)
    rows = np.empty((len(batch), *data.shape[1:]), data.dtype)
    rows[positions] = data[np.asarray(batch)[positions]]
    return rows


def read(batches: Iterable[object]) -> None:
    """Read every batch."""
    for _ in batches:
        pass


if __name__ == "__main__":
    main()
