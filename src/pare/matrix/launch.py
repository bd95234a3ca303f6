"""A job as a process of its own: the command that a person would type, with its share of the machine and a log file."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from pare.config.errors import PareError
from pare.matrix.plan import Job
from pare.storage.access import try_lock
from pare.storage.parent import PARENT

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
GPUS = "CUDA_VISIBLE_DEVICES"  # ROCm reads it too
LOOK_S = 0.2  # seconds between two looks at the lock of a log
GRACE_S = 60.0  # seconds that a job has to end by itself before it is killed
LOGS = "logs"
BEGUN = "# "  # begins the line of a log that says what was started
ERROR = "Error: "  # begins the line that says why a command failed
CLOCK = re.compile(r"^\[\d\d:\d\d:\d\d\] ")  # begins the lines of a run
TAIL = 20_000  # bytes at the end of a log in which its last line is looked for


@dataclass(frozen=True)
class Share:
    """What a job gets of a machine.

    Attributes:
        threads: threads.
        gpus: what `CUDA_VISIBLE_DEVICES` says, empty for none; None: as the environment has it.
    """

    threads: int
    gpus: str | None = None


def log_of(job: Job, folder: Path) -> Path:
    """The log file of a job below the plan's folder."""
    return folder / LOGS / f"{job.name}.log"


def start(job: Job, project: Path, folder: Path, share: Share, patience_s: float = 0.0) -> subprocess.Popen[bytes]:
    """Start a job; it ends with this process, however that ends.

    Args:
        job: the job.
        project: the folder that its command is run in.
        folder: the plan's folder; what the job prints is added to its log there.
        share: its threads and GPUs.
        patience_s: seconds to wait for the end of the same job where a launcher that is gone has left it behind.

    Raises:
        PareError: where its log cannot be written, or the project is gone.
    """
    program, *words = shlex.split(job.command)
    environment = {**os.environ, **dict.fromkeys(THREADS, str(share.threads)), PARENT: str(os.getpid())}
    if share.gpus is not None:
        environment[GPUS] = share.gpus
    log = log_of(job, folder)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            _hold(stream, patience_s)
            stream.write(f"{BEGUN}{datetime.now():%Y-%m-%d %H:%M:%S} {job.command}\n".encode())
            stream.flush()
            return subprocess.Popen(
                [sys.executable, "-m", program, *words],
                cwd=project,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the plan, which ends its jobs
            )
    except OSError as error:
        raise PareError(
            f"{job.name} cannot be started ({error.strerror}: {error.filename}); mend that, and the same command goes "
            "on"
        ) from None


def _hold(log: IO[bytes], patience_s: float) -> None:
    """Lock a log until all processes of the job have closed it.

    Where another one has it after the patience, the job is started all the same: it says itself who does its work.
    """
    end = time.monotonic() + patience_s
    while try_lock(log) is False and time.monotonic() < end:  # None: no locks, which `check_locks` refuses
        time.sleep(LOOK_S)


def stop(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """End jobs: each gets SIGTERM, and is killed where it is still there after a while."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGTERM)
    end = time.monotonic() + GRACE_S
    for process in running:
        try:
            process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def failure(job: Job, folder: Path, code: int) -> str:
    """Why a job failed, in words: what it said last, and the signal that ended it.

    Args:
        job: the job.
        folder: the plan's folder.
        code: its exit code, as `subprocess` gives it; below zero the number of a signal.
    """
    log = log_of(job, folder)
    said = last_line(log, ERROR) or last_line(log)  # the same job of another plan writes into the same log
    if code >= 0:
        return said or f"exit code {code}"
    memory = "; perhaps memory was short" if -code == signal.SIGKILL else ""
    ended = f"ended by signal {-code} ({signal.strsignal(-code)}){memory}"
    return f"{ended}; it said last: {said}" if said else ended


def last_line(log: Path, begins: str = "") -> str:
    """What a job said last since it was started, without the time of day; empty where it said nothing.

    Args:
        log: its log.
        begins: how the line begins.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - TAIL))
            lines = [line.strip() for line in stream.read().decode(errors="replace").splitlines()]
    except OSError:
        return ""
    said = next((line for line in reversed(lines) if line and line.startswith((begins, BEGUN))), "")
    return "" if said.startswith(BEGUN) else CLOCK.sub("", said)
