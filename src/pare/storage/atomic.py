"""Files and folders that appear on disk whole or not at all, and what killed runs leave of them."""

import atexit
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from pare.config.errors import PareError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Offer a temporary name next to ``path``, renamed to it when the block ends without an error.

    The block creates a file or a folder under the temporary name. A folder that was at ``path`` is replaced. Whatever
    was written is removed when the block fails or is interrupted; after a run that was killed, by the next one.

    Args:
        path: where the result will be.

    Yields:
        The temporary path; it does not exist yet.

    Raises:
        PareError: if the folder of ``path`` cannot be written.
    """
    scratch = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    tidy = partial(_tidy, scratch, path)
    atexit.register(tidy)  # for a signal that arrives before the block below or while it tidies up
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        recover(path)
        scratch.mkdir(mode=0o700)
        lock = _held(scratch, path)
    except OSError as error:
        atexit.unregister(tidy)
        raise PareError(
            f"cannot write to {path.parent} ({error.strerror}); give this user write permission or free space there"
        ) from error
    unfinished, replaced = scratch / path.name, scratch / f"{path.name}.replaced"
    try:
        yield unfinished
        if path.is_dir():
            os.rename(path, replaced)
        os.replace(unfinished, path)
    finally:
        with lock:
            tidy()
        atexit.unregister(tidy)


def recover(path: Path) -> None:
    """Finish what a run that was killed had begun at ``path``.

    Where it was killed between the two renames that replace a folder, the new folder, which is whole then, takes its
    place. What else such runs left is removed; what a living run is writing is left to it.
    """
    for scratch in _scratches(path):
        with _claimed(_lock(scratch, path)) as ours:
            if not ours:
                continue
            unfinished, replaced = scratch / path.name, scratch / f"{path.name}.replaced"
            if replaced.exists() and not path.exists() and unfinished.exists():
                os.rename(unfinished, path)
            _tidy(scratch, path)


def _tidy(scratch: Path, path: Path) -> None:
    """Put a replaced folder back where none took its place; remove the rest, the lock last, which others look for."""
    replaced = scratch / f"{path.name}.replaced"
    if replaced.exists() and not path.exists():  # interrupted between the two renames
        os.rename(replaced, path)
    for folder in (replaced, scratch / path.name, scratch):
        shutil.rmtree(folder, ignore_errors=True)


def _scratches(path: Path) -> list[Path]:
    """The folders for temporary names that `atomic_path` made for this path and not for another."""
    name = re.compile(rf"\.{re.escape(path.name)}\.\w{{8}}")
    return [p for p in path.parent.glob(".*") if name.fullmatch(p.name)] if path.parent.is_dir() else []


def _lock(scratch: Path, path: Path) -> Path:
    return scratch / f"{path.name}.lock"


def _held(scratch: Path, path: Path) -> IO[str]:
    """A lock that is held until it is closed or this process dies; it has its name only when it is locked."""
    lock = _lock(scratch, path)
    try:
        stream = lock.with_suffix(".new").open("w")
    except OSError:  # a full disk
        scratch.rmdir()
        raise
    with suppress(OSError):  # a file system without locks: what has none, nobody takes for that of a killed run
        fcntl.flock(stream, fcntl.LOCK_EX)
        os.rename(stream.name, lock)
    return stream


@contextmanager
def _claimed(lock: Path) -> Iterator[bool]:
    """Whether the process that held the lock has died; if so, it is this process's until the block ends."""
    try:
        stream = lock.open("r+")
    except OSError:
        yield False
        return
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        yield free
