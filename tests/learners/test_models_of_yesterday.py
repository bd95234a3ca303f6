"""Models and a checkpoint of other versions load, predict and go on with the same numbers, or name their version."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

import keep_models
from keep_models import CPU, STOPPED, fit_of, kept
from pare.config import PareError
from pare.learners.model import Model

ARCHIVES = sorted(Path(__file__).parent.glob("models_of_*.zip"))
NAMES = [archive.stem for archive in ARCHIVES]
KINDS = [*keep_models.KINDS, "ensemble"]


def same(archive, kind, make):
    """What a model makes of kept rows is what it made of them once, unless its version is refused by name."""
    rows = np.load(kept(archive) / kind / "rows.npz")
    try:
        model = make()
    except PareError as error:
        assert archive.stem.removeprefix("models_of_").replace("_", ".") in str(error)
        return
    # Another machine or version of a library may sum in another order.
    np.testing.assert_allclose(model.outputs(rows["x"], CPU), rows["y"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("archive", ARCHIVES, ids=NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_kept_model_predicts_what_it_predicted(archive, kind):
    same(archive, kind, lambda: Model.load(kept(archive) / kind / "model"))


@pytest.mark.parametrize("archive", ARCHIVES, ids=NAMES)
def test_a_training_goes_on_from_a_kept_checkpoint(archive, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    checkpoint = shutil.copytree(kept(archive) / "checkpoint", tmp_path / "checkpoint")
    same(archive, STOPPED, lambda: fit_of(STOPPED, tmp_path, kept(archive) / "source").model(checkpoint))
    assert "Going on after epoch 1 of 2." in caplog.text


def test_the_version_that_is_worked_on_is_kept():
    assert keep_models.KEPT in ARCHIVES
