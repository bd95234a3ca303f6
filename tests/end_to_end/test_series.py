"""A listed task of series without a network, with the real command and encoder."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_series_that_a_package_ships_are_learnt(project, kedro):
    outcome = kedro(project, "--pipelines=pare_train", "--params", "task=ucr_gun_point,method=probe")
    assert outcome.code == 0, outcome.err
    assert not outcome.leftovers
    folder = project / "data" / "08_reporting" / "ucr_gun_point" / "probe" / "seed_0"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["n_train"], metrics["n_test"], metrics["kept"]) == (50, 150, "solved start")
    assert metrics["test"] < 10 < metrics["constant_prediction"]  # error in %; the classes are half of the rows each
