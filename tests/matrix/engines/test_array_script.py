"""The script of the arrays, run by bash with commands in place of SLURM's that write down how they were called."""

import os
import re
import shlex
import subprocess
from types import SimpleNamespace

import pytest

from pare.config import PareError
from pare.matrix.engines.array_script import RESTARTS, submit, submit_lines, write_script
from pare.matrix.engines.slurm import CPU, GPU, INPUTS, Limits, Submission, arrays_of
from pare.matrix.plan import Job, Plan

# What each command says, and how it ends, is in files; its words are added to another.
STAND_IN = """#!/bin/bash
name=$(basename "$0")
printf '%s\\n' "$name $(printf '%q ' "$@")" >> "$CALLS"
code=$(cat "$SAYS/$name.code" 2> /dev/null || echo 0)
if [ "$code" -eq 0 ]; then cat "$SAYS/$name"; else cat "$SAYS/$name" >&2; fi
exit "$code"
"""
NETWORK = Job("mine-pare-0", "mine", "kedro run", seconds=3600.0, memory_mb=20000.0, on_accelerator=True)
BOOSTER = Job("mine-catboost-0", "mine", "kedro run", ("raw-mine",), seconds=60.0, timed=False)
RAW = Job("raw-mine", "mine", "kedro run", prepares=True)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands in place of SLURM's: ``says(name, text, code)``, and ``calls()`` of a name as lists of words."""
    folder, says, calls = tmp_path / "bin", tmp_path / "says", tmp_path / "calls"
    folder.mkdir()
    says.mkdir()
    for name in ("sbatch", "srun", "scontrol", "squeue"):
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o755)
        (says / name).touch()
    for name, value in {"CALLS": calls, "SAYS": says, "PATH": f"{folder}:{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, str(value))

    def said(name, text="", code=0):
        (says / name).write_text(text)
        (says / f"{name}.code").write_text(str(code))

    def called(name):
        lines = [shlex.split(line) for line in calls.read_text().splitlines()] if calls.exists() else []
        return [words for first, *words in lines if first == name]

    said("sbatch", "123;mine\n")
    return SimpleNamespace(says=said, calls=called, folder=folder)


@pytest.fixture
def project(tmp_path):
    """A folder whose name asks for quotes, and not the one that tests run in."""
    project = tmp_path / "a 'b' $c"
    project.mkdir()
    return project


@pytest.fixture
def written(project):
    """Write the script of some jobs into the project."""

    def written(*jobs, title="base", **limits):
        plan = Plan(title, {job.name: job for job in jobs or (RAW, BOOSTER, NETWORK)}, 2, 0, "as was measured")
        limits = Limits(**limits)
        return write_script(Submission(plan, arrays_of(plan, limits)), limits, project, project / "data/matrix" / title)

    return written


def element(script, array, number=0, **variables):
    """Run an element of an array, as SLURM runs its copy of the script from the folder of the submission."""
    variables = {
        "SLURM_ARRAY_JOB_ID": "123",
        "SLURM_ARRAY_TASK_ID": str(number),
        "SLURM_CPUS_PER_TASK": "4",
    } | variables
    words = ["bash", script, array]
    return subprocess.run(words, check=False, capture_output=True, text=True, env=os.environ | variables)


def options(words):
    return dict(word.removeprefix("--").split("=", 1) for word in words if "=" in word)


def test_the_script_is_bash_and_asks_slurm_for_a_warning_and_a_restart(written):
    script = written()
    subprocess.run(["bash", "-n", script], check=True)
    asked = " ".join(line for line in script.read_text().splitlines() if line.startswith("#SBATCH"))
    for option in ("--nodes=1", "--ntasks=1", "--requeue", "--open-mode=append", "--signal=TERM@120"):
        assert f" {option}" in asked
    assert '--output="data/matrix/base/logs/%x-%A_%a.log"' in asked
    assert (script.parent / "logs").is_dir()  # SLURM makes no folder
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    first = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    assert not [line for line in lines[first:] if line.startswith("#SBATCH")]  # SLURM reads none after a command


def test_arrays_are_submitted_one_by_one_and_runs_wait_for_the_inputs(written, slurm):
    assert submit(written()) == "inputs: array 123\ncpu: array 123\ngpu: array 123\n"
    inputs, cpu, gpu = slurm.calls("sbatch")
    assert [words[-2:] for words in (inputs, cpu, gpu)] == [
        ["data/matrix/base/array.sh", name] for name in (INPUTS, CPU, GPU)
    ]
    assert all("--parsable" in words for words in (inputs, cpu, gpu))
    shared = {"cpus-per-task": "4", "array": "0-0", "time": "0:30:00", "mem": "16G"}
    after = {"dependency": "afterany:123"}  # without the name of the cluster
    assert options(inputs) == shared | {"job-name": "pare-base-inputs"}
    assert options(cpu) == shared | after | {"job-name": "pare-base-cpu"}
    on_gpu = {"job-name": "pare-base-gpu", "gpus-per-task": "1", "time": "2:00:00", "mem": "30G"}
    assert options(gpu) == shared | after | on_gpu


def test_runs_wait_for_nothing_where_all_inputs_are_there(written, slurm):
    submit(written(NETWORK))
    (words,) = slurm.calls("sbatch")
    assert "dependency" not in options(words)


def test_options_of_the_user_come_after_those_that_they_replace(written, slurm):
    submit(written(options=("--mem=64G", "--partition", "my gpus"), at_a_time=3))
    for words in slurm.calls("sbatch"):
        assert options(words)["mem"] == "64G"
        assert words[words.index("--partition") + 1] == "my gpus"
        assert options(words)["array"] == "0-0%3"
        assert words.index("--partition") > max(place for place, word in enumerate(words) if word.startswith("--time"))


def test_runs_that_share_a_gpu_have_the_memory_and_the_cores_of_both(written, slurm):
    submit(written(NETWORK, gpus_per_run=0.5))
    asked = options(slurm.calls("sbatch")[0])
    assert (asked["cpus-per-task"], asked["mem"], asked["gpus-per-task"]) == ("8", "59G", "1")  # 2 × 29.3


def test_the_shown_lines_are_those_of_the_script_and_name_each_guess(written, project):
    script = written()
    plan = Plan("base", {job.name: job for job in (RAW, BOOSTER, NETWORK)}, 2, 0, "as was measured")
    shown = submit_lines(Submission(plan, arrays_of(plan, Limits())), Limits(), "data/matrix/base/array.sh")
    assert script.read_text().endswith(shown)
    assert shown.count("# The time of 1 of them is not known: taken as 15 minutes each.\n") == 2  # not of the network
    assert shown.count("# The memory of 1 is not known: taken as 16 GiB.\n") == 2
    assert shown.count("(afterany)") == 1


def test_a_refused_array_keeps_those_after_it_out_of_the_queue(written, slurm):
    slurm.says("sbatch", "sbatch: error: invalid partition\n", code=1)
    with pytest.raises(PareError, match=r"(?s)sbatch refused an array: .*invalid partition.* by scancel"):
        submit(written())
    assert len(slurm.calls("sbatch")) == 1


def test_without_sbatch_the_command_for_a_login_node_is_named(written, monkeypatch):
    script = written()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        PareError, match=r"sbatch is not on this machine; on a login node of the cluster: bash '.*array\.sh'"
    ):
        submit(script)


