"""Models and a checkpoint of other versions load, predict and go on with the same numbers, or name their version."""

import logging
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import keep_models
from keep_models import CPU, STOPPED, fit_of
from pare.config import PareError
from pare.learners.model import Model

KEPT = sorted(Path(__file__).parent.glob("models_of_*"))
MODELS = [folder.parent for version in KEPT for folder in sorted(version.glob("*/model"))]


def named(path):
    return path.relative_to(Path(__file__).parent).as_posix()


def version_of(folder):
    return re.search(r"models_of_(\w+)", folder.as_posix())[1].replace("_", ".")


def same(folder, make):
    """What a model makes of kept rows is what it made of them once, unless its version is refused by name."""
    rows = np.load(folder / "rows.npz")
    try:
        model = make()
    except PareError as error:
        assert version_of(folder) in str(error)
        return
    # Another machine or version of a library may sum in another order.
    np.testing.assert_allclose(model.outputs(rows["x"], CPU), rows["y"], rtol=1e-4, atol=1e-5)


def test_one_of_each_kind_is_kept():
    assert {path.name for path in MODELS} == {*keep_models.KINDS, "ensemble"}


@pytest.mark.parametrize("folder", MODELS, ids=named)
def test_a_kept_model_predicts_what_it_predicted(folder):
    same(folder, lambda: Model.load(folder / "model"))


@pytest.mark.parametrize("version", KEPT, ids=named)
def test_a_training_goes_on_from_a_kept_checkpoint(version, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    checkpoint = shutil.copytree(version / "checkpoint", tmp_path / "checkpoint")
    same(version / STOPPED, lambda: fit_of(STOPPED, tmp_path, version / "source").model(checkpoint))
    assert "Going on after epoch 1 of 2." in caplog.text
