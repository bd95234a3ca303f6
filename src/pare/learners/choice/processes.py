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
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType, TracebackType
from typing import Any, TypeVar

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
Name = TypeVar("Name")
Outcome = tuple[Any, str]  # result of a fit, and its error; empty where there is a result


class Workers:
    """Processes that fit, which end with this one and log nothing but warnings.

    Each fit has a process and a pipe of its own: one that is killed, as for want of memory, takes no other with it, and
    the memory of one is not counted as that of another.

    Attributes:
        most: processes at a time, which divide the threads of this one: two on a CPU of two cores or more, else one.
    """

    def __init__(self) -> None:
        self.most = min(MOST, torch.get_num_threads()) if PartialState().device.type == "cpu" else 1
        self._processes: dict[Connection, BaseProcess] = {}

    def run(
        self, jobs: Mapping[Name, Callable[[], Any]], seconds: float, *, waits: bool = False
    ) -> Iterator[tuple[Name, Outcome]]:
        """Run jobs, some at a time, and yield the outcome of each as it is done.

        Jobs that are not done when the time is over, or when the caller stops asking, are ended and yield nothing.

        Args:
            jobs: picklable jobs by name.
            seconds: time for all of them.
            waits: whether one of them is waited for, however long it takes.
        """
        end, threads = time.monotonic() + seconds, max(1, torch.get_num_threads() // max(1, min(self.most, len(jobs))))
        waiting, running = [*jobs.items()], dict[Connection, Name]()
        try:
            with get_console().status("") as shown:
                while waiting or running:
                    while waiting and len(running) < self.most:
                        name, job = waiting.pop(0)
                        running[self._begin(name, job, threads)] = name
                    shown.update(", ".join(map(str, running.values())))
                    done = wait(running, None if waits else max(0.0, end - time.monotonic()))
                    if not done:
                        return
                    waits = False
                    for pipe in [one for one in running if one in done]:
                        yield running.pop(pipe), self._outcome(pipe)
        except KeyboardInterrupt:
            self.close(PATIENCE)
            raise
        finally:
            self.close()

    def close(self, patience: float = 1.0) -> None:
        """End the processes, and what they do.

        Args:
            patience: seconds that they have to tidy up, and to save a training, before they are killed.
        """
        processes, self._processes = [*self._processes.values()], {}
        for process in processes:
            process.terminate()
        end = time.monotonic() + patience
        for process in processes:
            process.join(max(0.0, end - time.monotonic()))
            process.kill()
            process.join()

    def _begin(self, name: object, job: Callable[[], Any], threads: int) -> Connection:
        # On Linux a server imports the project once and forks in a moment; elsewhere it is not safe to fork.
        context: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        context.set_forkserver_preload(IMPORTED)
        pipe, own = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(own, os.getpid(), name, job, threads))
        with _without_main():
            process.start()
        own.close()  # so that the pipe ends with the process
        self._processes[pipe] = process
        return pipe

    def _outcome(self, pipe: Connection) -> Outcome:
        try:
            outcome = pipe.recv()
        except (EOFError, OSError):
            outcome = None, "its process ended, perhaps for want of memory"
        del self._processes[pipe]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes that begin meanwhile do not run the user's script again, which may have no guard."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _unheard(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """End where a library does not let a signal's exception pass: CatBoost would print it and go on."""
    if isinstance(error, Stopped):
        os._exit(exit_code(error))
    sys.__excepthook__(kind, error or kind(), trace)


def _work(pipe: Connection, parent: int, name: object, job: Callable[[], Any], threads: int) -> None:
    """Send what a job returns, or why it cannot; an error where that is no fault of its own."""
    rich.reconfigure(force_terminal=False)  # the bar is that of the process which asked
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to that process as well, which ends this one
    end_with(parent)
    sys.excepthook = _unheard
    sys.unraisablehook = lambda told: _unheard(told.exc_type, told.exc_value, told.exc_traceback)
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s", force=True)
    logging.getLogger("pare").setLevel(logging.WARNING)
    torch.set_num_threads(threads)
    try:
        with raised(), threadpool_limits(threads):
            outcome: Outcome | Exception = (job(), "")
    except Stopped as stop:
        os._exit(exit_code(stop))
    except Exception as error:  # what one candidate cannot do stops no other, but a disk's fault is not its own
        found = any(isinstance(one, Damaged) or any(os.strerror(n) in str(one) for n in DISK) for one in causes(error))
        outcome = error if found else (None, f"{type(error).__name__}: {error}")
    pipe.send(outcome)
    os._exit(0)  # without the seconds that threads and libraries take to end
