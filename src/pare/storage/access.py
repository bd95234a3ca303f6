"""Who may open a file: a lock between processes, and the usual rights of new files."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pare.config.errors import PareError


@contextmanager
def held_alone(path: Path, work: str, advice: str) -> Iterator[None]:
    """Hold a lock until the block ends or this process dies.

    Args:
        path: the file that is locked; it says who holds it, and is removed at the end.
        work: what the block does, for the message, such as ``x is being trained``.
        advice: what to do where another process does it.

    Raises:
        PareError: where another process holds it, which is named, or the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = _locked(path)
    except BlockingIOError as error:
        holder = path.read_text() if path.is_file() else ""
        raise PareError(f"{work} by {holder or 'another process'} at this moment; {advice}") from error
    except OSError as error:
        raise PareError(
            f"cannot write to {path.parent} ({error.strerror}); give this user write permission or free space there"
        ) from error
    with stream:
        try:
            stream.truncate(0)
            stream.write(f"process {os.getpid()} on {socket.gethostname()}")
            stream.flush()
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path) -> IO[str]:
    """The file, opened and locked; BlockingIOError where another process has locked it."""
    while True:
        stream = path.open("a")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            raise
        except OSError:  # a file system without locks
            return stream
        with suppress(FileNotFoundError):  # its last holder may have removed it between the two calls above
            if os.path.samestat(path.stat(), os.fstat(stream.fileno())):
                return stream
        stream.close()


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
