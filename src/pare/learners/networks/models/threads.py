"""How many threads of a CPU do a piece of work: as many as are fastest at the moment.

In every operation threads wait for each other. Where another program has one of the cores, all threads are slower than
one, often by a factor (benchmarks/threads.py). So no more are used than have a core, and pieces of the work itself are
timed, now and then.
"""

import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from statistics import median
from weakref import WeakKeyDictionary

import psutil
import torch
from torch import nn

logger = logging.getLogger(__name__)
PIECES, SECONDS = 4, 1.0  # pieces by which a number of threads is tried, or fewer that take so long together
TOO_SLOW = 2.0  # times as long as by another number: no further piece is tried
GAIN = 1.05  # times as fast as fewer threads, at least: more of them are a risk
SLOWED, RECENT = 1.5, 3  # times as long as expected, in the mean of so many pieces: other programs came
PAUSE, TRIALS = 20.0, 50.0  # between two looks at the cores: seconds at least, and times the length of the last trial
LOOK, KNOWN = 0.2, 5.0  # seconds in which the use of the cores is measured, and for which it is taken as known


def free_threads() -> int:
    """The number of threads, one at least, that have a core to themselves next to what other programs use just now."""
    threads = torch.get_num_threads()
    return max(1, min(threads, _free_cores(int(time.monotonic() / KNOWN)))) if threads > 1 else 1


@lru_cache(maxsize=1)
def _free_cores(period: int) -> int:
    """Cores that nobody uses while this program waits for a moment; known for a period of some seconds."""
    used = psutil.cpu_percent(interval=LOOK, percpu=True)
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(used))
    return round(sum(1 - used[core] / 100 for core in own if core < len(used)))


class Pace:
    """The number of threads for pieces of work that are alike, by the seconds that earlier pieces took.

    A trial goes from a number of threads to half and twice as many until both are slower; threads without a core of
    their own are not tried. It is repeated where pieces slow down, and where cores became free or busy.

    Args:
        most: threads that may be used; those that are tried are as many, a half, a quarter, …

    Attributes:
        number: number of threads for the next piece.
        pieces: pieces made so far, by the number of threads.
    """

    def __init__(self, most: int) -> None:
        self.numbers = [most >> i for i in range(most.bit_length())]
        self._free = free_threads()
        self.number = self._nearest(self._free)
        self.pieces = dict.fromkeys(self.numbers, 0)
        self._tried: dict[int, list[float]] | None = {}  # seconds of pieces by number; None where no trial goes on
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._expected, self._again = 0.0, 0.0

    @contextmanager
    def piece(self) -> Iterator[int]:
        """Time a piece of work, which is to be done by the number of threads that this gives."""
        started = time.perf_counter()
        yield self.number
        now = time.perf_counter()
        self.note(now - started, now)

    def note(self, seconds: float, now: float) -> None:
        """Learn the time of a piece, and choose the number of threads for the next one.

        Args:
            seconds: time of the piece.
            now: time of a clock.
        """
        self.pieces[self.number] += 1
        if self._tried is not None:
            self._tried.setdefault(self.number, []).append(seconds)
            self._go_on(self._tried, now)
            return
        self._recent.append(seconds)
        if self.number > 1 and sum(self._recent) > SLOWED * RECENT * self._expected:
            self._free = free_threads()
            self._tried = {self.number: [self._expected, *self._recent]}
            self._go_on(self._tried, now)
        elif now >= self._again:
            self._again, self._free = now + PAUSE, free_threads()
            if self._nearest(self._free) != self.number:
                self._tried, self.number = {}, self._nearest(min(self.number, self._free))

    def _nearest(self, free: int) -> int:
        """The most threads that may be used where so many have a core."""
        return max(number for number in self.numbers if number <= free)

    def _go_on(self, tried: dict[int, list[float]], now: float) -> None:
        """Try the number again, or a neighbour of the best so far, or end the trial."""
        # In the first piece of a number memory is laid out: it does not count, and may take twice as long.
        each = {number: median(taken[1:] or [taken[0] / 2]) for number, taken in tried.items()}
        best, taken = min(each, key=each.__getitem__), tried[self.number]
        enough = len(taken) == PIECES or (len(taken) > 1 and sum(taken[1:]) > SECONDS)
        if not enough and each[self.number] <= TOO_SLOW * each[best]:
            return
        place = self.numbers.index(best)
        neighbours = self.numbers[place + 1 : place + 2] + self.numbers[max(place - 1, 0) : place]
        untried = [number for number in neighbours if number not in tried and number <= self._free]
        if untried:
            self.number = untried[0]
            return
        self.number = min(number for number in each if each[number] < GAIN * each[best])
        if (slowest := max(each, key=each.__getitem__)) > self.number and each[slowest] > TOO_SLOW * each[self.number]:
            logger.debug(
                "Other programs use the cores: a step takes %.2g s by %d threads, %.2g s by %d.",
                *(each[slowest], slowest, each[self.number], self.number),
            )
        self._expected = each[self.number]
        self._again = now + max(PAUSE, TRIALS * sum(map(sum, tried.values())))
        self._tried = None
        self._recent.clear()


_PACES: WeakKeyDictionary[nn.Module, dict[Hashable, Pace]] = WeakKeyDictionary()


def paces(network: nn.Module) -> dict[Hashable, Pace]:
    """The paces of the kinds of work with a network, on a CPU of several threads."""
    return _PACES.setdefault(network, {})


@contextmanager
def fastest_threads(network: nn.Module, kind: Hashable) -> Iterator[None]:
    """Compute a piece of work, such as a step or a batch, by the number of threads that is fastest at the moment.

    Afterwards torch has all its threads again. On an accelerator, where torch has one thread, and in other threads of
    Python than the main one, such as those of a web server, nothing is timed or changed: pieces side by side would
    time each other.

    Args:
        network: the network that computes.
        kind: kind of work, whose pieces take about as long.
    """
    threads = torch.get_num_threads()
    on_cpu = all(weight.device.type == "cpu" for weight in network.parameters())
    if threads == 1 or not on_cpu or threading.current_thread() is not threading.main_thread():
        yield
        return
    known = paces(network)
    if kind not in known:
        known[kind] = Pace(threads)
    with known[kind].piece() as number:
        try:
            torch.set_num_threads(number)
            if number < threads:
                _set_for_new_threads(threads)
            yield
        finally:
            torch.set_num_threads(threads)


def _set_for_new_threads(number: int) -> None:
    """Let threads of Python that begin from now on compute by that number of torch's; this one keeps its own.

    Each thread of Python keeps the last number that was set in any of them when it began to compute.
    """
    other = threading.Thread(target=torch.set_num_threads, args=(number,))
    other.start()
    other.join()


def most_used(network: nn.Module) -> int:
    """The number of threads that made most pieces of the work with a network."""
    total = Counter[int]()
    for pace in paces(network).values():
        total.update(pace.pieces)
    return max(total, key=total.__getitem__, default=torch.get_num_threads())
