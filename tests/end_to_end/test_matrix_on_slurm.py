"""A matrix on a stand-in for SLURM, with the real commands: an element is warned while it trains, and goes on later."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from slurm_stand_in import install

pytestmark = pytest.mark.slow

EPOCHS = 20
PARAMS = f"source=tiny,training.epochs={EPOCHS}"
RUN = ("--tasks", "darcy_flow", "--methods", "finetune", "--seeds", "0-1", "--params", PARAMS)
FOLDER = "darcy_flow/finetune/source_tiny"


@pytest.fixture
def on_slurm(with_raw_files, tmp_path):
    """`kedro matrix run --engine slurm` in the project, on the stand-in; its output."""
    known = tmp_path / "stand_in"
    known.mkdir()
    install(tmp_path / "bin")
    here = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "STAND_IN": str(known),
        "WARN_AT": str(with_raw_files / "data/matrix/own/logs/darcy_flow-finetune-1.log"),
        "WARN_ON": f"epoch 2/{EPOCHS}",
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
    }

    def on_slurm(*words):
        call = [sys.executable, "-m", "kedro", "matrix", "run", "--engine", "slurm", *RUN, *words]
        done = subprocess.run(
            call, check=False, cwd=with_raw_files, env=os.environ | here, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return on_slurm


def predictions(project: Path, seed: int) -> np.ndarray:
    with h5py.File(project / "data/07_model_output" / FOLDER / f"seed_{seed}" / "predictions.h5") as file:
        return file["prediction"][:]


def test_an_element_that_is_warned_goes_on_after_its_last_step_and_ends_as_by_hand(
    with_raw_files, on_slurm, kedro, ingested, tmp_path
):
    output = on_slurm("--gpus-per-run", "0", "--sbatch", "--cpus-per-task=1", "--submit")
    assert "inputs: array 1\ncpu: array 2\n" in output
    calls = (tmp_path / "stand_in" / "calls").read_text().splitlines()
    assert [call for call in calls if call.startswith("scontrol")] == ["scontrol requeue 2_0"]
    processes, threads = (tmp_path / "stand_in" / "warned").read_text().split(" ", 1)
    assert int(processes) >= 2  # the bundle, and the training
    assert threads.endswith("'1']")  # of the training, by --cpus-per-task

    logs = with_raw_files / "data/matrix/own/logs"
    (element,) = logs.glob("pare-own-cpu-*")
    lines = element.read_text().splitlines()
    ends = [line for line in lines if line.startswith("exit code")]
    assert ends == ["exit code 143", "exit code 0"]
    before, after = lines[: lines.index(ends[0])], lines[lines.index(ends[0]) :]
    assert "Bundle 0 of array cpu: 2 of 2 jobs to run" in before
    assert any("done: darcy_flow-finetune-0 " in line for line in before)
    assert "Bundle 0 of array cpu: 1 of 2 jobs to run" in after
    assert any("done: darcy_flow-finetune-1 " in line for line in after)
    training = (logs / "darcy_flow-finetune-1.log").read_text()
    assert "Terminated. The same command goes on after the last step or fit that was saved." in training
    (place,) = re.findall("Stopped after (.+), which is saved", training)
    assert f"Going on after {place}." in training
    assert on_slurm() == "All 2 runs are done.\n"

    by_hand = Path(shutil.copytree(ingested, tmp_path / "by_hand"))
    assert kedro(by_hand, "--params", f"task=darcy_flow,method=finetune,seed=1,{PARAMS}").code == 0
    np.testing.assert_array_equal(predictions(with_raw_files, 1), predictions(by_hand, 1))
