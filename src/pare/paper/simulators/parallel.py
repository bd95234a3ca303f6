"""Samples of a simulation, computed on every core that this process may use and delivered in order.

Sample i depends on the seed and on i alone, never on how many samples, threads or batches
there are, so that a larger dataset begins with the smaller one.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias, TypeVar

import joblib
import numpy as np
from rich.progress import track
from threadpoolctl import threadpool_limits

Arrays: TypeAlias = dict[str, np.ndarray]
T = TypeVar("T")

PUBLISHER_SAMPLES = 10_000  # at most, in one file

_AHEAD = 4  # items in flight per thread: enough to keep all busy, few enough to keep memory flat


def random_generator(seed: int, *numbers: int) -> np.random.Generator:
    """Source of random numbers of one sample, independent of those of all other samples.

    Args:
        seed: seed of the whole dataset.
        numbers: which sample it is, such as its part and its place there.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=numbers))


def publisher_generator(seed: int, number: int) -> np.random.RandomState:
    """Source of random numbers of one sample as in those scripts of PDEBench that use numpy.

    They seed numpy's old generator with the number of the sample, so that with seed 0 sample i begins as the
    publisher's sample i, where the resolution is the publisher's as well.

    Args:
        seed: seed of the whole dataset; every seed has 10,000 numbers of its own.
        number: number of the sample, below 10,000.
    """
    return np.random.RandomState(PUBLISHER_SAMPLES * seed + number)


def simulate_samples(
    sample: Callable[[int], Arrays], count: int, label: str, workers: int | None = None
) -> Iterator[Arrays]:
    """Compute samples one by one, with a progress bar.

    Threads suffice: numpy and scipy release Python's lock while they work on a grid.

    Args:
        sample: makes sample i, a mapping of names to arrays.
        count: number of samples.
        label: text of the progress bar.
        workers: threads; None takes one a core.

    Yields:
        Samples 0 to count - 1, in order.
    """
    yield from track(_in_order(sample, range(count), workers), description=label, total=count)


def simulate_batches(
    batch: Callable[[range], Arrays], count: int, size: int, label: str, workers: int | None = None
) -> Iterator[Arrays]:
    """Compute samples in batches, for solvers that advance many of them at once, with a progress bar.

    Args:
        batch: makes the samples of a range, a mapping of names to arrays ``(samples, …)``.
        count: number of samples.
        size: samples in a batch; the last one may be smaller.
        label: text of the progress bar.
        workers: threads; None takes one a core.

    Yields:
        Samples 0 to count - 1 one by one, in order.
    """
    ranges = [range(start, min(start + size, count)) for start in range(0, count, size)]
    samples = (
        {name: values[i] for name, values in arrays.items()}
        for numbers, arrays in zip(ranges, _in_order(batch, ranges, workers), strict=True)
        for i in range(len(numbers))
    )
    yield from track(samples, description=label, total=count)


def _in_order(work: Callable[[T], Arrays], items: Sequence[T], workers: int | None) -> Iterator[Arrays]:
    """Results in the order of the items, computed ahead by threads."""
    workers = workers or joblib.cpu_count()
    pending: deque[Future[Arrays]] = deque()
    # One thread for each BLAS call: the threads here already keep every core busy.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > workers * _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # an interrupted run must not wait for unused work
            pool.shutdown(wait=False, cancel_futures=True)
