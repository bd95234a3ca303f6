"""The script of a plan's arrays: called by hand it submits them; each element of an array runs its bundle by it."""

import getpass
import shlex
import shutil
import subprocess
import sys
from hashlib import sha256
from math import ceil
from pathlib import Path

from pare.config.errors import PareError
from pare.matrix.engines.slurm import (
    CORES,
    CPU,
    GPU,
    INPUTS,
    UNKNOWN_MB,
    UNKNOWN_S,
    Array,
    Limits,
    Submission,
    time_limit,
)
from pare.matrix.launch import LOGS
from pare.storage.atomic import atomic_path

SCRIPT = "array.sh"
RESTARTS = 20
# What an element does. SLURM sends SIGTERM to the step that srun starts and not to this script, two to three minutes
# before the time limit, and as the grace time of a preemption begins; `scancel` ends the script as well.
ELEMENT = """\
set -eu
cd "$project"

if [ $# -gt 0 ]; then  # an element of an array
    if ! echo "$digest  $plan" | sha256sum --check --status; then
        echo "Error: $plan was written anew after this array was submitted; cancel it, submit the new one" >&2
        exit 1
    fi
    export LOKY_MAX_CPU_COUNT="$SLURM_CPUS_PER_TASK"  # threads, also where SLURM binds no cores
    code=0
    srun --cpus-per-task="$SLURM_CPUS_PER_TASK" "$python" -m kedro matrix bundle "$plan" "$1" "$SLURM_ARRAY_TASK_ID" ||
        code=$?
    # 143: SIGTERM, since the time is nearly over or a preemption begins. The finished runs stay, a training goes on
    # with its next step. Only this element is queued again: SLURM_JOB_ID of one element is the whole array's.
    if [ "$code" -eq 143 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "$restarts" ]; then
        echo "Queued again, after ${SLURM_RESTART_COUNT:-0} restarts of at most $restarts"
        scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    fi
    exit "$code"
fi
"""
AFTER = """\
# Runs wait for the end of all inputs, however they end (afterany): a run whose input failed is skipped by its element.
# With afterok one failed input would keep all runs in the queue for ever.
"""


def write_script(submission: Submission, limits: Limits, project: Path, folder: Path) -> Path:
    """Write the plan and its script, which are of one piece: the script knows the plan's digest.

    Args:
        submission: the plan and its arrays.
        limits: see `Limits`.
        project: the project's folder.
        folder: the plan's folder.

    Returns:
        The script.

    Raises:
        PareError: where arrays of an earlier plan are in the queue.
    """
    _check_queue(submission.plan.title, project.resolve())
    (folder / LOGS).mkdir(parents=True, exist_ok=True)  # SLURM makes no folder for an output
    plan = submission.write(folder)
    with atomic_path(folder / SCRIPT) as unfinished:
        unfinished.write_text(_text(submission, limits, project, plan), encoding="utf-8")
    return folder / SCRIPT


def queue_of(title: str) -> str:
    """Options with which `squeue` lists the arrays of a matrix, also those of other clones of the project."""
    return f"--user={getpass.getuser()} --name={','.join(_job_name(title, name) for name in (INPUTS, CPU, GPU))}"


def submit_lines(submission: Submission, limits: Limits, script: str) -> str:
    """The lines of bash that submit the arrays, with a reason for each guess in them.

    Args:
        submission: the plan and its arrays.
        limits: see `Limits`.
        script: the script's path, from the project's folder.
    """
    lines = []
    for array in submission.arrays.values():
        after = INPUTS in submission.arrays and array.name != INPUTS
        lines += [AFTER] if after and AFTER not in lines else []
        lines.append(_guesses(array) + _sbatch(submission, array, limits, script, after))
    return "".join(lines)


