"""A matrix on a Ray of this machine, one of whose workers is killed in the middle of a training."""

import json
import re
import shutil
import time

import h5py
import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from pare.learners.fit import LOCK

pytestmark = pytest.mark.slow

# Without a solved start, so that an epoch is selected.
OPTIONS = "source=tiny,start=random,training.epochs=30,training.checkpoint_minutes=0.001"
MATRIX = f"kedro matrix run --tasks darcy_flow --methods finetune --seeds 0 --params {OPTIONS} --engine ray --workers 1"
FOLDER = "darcy_flow/finetune/start_random-source_tiny/seed_0"


def epochs_done(project):
    """Epochs of the run of seed 0 that were saved."""
    saves = (project / "data/06_models" / FOLDER / "checkpoint/0").glob("[0-9]*/progress.json")
    last = max(saves, key=lambda path: int(path.parts[-2]), default=None)  # the others may go at any time
    return json.loads(last.read_text())["epochs_done"] if last else 0


def test_a_run_whose_worker_was_killed_goes_on_and_has_the_same_model(with_raw_files, running, kedro, monkeypatch):
    by_hand = kedro(with_raw_files, "--params", f"task=darcy_flow,method=finetune,{OPTIONS}")
    assert by_hand.code == 0, by_hand.err
    expected = result(with_raw_files)
    for layer in ("06_models", "07_model_output", "08_reporting"):
        shutil.rmtree(with_raw_files / "data" / layer)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # one thread, as the run by hand
    matrix = running(with_raw_files, MATRIX)
    while not epochs_done(with_raw_files):
        assert matrix.poll() is None, matrix.communicate()
        time.sleep(0.02)
    _, training, *_ = (with_raw_files / "data/06_models" / FOLDER / LOCK).read_text().split()
    psutil.Process(int(training)).parent().kill()
    out, err = matrix.communicate()
    assert matrix.returncode == 0, out + err
    assert "The run is done." in out
    (log,) = (with_raw_files / "data/matrix/own/logs").glob("*-0.log")
    ((done, of),) = re.findall(r"Going on after .*epoch (\d+) of (\d+)", log.read_text())
    assert 1 <= int(done) < int(of)
    found = result(with_raw_files)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def result(project):
    """Predictions and weights of the run of seed 0."""
    with h5py.File(project / "data/07_model_output" / FOLDER / "predictions.h5") as file:
        predictions = {"prediction": file["prediction"][:]}
    return predictions | load_file(project / "data/06_models" / FOLDER / "model/model.safetensors")
