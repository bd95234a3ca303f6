"""Work for processes side by side, which import it from here."""

import ctypes
import errno
import os
import time
from pathlib import Path

import numpy as np
import torch

from pare.config import PareError
from pare.learners.machine import peak_memory_mb
from pare.storage.checksums import Damaged

PATIENCE = 60  # seconds for what takes a few


def meet(own: Path, other: Path) -> int:
    """Wait for another process, which only comes where both run at the same time."""
    own.write_text(str(os.getpid()))
    until = time.monotonic() + PATIENCE
    while not other.exists():
        assert time.monotonic() < until, "the other one never came"
        time.sleep(0.05)
    return torch.get_num_threads()


def fail() -> None:
    raise PareError("the grid is too small")


def fill(mebibytes: int) -> float:
    """Hold so much memory for a moment; the most that this process says it has held, in MiB."""
    np.ones((mebibytes, 1 << 20), np.uint8)
    return peak_memory_mb()


def note_and_sleep(path: Path) -> None:
    """Write the number of this process, and stay; where that ends in order, say so."""
    path.write_text(str(os.getpid()))
    try:
        time.sleep(600)
    finally:
        path.write_text("tidied up")


def fill_disk() -> None:
    """Write where no space is left."""
    raise PareError("cannot write to here") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def find_damage() -> None:
    """Read what a disk has damaged."""
    raise PareError("no whole model") from Damaged("it was changed")


def let_no_exception_pass(errors: Path) -> None:
    """Wait in a function that C calls, as libraries do, with what is said of errors in a file."""
    with errors.open("w") as file:
        os.dup2(file.fileno(), 2)
    ctypes.CFUNCTYPE(None)(lambda: time.sleep(600))()
    time.sleep(600)
