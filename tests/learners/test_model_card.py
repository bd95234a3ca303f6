"""The README of a model says what it is."""

import pytest

from pare.config import resolve
from pare.learners.model_card import model_card


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"start": {"validation": 0.2}, "best_epoch": 0, "history": [{}] * 3}, "the solved start"),
        ({"start": {"validation": 0.2}, "best_epoch": 2, "history": [{}] * 3}, "epoch 2 of 3"),
        ({"start": None, "best_epoch": 3, "history": [{}] * 3}, "epoch 3 of 3"),
        ({"start": None, "best_epoch": 3, "history": [{}] * 3, "members": [{}] * 4}, "the mean of 4 trainings"),
    ],
)
def test_it_says_what_was_kept(table_run, record, kept):
    assert f"| kept | {kept}" in model_card(table_run(), record)


def test_it_names_task_method_metric_data_licences_and_versions(table_run):
    run = table_run()
    record = {"validation": 0.25, "n_train": 48, "categories": [0, 3], "versions": {"torch": "2.9"}}
    text = model_card(run, record)
    for part in (
        "`table`",
        run.label,
        "auroc_ovo 0.25",
        "48 for training",
        "6 features",
        "torch 2.9",
        "load(",
        "CC BY",
    ):
        assert part in text
    assert run.source.encoder.licence in text and run.task.raw.active.licence in text
    assert "counts as missing" in text
    assert "counts as missing" not in model_card(run, {"categories": [0, 0]})


@pytest.mark.parametrize(("kept", "named"), [("probe", True), ("catboost", False)])
def test_of_a_choice_it_names_the_licence_of_an_encoder_that_is_kept(library, parameters, kept, named):
    run = resolve(library, {**parameters, "task": "openml_wdbc", "method": "choose"}, {})
    rows = [{"method": candidate.method_name, "share": 0.0} for candidate in run.candidates]
    record = {"candidates": [row | {"share": float(row["method"] == kept)} for row in rows]}
    assert (f"; encoder: {run.source.encoder.licence}" in model_card(run, record)) == named
