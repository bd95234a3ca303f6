"""A fold of a cross-validation: who may ask for one, and what it changes of a run."""

import pytest

from own_task import OWN_TASK
from pare.config import PareError, resolve
from pare.config.schema import Task

OWN = OWN_TASK | {"samples": {"all": 50}}


@pytest.fixture
def resolved(library, parameters):
    """A run of a user's own task with some parameters."""
    parameters |= {"task": "mine", "method": "finetune"}

    def resolved(own_task=OWN, **overrides):
        own = library.model_copy(update={"tasks": library.tasks | {"mine": own_task}})
        return resolve(own, parameters | overrides, overrides)

    return resolved


@pytest.mark.parametrize("method", ["finetune", "logistic_regression", "choose"])
def test_a_fold_has_folders_a_model_and_a_command_of_its_own(resolved, method):
    plain, fold = resolved(method=method), resolved(method=method, fold="2/5")
    assert fold.folder == f"mine/{method}/fold_2_of_5/seed_0"
    assert fold.places["model_input"] == "mine-fold_2_of_5"
    assert fold.places["raw"] == plain.places["raw"]
    assert "fold=2/5" in fold.params
    assert fold.decisive() != plain.decisive()
    assert plain.decisive()["task"]["split"].keys() == {"test", "validation", "stratified"}  # as before folds


def test_a_fold_is_read_back_as_it_was_written(resolved):
    run = resolved(fold="2/5")
    again = type(run).model_validate_json(run.model_dump_json())
    assert again == run
    assert again.task.n_test == 10


@pytest.mark.parametrize("text", ["5", "0/5", "6/5", "1/1", "a/b", "1/5/2", 3, -1, 0])
def test_other_spellings_are_refused(resolved, text):
    with pytest.raises(PareError, match="such as 2/5, found"):
        resolved(fold=text)


def test_published_test_rows_are_never_trained_on(resolved):
    with pytest.raises(PareError, match="published with its test rows"):
        resolved(task="openml_wdbc", fold="1/5")


def test_nor_are_the_test_rows_that_a_user_names(resolved):
    with pytest.raises(PareError, match=r"test rows of its own \(samples: train, test\)"):
        resolved(own_task=OWN | {"samples": {"train": 40, "test": 10}}, fold="1/5")


def test_more_folds_than_rows_are_refused(resolved):
    with pytest.raises(PareError, match="has 50 rows, 51 folds need as many"):
        resolved(fold="1/51")


def test_a_task_may_not_name_a_fold_of_parts():
    with pytest.raises(ValueError, match=r"split\.fold is one of all rows"):
        Task.model_validate(OWN | {"samples": {"train": 40, "test": 10}, "split": {"fold": {"number": 1, "folds": 2}}})
