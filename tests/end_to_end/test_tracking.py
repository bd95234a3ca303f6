"""Tracking by the real command: a run that is tracked, one that was made before, and none without the parameter."""

import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

pytestmark = pytest.mark.slow

RUN = "task=openml_wdbc,method=finetune,source=tiny,start=random,training.epochs=2"


def test_the_tracker_has_the_curve_of_history_json_the_test_metric_and_the_figures(project, kedro):
    assert kedro(project, "--params", RUN).code == 0
    assert not (project / "data/tracking").exists()
    before = kedro(project, "--params", f"{RUN},tracking=tensorboard")  # trained already
    assert before.code == 0, before.err
    assert "model is up to date" in before.out
    live = kedro(project, "--params", f"{RUN},seed=1,tracking=tensorboard")
    assert live.code == 0, live.err
    for seed in (0, 1):
        folder = f"openml_wdbc/finetune/start_random-source_tiny/seed_{seed}"
        reporting = project / "data/08_reporting" / folder
        history, metrics = (json.loads((reporting / f"{name}.json").read_text()) for name in ("history", "metrics"))
        (logged,) = (project / "data/tracking/tensorboard" / folder).parent.glob(f"seed_{seed}-*")
        reader = EventAccumulator(str(logged)).Reload()
        for name in ("loss", "validation"):
            found = [(event.step, pytest.approx(event.value)) for event in reader.Scalars(name)]
            assert found == [(row["epoch"], row[name]) for row in history]
        (error,) = reader.Scalars(f"test/{metrics['metric']['name']}")
        assert error.value == pytest.approx(metrics["test"])
        assert {*reader.Tags()["images"]} == {"prediction", "uncertainty", "training", "replaced"}


def test_a_tracker_that_is_unknown_is_told_before_anything_runs(project, kedro):
    outcome = kedro(project, "--params", f"{RUN},tracking=tensorbord")
    assert outcome.code == 1
    assert "Did you mean 'tensorboard'" in outcome.err
    assert not (project / "data/01_raw").exists()
