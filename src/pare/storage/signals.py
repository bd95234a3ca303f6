"""Signals that end a process: raised where it can end at once, held back where work would be lost.

A scheduler sends SIGTERM, a terminal that is closed SIGHUP, Ctrl-C SIGINT. A command that one of them ended has the
exit code 128 plus its number: 143, 129, 130.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pare.config.ranks import ranks

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Stopped(KeyboardInterrupt):
    """A signal ends this process, in the same order as Ctrl-C.

    Attributes:
        number: number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.strsignal(number))
        self.number = number


class Held:
    """Signals that are held back; see `held`."""

    def __init__(self) -> None:
        self.number = 0

    def hold(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; a second Ctrl-C, of someone who does not want to wait, is not held back.

        Of several processes each has the terminal's, and a second one that ``torchrun`` hands on.
        """
        if self.number == number == signal.SIGINT and ranks() == 1:
            raise KeyboardInterrupt
        self.number = self.number or number

    def let_through(self, number: int) -> None:
        """Raise `Stopped` where a signal came; called where nothing is lost.

        Args:
            number: number of the signal that came to any of the processes, 0 where none did.
        """
        if number:
            self.number = number
            raise Stopped(number)


@contextmanager
def raised() -> Iterator[None]:
    """Raise `Stopped` where a signal would end the process at once, with half a file left behind.

    The block ends with it also where a library makes an error of its own of it, as CatBoost does. Where several
    processes train together nothing changes: one that waits for another could not raise it, and is ended at once.
    """
    if ranks() > 1:
        yield
        return
    came: list[int] = []

    def raise_stopped(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise Stopped(number)

    try:
        with _handled(raise_stopped):
            yield
    except BaseException as error:
        if not came or isinstance(error, Stopped):
            raise
        raise Stopped(came[0]) from error


@contextmanager
def held() -> Iterator[Held]:
    """Hold signals back until the block ends; they do then what they would have done.

    Several processes that `Stopped` ends are ended by it alone: what they still write is not cut off.
    """
    signals = Held()
    try:
        with _handled(signals.hold):
            yield signals
    except Stopped:
        if ranks() > 1:
            signals.number = 0
        raise
    finally:
        if signals.number:
            signal.raise_signal(signals.number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Call a handler for these signals; one that is ignored, as SIGHUP is under ``nohup``, stays ignored.

    Only the main thread of a process can have handlers, and runs them; in others nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    others = (signal.SIG_IGN, None)  # None: a handler that is not Python's
    before = {one: signal.signal(one, handler) for one in ENDING if signal.getsignal(one) not in others}
    try:
        yield
    finally:
        for one, former in before.items():
            signal.signal(one, former)


def exit_code(stop: KeyboardInterrupt) -> int:
    """The exit code of a command that a signal ended, as shells have it."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)
