"""Fits side by side, each in a process of its own that is ended when its time is over.

One training makes little of a second core: two of them side by side do more than one after the other.
"""

import errno
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from math import inf
from types import ModuleType
from typing import Any

import rich
import torch
from accelerate import PartialState
from rich import get_console
from threadpoolctl import threadpool_limits

from pare.config.errors import causes
from pare.storage.checksums import Damaged
from pare.storage.parent import end_with
from pare.storage.signals import Stopped, exit_code, raised

MOST = 2  # fits at a time
PATIENCE = 30.0  # seconds that fits have to end after a signal
IMPORTED = ["pare.learners.fit", "pare.learners.networks.transformer"]
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)  # a disk that is full or fails
Outcome = tuple[Any, str]  # result of a fit, and its error; empty where there is a result


class Workers:
    """Processes that fit, which end with this one and log nothing but warnings.

    Attributes:
        most: processes at a time, which divide the threads of this one: two on a CPU of two cores or more, else one.
    """

    def __init__(self) -> None:
        self.most = min(MOST, torch.get_num_threads()) if PartialState().device.type == "cpu" else 1
        self._pool: ProcessPoolExecutor | None = None

    def run(
        self, jobs: Mapping[str, Callable[[], Any]], seconds: float = inf, least: int = 0
    ) -> Iterator[tuple[str, Outcome]]:
        """Run jobs, some at a time, and yield the outcome of each as it is done.

        Jobs that are not done when the time is over, or when the caller stops asking, are ended and yield nothing.

        Args:
            jobs: picklable jobs by name.
            seconds: time for all of them.
            least: number of jobs that are waited for, however long they take.
        """
        end, threads = time.monotonic() + seconds, max(1, torch.get_num_threads() // max(1, min(self.most, len(jobs))))
        self._pool = self._pool or ProcessPoolExecutor(self.most, _context(), _begin, (os.getpid(),))
        with _without_main():
            running = {self._pool.submit(_in_process, name, job, threads): name for name, job in jobs.items()}
        try:
            with get_console().status("") as shown:
                while running:
                    shown.update(", ".join(running.values()))
                    waits = end == inf or len(jobs) - len(running) < least
                    done, _ = wait(running, None if waits else max(0.0, end - time.monotonic()), FIRST_COMPLETED)
                    if not done:
                        return
                    for future in done:
                        yield running.pop(future), self._outcome(future)
        except KeyboardInterrupt:
            self.end(PATIENCE)
            raise
        finally:
            if running:
                self.end()

    def end(self, patience: float = 1.0) -> None:
        """End the processes, and what they do.

        Args:
            patience: seconds that they have to tidy up, and to save a training, before they are killed.
        """
        pool, self._pool = self._pool, None
        if not pool:
            return
        processes, end = multiprocessing.active_children(), time.monotonic() + patience  # this process has no others
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(max(0.0, end - time.monotonic()))
            process.kill()
        pool.shutdown(cancel_futures=True)

    def _outcome(self, future: Future[Outcome]) -> Outcome:
        try:
            return future.result()
        except BrokenProcessPool:
            self._pool = None
            return None, "its process ended, perhaps for want of memory"


def _context() -> Any:
    """On Linux a server imports the project once and forks in a moment; elsewhere it is not safe to fork."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes that begin meanwhile do not run the user's script again, which may have no guard."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin(parent: int) -> None:
    rich.reconfigure(force_terminal=False)  # the bar is that of the process which asked
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to that process as well, which ends this one
    end_with(parent)


def _in_process(name: str, job: Callable[[], Any], threads: int) -> Outcome:
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s", force=True)
    logging.getLogger("pare").setLevel(logging.WARNING)
    torch.set_num_threads(threads)
    try:
        with raised(), threadpool_limits(threads):
            return job(), ""
    except Stopped as stop:
        os._exit(exit_code(stop))  # an exception would be sent back, and this process would wait for another job
    except Exception as error:  # what one candidate cannot do stops no other, but a disk's fault is not its own
        if any(isinstance(one, Damaged) or any(os.strerror(n) in str(one) for n in DISK) for one in causes(error)):
            raise
        return None, f"{type(error).__name__}: {error}"
