"""A process that ends with the one that started it: a killed launcher leaves no training running behind its back."""

import os
import threading
import time
from contextlib import suppress

import psutil

PARENT = "PARE_ENDS_WITH"  # variable of the environment: the number of the process that started this one
WATCHED = 0.5  # seconds between two looks


def end_with(parent: int) -> None:
    """End this process, as a kill would, once the process that started it is gone.

    Args:
        parent: its number.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def end_with_launcher() -> None:
    """Do so where the environment names the process that started this one; processes of this one do not inherit it."""
    if parent := os.environ.pop(PARENT, ""):
        end_with(int(parent))


def _watch(parent: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(parent)  # also where a server forked this one
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(WATCHED)
    os._exit(1)
