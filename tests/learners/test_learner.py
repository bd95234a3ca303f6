"""What every learner has in common, and what decides a fit."""

from inspect import signature
from types import SimpleNamespace

import pytest

from pare.config.schema import LEARNERS
from pare.learners.learner import Data, Learner, fit_fingerprint, learner_of

METHODS = [name for name in vars(Learner) if not name.startswith("_")]


@pytest.mark.parametrize("kind", LEARNERS)
def test_every_kind_has_a_learner_with_the_methods_of_the_interface(kind):
    learner = learner_of(SimpleNamespace(learner=SimpleNamespace(kind=kind)))
    assert len(METHODS) == 5
    for name in METHODS:
        wanted = [one for one in signature(getattr(Learner, name)).parameters if one != "self"]
        assert [*signature(getattr(learner, name)).parameters] == wanted


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("pare", {"minutes": 3.0}),
        ("pare", {"member": 1}),
        ("pare", {"seed": 1}),
        ("logistic_regression", {"minutes": 3.0}),
        ("logistic_regression", {"options": {"folds": 2}}),
    ],
)
def test_a_fit_is_decided_by_its_values_and_its_minutes(table_run, table, method, changes):
    run, data = table_run({"method": method}), Data(table)
    assert fit_fingerprint(run, data) == fit_fingerprint(table_run({"method": method}), data)
    assert fit_fingerprint(run, data) != fit_fingerprint(run.model_copy(update=changes), data)


def test_a_fit_is_decided_by_its_rows_and_the_files_of_its_source(table_run, table, source):
    run, other = table_run(), SimpleNamespace(fingerprint="other rows")
    found = {fit_fingerprint(run, data) for data in (Data(table), Data(table, source), Data(other, source))}
    assert len(found) == 3


def test_titles_decide_nothing(table_run, table):
    run = table_run()
    renamed = run.model_copy(update={"task": run.task.model_copy(update={"title": "another"})})
    assert fit_fingerprint(run, Data(table)) == fit_fingerprint(renamed, Data(table))