def submit(script: Path) -> str:
    """Submit the arrays; what `sbatch` says.

    Raises:
        PareError: where there is no `sbatch` here, or it refuses an array.
    """
    by_hand = f"bash {shlex.quote(str(script))}"
    if shutil.which("sbatch") is None:
        raise PareError(f"sbatch is not on this machine; on a login node of the cluster: {by_hand}")
    done = subprocess.run(["bash", script], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise PareError(
            f"sbatch refused an array: {done.stdout.strip()}\nArrays that are named above are in the queue; cancel "
            f"them by scancel, mend the lines at the end of the script, and call: {by_hand}"
        )
    return done.stdout


def _text(submission: Submission, limits: Limits, project: Path, plan: Path) -> str:
    script = plan.with_name(SCRIPT).relative_to(project)
    names = {
        "project": str(project.resolve()),
        "python": sys.executable,
        "plan": str(plan.relative_to(project)),
        "digest": sha256(plan.read_bytes()).hexdigest(),
    }
    values = "".join(f"{name}={shlex.quote(value)}\n" for name, value in names.items())
    return (
        "#!/bin/bash\n"
        f"# The arrays of matrix {submission.plan.title}, written by: kedro matrix run --engine slurm\n"
        f"# Submit them: bash {script}; edit the lines at the end before.\n"
        "#SBATCH --nodes=1 --ntasks=1 --requeue --open-mode=append --signal=TERM@120\n"
        f'#SBATCH --output="{script.parent}/{LOGS}/%x-%A_%a.log"\n'
        f"{values}restarts={RESTARTS}  # most restarts of an element that stops before its end\n"
        f"{ELEMENT}\n{submit_lines(submission, limits, str(script))}"
    )


def _sbatch(submission: Submission, array: Array, limits: Limits, script: str, after: bool) -> str:
    """The line that submits an array; further options come after those that they may replace."""
    most = f"%{limits.at_a_time}" if limits.at_a_time else ""
    words = [
        f"--job-name={_job_name(submission.plan.title, array.name)}",
        f"--time={time_limit(array, limits)}",
        f"--cpus-per-task={CORES * array.together}",
        f"--mem={ceil(array.memory_mb * array.together / 1024)}G",
        *(["--gpus-per-task=1"] if array.name == GPU else []),
        *limits.options,
        f"--array=0-{len(array.bundles) - 1}{most}",
    ]
    dependency = ' --dependency="afterany:${inputs%%;*}"' if after else ""
    call = f"{array.name}=$(sbatch --parsable {shlex.join(words)}{dependency} {shlex.quote(script)} {array.name})"
    return f'{call}\necho "{array.name}: array ${{{array.name}%%;*}}"\n'


def _guesses(array: Array) -> str:
    """A comment on what of an array's time and memory nobody knows."""
    guesses = [f"# {array}.\n"]
    if array.untimed:
        guesses.append(
            f"# The time of {array.untimed} of them is not known: taken as {UNKNOWN_S / 60:.0f} minutes each.\n"
        )
    if array.unmeasured:
        guesses.append(f"# The memory of {array.unmeasured} is not known: taken as {UNKNOWN_MB / 1024:.0f} GiB.\n")
    return "".join(guesses)


def _job_name(title: str, array: str) -> str:
    return f"pare-{title}-{array}"


def _check_queue(title: str, project: Path) -> None:
    """Refuse to write over the plan of arrays that are in the queue, where this machine has one."""
    if shutil.which("squeue") is None:
        return
    asked = ["squeue", "--noheader", *queue_of(title).split(), "--format=%F %Z"]
    found = subprocess.run(asked, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if found.returncode:
        raise PareError(f"squeue does not say whether arrays of this matrix are in the queue: {found.stdout.strip()}")
    jobs = {job: place for job, _, place in (line.partition(" ") for line in found.stdout.splitlines())}
    if mine := sorted(job for job, place in jobs.items() if place == str(project)):
        raise PareError(
            "arrays of this matrix are in the queue, and a new plan would have their runs again; wait for their end, "
            f"or cancel them: scancel {' '.join(mine)}"
        )
