"""Messages for names that nobody knows."""

import json

import pytest

from pare.config import resolve
from pare.config.errors import INGEST, PREPROCESS, PareError, causes, import_extra, unknown_name


def test_an_unknown_name_is_told_with_near_names_all_names_and_their_place():
    error = unknown_name("task", "darcy_flw", ["openml_wdbc", "darcy_flow"], "`kedro tasks`")
    assert isinstance(error, PareError)
    assert str(error) == (
        "task 'darcy_flw' is unknown. Did you mean 'darcy_flow'? Known: darcy_flow, openml_wdbc. See `kedro tasks`."
    )


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("lr", "learning_rate"),
        ("wd", "weight_decay"),
        ("bs", "batch_size"),
        ("n_epochs", "epochs"),
        ("patience", "epochs"),
    ],
)
def test_another_librarys_word_for_a_hyperparameter_is_understood(library, parameters, word, meant):
    with pytest.raises(PareError, match=rf"'training\.{word}' is unknown\. Did you mean 'training\.{meant}'\?"):
        resolve(library, parameters, {"training": {word: 1}})
    assert f"options.{meant}" not in str(unknown_name("key", f"options.{word}", ["options.depth"], "here"))


def test_nothing_is_suggested_where_nothing_is_near():
    message = str(unknown_name("task", "zzz", ["darcy_flow"], "here"))
    assert "Did you mean" not in message
    assert "Known: darcy_flow" in message


def test_an_empty_list_of_names_is_said_to_be_empty():
    assert "Known: none." in str(unknown_name("method", "pare", [], "conf/base/methods.yml"))


def test_a_name_of_another_type_is_shown_as_it_was_given():
    assert "task 3 is unknown" in str(unknown_name("task", 3, ["darcy_flow"], "here"))


@pytest.mark.parametrize(("words", "pipeline"), [(INGEST, "ingest"), (PREPROCESS, "preprocess")])
def test_a_message_that_does_not_know_the_run_gets_its_whole_command(words, pipeline):
    error = PareError(f"x.h5 is damaged; delete it and run {words}, or bring another")
    error.name_commands(lambda name: f"kedro run --pipelines={name} --params seed=3")
    command = f"kedro run --pipelines={pipeline} --params seed=3"
    assert str(error) == f"x.h5 is damaged; delete it and run `{command}`, or bring another"


def test_what_an_error_was_caused_by_comes_after_it():
    try:
        try:
            raise PareError("first")
        except PareError as error:
            raise ValueError from error
    except ValueError as error:
        assert [type(cause) for cause in causes(error)] == [ValueError, PareError]


def test_of_many_names_the_three_nearest_are_said_and_where_all_are():
    names = [f"openml_{i}" for i in range(60)] + ["darcy_flow"]
    message = str(unknown_name("task", "darcy", names, "`kedro tasks`"))
    assert message.count("'") == 2 * 4 and "'darcy_flow' or" in message
    assert message.endswith("? See `kedro tasks`.")


def test_keys_for_experts_are_counted_and_the_common_ones_listed():
    message = str(unknown_name("key", "momentun", ["epochs", "momentum", "dropout"], "here", ["epochs"]))
    assert message.endswith("Did you mean 'momentum'? Known: epochs and 2 for experts. See here.")


def test_a_package_that_is_here_is_imported():
    assert import_extra("json", "a test", "pare-transfer[dev]") is json


def test_one_that_is_not_is_told_with_the_command_that_brings_it():
    with pytest.raises(PareError, match=r"^a test needs the package 'absent', not installed; pip install 'p\[x\]'$"):
        import_extra("absent.inner", "a test", "p[x]")
