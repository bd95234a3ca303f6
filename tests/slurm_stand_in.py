"""A cluster of one node in place of SLURM: `sbatch` runs the elements of an array one after the other and returns then.

Called as ``python slurm_stand_in.py COMMAND …``; `install` makes the commands. What it knows is in the folder that
STAND_IN names: ``calls`` has all calls, ``requeued`` the element to run again, ``warned`` what was sent SIGTERM.
One element is warned once, as SLURM does before its time limit, when the text WARN_ON is in the file WARN_AT.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

COMMANDS = ("sbatch", "srun", "scontrol", "squeue")
LOOK_S = 0.02


def install(folder: Path) -> None:
    """Make the commands in a folder."""
    folder.mkdir()
    for name in COMMANDS:
        path = folder / name
        path.write_text(f'#!/bin/bash\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} {name} "$@"\n')
        path.chmod(0o755)


def main(command: str, *words: str) -> int:
    """One of the commands."""
    known = Path(os.environ["STAND_IN"])
    with (known / "calls").open("a") as calls:
        calls.write(shlex.join([command, *words]) + "\n")
    if command == "sbatch":
        return sbatch(known, [*words])
    if command == "srun":
        words = words[1:] if words[0].startswith("--cpus-per-task=") else words
        return subprocess.run(words, check=False).returncode
    if command == "scontrol":
        action, element = words
        assert action == "requeue"
        (known / "requeued").write_text(element)
    return 0


def sbatch(known: Path, words: list[str]) -> int:
    """Run an array whose script has the options of its output; ``--parsable`` prints its number alone."""
    *_, script, argument = words
    asked = dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)
    number = str(len([line for line in (known / "calls").read_text().splitlines() if line.startswith("sbatch ")]))
    first, last = asked["array"].partition("%")[0].split("-")
    (output,) = [
        word.removeprefix("--output=")
        for line in Path(script).read_text().splitlines()
        if line.startswith("#SBATCH")
        for word in shlex.split(line)
        if word.startswith("--output=")
    ]
    for element in range(int(first), int(last) + 1):
        names = {"%x": asked["job-name"], "%A": number, "%a": str(element)}
        log = output
        for name, value in names.items():
            log = log.replace(name, value)
        variables = {
            "SLURM_ARRAY_JOB_ID": number,
            "SLURM_ARRAY_TASK_ID": str(element),
            "SLURM_CPUS_PER_TASK": asked["cpus-per-task"],
        }
        run_element(known, ["bash", script, argument], Path(log), variables)
    sys.stdout.write(f"{number}\n")
    return 0


def run_element(known: Path, words: list[str], log: Path, variables: dict[str, str]) -> None:
    """Run an element, and again as often as it is queued again."""
    restarts = 0
    while True:
        count = {"SLURM_RESTART_COUNT": str(restarts)} if restarts else {}
        with log.open("a") as stream:
            process = subprocess.Popen(words, env=os.environ | variables | count, stdout=stream, stderr=stream)
        while process.poll() is None:
            warn(known, process.pid)
            time.sleep(LOOK_S)
        with log.open("a") as stream:
            stream.write(f"exit code {process.returncode}\n")
        requeued = known / "requeued"
        if not requeued.exists():
            return
        assert requeued.read_text() == f"{variables['SLURM_ARRAY_JOB_ID']}_{variables['SLURM_ARRAY_TASK_ID']}"
        requeued.unlink()
        restarts += 1


def warn(known: Path, script: int) -> None:
    """Send SIGTERM to all processes of the step, and not to the script, once the awaited text is there."""
    awaited = Path(os.environ.get("WARN_AT", ""))
    if (known / "warned").exists() or not awaited.is_file() or os.environ["WARN_ON"] not in awaited.read_text():
        return
    (step,) = [child for child in psutil.Process(script).children() if "srun" in child.cmdline()]
    processes = step.children(recursive=True)
    threads = [one.environ().get("OMP_NUM_THREADS") for one in processes]
    for one in processes:
        one.send_signal(signal.SIGTERM)
    (known / "warned").write_text(f"{len(processes)} {threads}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
