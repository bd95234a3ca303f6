"""The folder that runs write their models to: all of them must see the same files, and the locks of each other."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pare.config.errors import PareError
from pare.storage.access import held_alone, try_lock

LOOK = "import sys; from pare.matrix.shared_folder import problem_here; sys.stdout.write(problem_here(sys.argv[1]))"
NO_LOCKS = (
    "{} is on a file system that does not keep a locked file from other processes, so that two of them may write one "
    "model; mount it with locks (NFS: without nolock and local_lock; Lustre: with flock; a mounted bucket of an object "
    "store has none), or move the project to a file system that has them"
)


@contextmanager
def token(folder: Path) -> Iterator[Path]:
    """A new file, locked by this process until the block ends.

    Args:
        folder: the folder that it is made in.

    Raises:
        PareError: where the folder cannot be written.
    """
    path = folder / f".token-{secrets.token_hex(8)}"
    with held_alone(path, f"{path} is held", "try again"):
        yield path


def check_locks(folder: Path, advice: str = "") -> None:
    """Check that a lock which one process of this machine holds keeps the others out.

    Args:
        folder: the folder that runs write their models to.
        advice: what else may be done, after the message.

    Raises:
        PareError: where it does not, or the folder cannot be written.
    """
    with token(folder) as path:
        problem = problem_of_runs(str(path))
    if problem:
        raise PareError(problem + advice)


def problem_of_runs(path: str) -> str:
    """What another process finds that is started on this machine as runs are, see `problem_here`."""
    other = subprocess.run([sys.executable, "-c", LOOK, path], capture_output=True, text=True, check=False)
    if other.returncode:
        said = other.stderr.strip().splitlines()
        return f"{said[-1] if said else 'a process ended'}; install this package for {sys.executable}"
    return other.stdout


def problem_here(path: str) -> str:
    """Look at the `token` of another process.

    Args:
        path: the token.

    Returns:
        Why this machine must not write to the token's folder, and what to do; empty where it may.
    """
    folder = os.path.dirname(path)
    try:
        with open(path, "r+", encoding="utf-8") as stream:
            return "" if try_lock(stream) is False else NO_LOCKS.format(folder)
    except FileNotFoundError:
        return f"{folder} is not there or is another folder; have the project in a folder that all machines share"
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror}); give the user of this process write permission"
