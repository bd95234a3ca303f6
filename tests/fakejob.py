"""A job in place of a training, `python -m fakejob FOLDER NAME …`: it writes down when, where and how it ran."""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

VARIABLES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
STEP_S = 0.01


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--says", default="")
    parser.add_argument("--code", type=int, default=0, help="exit code")
    parser.add_argument("--after", default="", help="a job whose beginning is waited for")
    parser.add_argument("--stubborn", action="store_true", help="ignores SIGTERM")
    parser.add_argument("--bound", action="store_true", help="ends with the process that started it")
    asked = parser.parse_args()
    if asked.bound:
        from pare.storage.parent import end_with_launcher

        end_with_launcher()
    ended_by = signal.SIG_IGN if asked.stubborn else lambda *_: write(asked, terminated=True) or sys.exit(1)
    signal.signal(signal.SIGTERM, ended_by)
    environment = {name: os.environ.get(name) for name in VARIABLES}
    write(asked, process=os.getpid(), folder=os.getcwd(), session=os.getsid(0), environment=environment)
    sys.stdout.write(f"{asked.says}\n")
    sys.stdout.flush()
    while asked.after and not (asked.folder / f"{asked.after}.json").exists():
        time.sleep(STEP_S)
    end = time.monotonic() + asked.seconds
    while time.monotonic() < end:
        time.sleep(STEP_S)
    write(asked, ended=time.monotonic())
    sys.exit(asked.code)


def write(asked: argparse.Namespace, **found: object) -> None:
    """Add to what is written down of this job, whole or not at all."""
    path = asked.folder / f"{asked.name}.json"
    known = json.loads(path.read_text()) if path.exists() else {"began": time.monotonic()}
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(known | found))
    unfinished.rename(path)


if __name__ == "__main__":
    main()
