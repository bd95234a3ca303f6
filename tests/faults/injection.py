"""Run a command in a process whose n-th file operation is killed, torn, or fails, and cut the power.

The library of file_faults.c has to be preloaded in the process that calls this: `with_library`.
"""

import ctypes
import errno
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("file_faults.c")
STATE = struct.Struct("=4q4096s")  # mode, n, errno, count, root
OFF, COUNT, KILL, TEAR, FAIL, FULL = range(6)
ERRORS = {"full disk": errno.ENOSPC, "no space once": errno.ENOSPC, "disk error": errno.EIO, "over quota": errno.EDQUOT}
MODES = {"kill": KILL, "power cut": KILL, "torn write": TEAR, "full disk": FULL}  # others fail once
FAULTS = ("kill", "power cut", "torn write", *ERRORS)
HANGS = 600.0  # seconds, of which `dvc repro` takes a minute


@dataclass(frozen=True)
class Operation:
    """A file operation: its name, the inode of an open file, else 0, the path, and the old one of a new name."""

    name: str
    inode: int
    path: Path
    old: Path | None = None


@dataclass(frozen=True)
class Ending:
    """The end of a process.

    Attributes:
        code: exit code; of a signal its number with a minus.
        said: everything printed.
        operations: file operations that were done.
        hung: whether it was ended after `HANGS` seconds.
    """

    code: int
    said: str
    operations: list[Operation]
    hung: bool

    def unclear(self) -> str:
        """Why nobody would understand it; empty where it ended well, in a sentence, or was killed."""
        if self.hung:
            return "hangs"
        if "Traceback (most recent call last)" in self.said:
            return f"traceback: {self.said.strip().splitlines()[-1][:300]}"
        return f"ends with signal {-self.code}" if self.code < 0 and self.code != -signal.SIGKILL else ""


def compiler() -> str | None:
    """The C compiler; None without one."""
    return shutil.which("cc") or shutil.which("gcc")


def with_library(scratch: Path) -> dict[str, str]:
    """The environment of a process with the library, which is compiled into a folder."""
    library = scratch / "file_faults.so"
    subprocess.run([compiler() or "cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


class Injector:
    """Starts processes in a project, and disturbs them.

    Args:
        root: folder below which file operations count.
        scratch: folder for the state and for what processes print.
    """

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root, self.printed, self.state = root.resolve(), scratch / "printed", scratch / "state"
        self.log, self.kept = scratch / "state.log", scratch / "state.kept"
        self._set(OFF, 0, 0)
        os.environ["FAULTS_STATE"] = str(self.state)
        ctypes.CDLL(os.environ["LD_PRELOAD"]).faults_use(str(self.state).encode())

    def _set(self, mode: int, nth: int, code: int) -> None:
        """In place: every process has the file mapped."""
        self.state.touch()
        with self.state.open("r+b") as file:
            file.write(STATE.pack(mode, nth, code, 0, f"{self.root}/".encode()))

    def run(self, call: Callable[[], None], fault: str = "", nth: int = 0) -> Ending:
        """Run a function in a fork of this process, in the root.

        Args:
            call: the function.
            fault: one of `FAULTS`; none by default.
            nth: number of the disturbed operation, from 1.
        """
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir()
        with self.log.open("w"):
            self._set(MODES.get(fault, FAIL) if fault else COUNT, nth, ERRORS.get(fault, 0))
        process = os.fork()
        if not process:
            self._child(call)
        code, hung = _waited(process)
        self._set(OFF, 0, 0)
        lines = [line.split(" ", 3) for line in self.log.read_text().splitlines()]
        operations = [Operation(name, int(inode), *map(Path, path.split("\t"))) for _, name, inode, path in lines]
        if fault == "power cut":
            take_back_names(operations, self.kept)
            empty_files(self.root, operations)
        return Ending(code, self.printed.read_text(errors="replace"), operations, hung)

    def _child(self, call: Callable[[], None]) -> None:
        """Never returns; the group of the process is its own, so that all its processes can be ended at once."""
        code = 1
        try:
            os.setsid()
            printed = os.open(self.printed, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            os.dup2(printed, 1)
            os.dup2(printed, 2)
            os.chdir(self.root)
            call()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            import atexit

            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _waited(process: int) -> tuple[int, bool]:
    """The exit code, and whether it had to be ended; what it started ends with it."""
    end, status = time.monotonic() + HANGS, (0, 0)
    while status[0] == 0 and time.monotonic() < end:
        time.sleep(0.01)
        status = os.waitpid(process, os.WNOHANG)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    hung = status[0] == 0
    return os.waitstatus_to_exitcode((os.waitpid(process, 0) if hung else status)[1]), hung


def take_back_names(operations: list[Operation], kept: Path) -> None:
    """Undo, the last one first, each new name whose folder was not flushed since, with the files that were replaced.

    A name whose old folder was removed since stays: file systems lose what came last, not what came before it.
    """
    new: list[Operation] = []
    for operation in operations:
        if operation.old:
            new.append(operation)
        if operation.name == "fsync":
            new = [one for one in new if one.path.parent != operation.path]
    for operation in reversed(new):
        path, old = operation.path, operation.old
        if old and old.parent.is_dir() and not old.exists() and path.exists():
            replaced = kept / str(path.stat().st_ino)
            path.rename(old)
            if replaced.exists():
                replaced.rename(path)


def empty_files(root: Path, operations: list[Operation]) -> None:
    """Empty every file that was written, and not flushed since: the worst that a file system may make of it."""
    unflushed: set[int] = set()
    for operation in operations:
        if operation.name in ("write", "truncate"):
            unflushed.add(operation.inode)
        if operation.name == "fsync":
            unflushed.discard(operation.inode)
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_ino in unflushed:
            os.truncate(path, 0)