def test_an_element_runs_its_bundle_in_the_project(written, slurm):
    script = written()
    with_python = re.search(r"^python=(.*)$", script.read_text(), re.MULTILINE)
    done = element(script, CPU, 7)
    assert (done.returncode, done.stderr) == (0, "")
    assert slurm.calls("srun") == [
        [
            *("--cpus-per-task=4", with_python[1], "-m", "kedro", "matrix", "bundle"),
            *("data/matrix/base/plan.json", "cpu", "7"),
        ]
    ]
    assert not slurm.calls("scontrol")


@pytest.mark.parametrize(
    ("code", "restarts", "again"),
    [(143, None, True), (143, RESTARTS - 1, True), (143, RESTARTS, False), (1, None, False), (137, None, False)],
)
def test_an_element_that_got_sigterm_is_queued_again_alone_and_not_for_ever(written, slurm, code, restarts, again):
    slurm.says("srun", code=code)
    count = {} if restarts is None else {"SLURM_RESTART_COUNT": str(restarts)}
    assert element(written(), GPU, 3, **count).returncode == code
    assert slurm.calls("scontrol") == ([["requeue", "123_3"]] if again else [])


def test_an_element_of_an_older_plan_does_nothing_and_says_why(written, slurm):
    script = written()
    submitted = script.with_name("copy.sh")
    submitted.write_text(script.read_text())
    written(NETWORK)
    done = element(submitted, GPU)
    assert done.returncode == 1
    assert "data/matrix/base/plan.json was written anew after this array was submitted" in done.stderr
    assert not slurm.calls("srun")


def test_no_plan_is_written_over_that_of_arrays_in_the_queue(written, project, slurm):
    plan = written().with_name("plan.json").read_text()
    slurm.says("squeue", "7 /elsewhere\n")
    written()  # arrays of the same name, of another project
    slurm.says("squeue", f"7 /elsewhere\n8 {project}\n8 {project}\n9 {project}\n")  # 8 has two elements there
    with pytest.raises(PareError, match=r"arrays of this matrix are in the queue.*: scancel 8 9$"):
        written(NETWORK)
    assert (project / "data/matrix/base/plan.json").read_text() == plan
    words = slurm.calls("squeue")[-1]
    assert options(words)["name"] == "pare-base-inputs,pare-base-cpu,pare-base-gpu"
    slurm.says("squeue", "no controller", code=1)
    with pytest.raises(PareError, match=r"squeue does not say .*: no controller"):
        written()
