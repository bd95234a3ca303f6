"""Who may open a file: a lock between processes, and the usual rights of new files."""

import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pare.config.errors import PareError

logger = logging.getLogger(__name__)


@contextmanager
def held_alone(path: Path, work: str, advice: str = "") -> Iterator[None]:
    """Hold a lock until the block ends or this process dies.

    Args:
        path: the file that is locked; it says who holds it, and is removed at the end.
        work: what the block does, for the message, such as ``x is being trained``.
        advice: what to do where another process does it; empty: this one waits until it is done.

    Raises:
        PareError: where another process holds it, which is named, and there is advice; or the file cannot be made.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            stream = locked(path, wait=False)
        except BlockingIOError as error:
            holder = path.read_text() if path.is_file() else ""
            others = f"{work} by {holder or 'another process'} at this moment"
            if advice:
                raise PareError(f"{others}; {advice}") from error
            logger.info("%s, which is waited for.", others)
            stream = locked(path)
    with stream:
        try:
            stream.truncate(0)
            stream.write(f"process {os.getpid()} on {socket.gethostname()}")
            stream.flush()
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Say what to do where the block cannot write next to a path; PareError."""
    try:
        yield
    except OSError as error:
        raise PareError(
            f"cannot write to {path.parent} ({error.strerror}); give this user write permission or free space there"
        ) from error


def locked(path: Path, *, wait: bool = True) -> IO[str]:
    """A file, opened and locked until it is closed or this process dies; not locked where the file system has no locks.

    Args:
        path: the file, which is made where there is none.
        wait: whether to wait for a process that has locked it.

    Raises:
        BlockingIOError: where another process has locked it and is not waited for.
        OSError: where it cannot be made, or is a link.
    """
    while True:
        stream = open(path, "a", opener=_no_link)  # noqa: SIM115 - a path has no opener
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            stream.close()
            raise
        except OSError:  # a file system without locks
            return stream
        with suppress(FileNotFoundError):  # its last holder may have removed it between the two calls above
            if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                return stream
        stream.close()


def try_lock(stream: IO[Any], how: int = fcntl.LOCK_EX) -> bool | None:
    """Lock an open file until it is closed, unless another process has locked it.

    Args:
        stream: the file.
        how: the kind of the lock, as `fcntl.flock` names it.

    Returns:
        Whether it is locked now; None where the file system has no locks.
    """
    try:
        fcntl.flock(stream, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _no_link(path: str, flags: int) -> int:
    """Open a file, but nothing that a link points to: what is locked is emptied."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


@contextmanager
def usual_rights(path: Path) -> Iterator[None]:
    """Give the file that the block writes the rights of other new files, which the user's umask decides.

    `safetensors` writes a temporary file, which only its owner may read, and renames it.

    Args:
        path: the file.
    """
    path.touch()
    mode = path.stat().st_mode
    yield
    path.chmod(mode)
