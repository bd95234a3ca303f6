"""Files and folders that appear on disk whole or not at all, and what killed runs leave of them."""

import atexit
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from pare.config.errors import PareError
from pare.storage.access import locked, try_lock, writable

LOCK = re.compile(r"\.(.+)\.\w{8}\.lock")  # name of the file that locks a temporary name of another


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
        with writable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            recover(path)
            lock = locked(_lock(scratch))
            scratch.mkdir(mode=0o700)
    except PareError:
        tidy()
        atexit.unregister(tidy)
        raise
    unfinished, replaced = scratch / path.name, scratch / f"{path.name}.replaced"
    try:
        yield unfinished
        with writable(path):
            _flush(unfinished)
            if path.is_dir():
                os.rename(path, replaced)
            os.replace(unfinished, path)
            _flush_one(path.parent)
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
        with _claimed(_lock(scratch)) as ours:
            if not ours:
                continue
            unfinished, replaced = scratch / path.name, scratch / f"{path.name}.replaced"
            if replaced.exists() and not path.exists() and unfinished.exists():
                os.rename(unfinished, path)
            _tidy(scratch, path)


def recover_all(folder: Path) -> None:
    """Do what `recover` does, for all files and folders that lie in a folder."""
    for name in {of[1] for lock in folder.glob(".*.lock") if (of := LOCK.fullmatch(lock.name))}:
        recover(folder / name)


def _flush(path: Path) -> None:
    """Have the disk keep a file, or a folder with all that is in it, so that they outlive a power cut."""
    if path.is_symlink():
        return  # to what is not written here
    for part in [*path.rglob("*"), path]:
        _flush_one(part)


def _flush_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tidy(scratch: Path, path: Path) -> None:
    """Put a replaced folder back where none took its place; remove the rest, the lock last, which others look for."""
    replaced = scratch / f"{path.name}.replaced"
    if replaced.exists() and not path.exists():  # interrupted between the two renames
        os.rename(replaced, path)
    for folder in (replaced, scratch / path.name, scratch):
        shutil.rmtree(folder, ignore_errors=True)
    if not scratch.exists():  # else the next run finds it by the lock
        with suppress(OSError):
            _lock(scratch).unlink()


def _scratches(path: Path) -> list[Path]:
    """The folders for temporary names that `atomic_path` made, or was about to make, for this path."""
    locks = [p for p in path.parent.glob(".*.lock") if (of := LOCK.fullmatch(p.name)) and of[1] == path.name]
    return [lock.with_suffix("") for lock in locks]


def _lock(scratch: Path) -> Path:
    """A file beside the folder, which is there before it and after it."""
    return scratch.with_name(f"{scratch.name}.lock")


@contextmanager
def _claimed(lock: Path) -> Iterator[bool]:
    """Whether the process that held the lock has died; if so, it is this process's until the block ends."""
    try:
        stream = lock.open("r+")
    except OSError:
        yield False
        return
    with stream:
        yield try_lock(stream) is True
