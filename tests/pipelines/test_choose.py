"""What the choose pipeline says in the end."""

from types import SimpleNamespace

import pytest
from pare.pipelines.choose import nodes

from pare.learners.choice.blend import Blend


@pytest.mark.parametrize(
    ("missing", "ending"),
    [
        (
            ["lightgbm", "catboost"],
            " Not installed, so left out: lightgbm, catboost (pip install 'pare-transfer[baselines]').",
        ),
        ([], ""),
    ],
)
def test_the_last_line_names_again_what_is_not_installed(monkeypatch, caplog, missing, ending):
    monkeypatch.setattr(nodes, "evaluation_record", lambda *given: {})
    monkeypatch.setattr(nodes, "summary", lambda record: "test error 2 %")
    run = SimpleNamespace(task_name="wine", label="choose", seed=0)
    record = {"candidates": [], "not_installed": missing}
    model = SimpleNamespace(record=record, blend=Blend({"probe": 1.0}, {"probe": 1.0}), calibration=None)
    with caplog.at_level("INFO", logger="pare"):
        nodes.score_predictions(run, model, SimpleNamespace(rows=lambda part: None), {})
    assert caplog.messages == [f"wine, choose, seed 0: test error 2 %. Selected: probe.{ending}"]
