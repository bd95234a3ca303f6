"""A booster that crashes its library ends a process of its own, not this one."""

import sys

import lightgbm
import numpy as np
import pytest

from pare.config import PareError
from pare.learners import trial


@pytest.fixture
def booster(tmp_path):
    """A file of LightGBM."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    sets = lightgbm.Dataset(x, x[:, 0] > 0, params={"verbosity": -1})
    path = tmp_path / "members" / "0" / "output_0.txt"
    path.parent.mkdir(parents=True)
    lightgbm.train({"objective": "binary", "verbosity": -1}, sets, 3).save_model(path)
    return path


@pytest.mark.slow
def test_a_whole_booster_is_read(booster, tmp_path):
    trial.try_boosters(tmp_path)


def test_a_folder_without_boosters_needs_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere")
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "LICENSE.txt").write_text("of a hub")  # by its name no booster
    trial.try_boosters(tmp_path)


@pytest.mark.slow
def test_a_crash_is_told(booster, tmp_path):
    text = booster.read_text()
    booster.write_text(text.replace("left_child=", "left_child=99 ", 1))
    with pytest.raises(PareError, match=r"process that reads its files \*\.txt ends (by SIG|with)"):
        trial.try_boosters(tmp_path)


def test_what_takes_too_long_is_ended(booster, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 0.01)
    with pytest.raises(PareError, match=r"takes its library more than 0\.01 s"):
        trial.try_boosters(tmp_path)


@pytest.mark.slow
def test_damaged_parameters_of_a_training_are_not_read(booster, tmp_path):
    text = booster.read_text()
    booster.write_text(text.partition("[max_bin: ")[0].replace("[verbosity", "\0\0\0\0"))
    trial.try_boosters(tmp_path)


@pytest.mark.slow
def test_a_file_that_keeps_its_library_busy_is_ended(booster, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "READ", {".txt": "def predict(path):\n    while True:\n        pass\n"})
    monkeypatch.setattr(trial, "TRIAL", trial.TRIAL.replace("10 + size", "2 + size"))
    with pytest.raises(PareError, match=r"a file \*\.txt keeps its library busy without end"):
        trial.try_boosters(tmp_path)
