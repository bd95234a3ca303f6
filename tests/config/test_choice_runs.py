"""The run of a choice: its candidates, its folder, and what it takes from the command line."""

import pytest

from pare.config import PareError, Run, resolve
from pare.learners.learner import learner_of

PARAMETERS = {"task": "openml_wdbc", "method": "choose", "seed": 0, "protocol": "validated", "minutes": 5}


@pytest.fixture
def choice(library, parameters):
    def make(**overrides) -> Run:
        return resolve(library, {**parameters, **PARAMETERS, **overrides}, overrides)

    return make


def test_each_kind_of_data_has_candidates_that_are_known(library):
    candidates = library.learner("choose").candidates
    assert candidates.keys() == {"table", "series", "image", "field"}
    for tried in candidates.values():
        assert set(tried.methods) <= library.learners.keys() - {"choose"}
        assert set(tried.periodic) <= set(tried.methods)


@pytest.mark.parametrize(("task", "periodic"), [("pdebench_advection", True), ("pdebench_darcy", False)])
def test_a_fourier_operator_is_tried_on_grids_without_ends(library, parameters, task, periodic):
    run = resolve(library, {**parameters, "task": task, "method": "choose"}, {})
    assert ("fno" in {candidate.method_name for candidate in run.candidates}) == periodic


@pytest.mark.parametrize(("fraction", "rows", "suits"), [(1, 900, False), (101 / 900, 101, False), (1 / 9, 100, True)])
def test_one_pass_suits_at_most_100_training_rows(library, parameters, fraction, rows, suits):
    asked = {**parameters, **PARAMETERS, "task": "darcy_flow", "method": "pare_one_pass"}
    asked |= {"training": parameters["training"] | {"fraction": fraction}}
    run = resolve(library, asked, {"training": {"fraction": fraction}})
    why = "" if suits else f"suits at most 100 training rows, the task has {rows}"
    assert learner_of(run).suits(run) == why


def test_a_candidate_is_the_run_that_its_own_command_makes(choice, library, parameters):
    candidates = {run.method_name: run for run in choice().candidates}
    single = {**parameters, **PARAMETERS, "minutes": None}
    for name, candidate in candidates.items():
        assert candidate == resolve(library, {**single, "method": name}, {})


@pytest.mark.parametrize(("overrides", "minutes"), [({}, 10), ({"minutes": 3}, 3)])
def test_networks_of_fields_share_its_minutes_also_where_the_task_has_epochs(library, parameters, overrides, minutes):
    assert library.task("darcy_flow").training["epochs"]
    run = resolve(library, {**parameters, **PARAMETERS, "task": "darcy_flow", **overrides}, overrides)
    trained = [one for one in run.candidates if one.learner.is_trained]
    assert {one.method_name for one in trained} == {"u_net", "finetune"}
    assert {one.minutes for one in trained} == {minutes}


def test_it_has_a_folder_of_its_own_and_a_command_that_repeats_it(choice):
    run = choice(minutes=3)
    assert run.folder == "openml_wdbc/choose/seed_0"
    assert run.command() == ("kedro run --env base --params task=openml_wdbc,method=choose,seed=0,minutes=3.0")


def test_its_command_names_the_source_that_was_asked_for(library, parameters):
    asked = {**parameters, **PARAMETERS, "source": {"name": "roberta_base", "samples": 100}}
    run = resolve(library, asked, {"source": {"name": "roberta_base", "samples": 100}})
    assert "source.name=roberta_base,source.samples=100" in run.command()


def test_values_of_candidates_decide_it_and_minutes_do_not(choice, library, parameters):
    assert choice().decisive() == choice(minutes=6).decisive()
    half = resolve(library, {**parameters, **PARAMETERS}, {"training": {"fraction": 0.5}})
    assert choice().decisive() != half.decisive()


@pytest.mark.parametrize(
    "overrides",
    [{"mixing": {"start": 0.1}}, {"options": {"depth": 3}}, {"alignment": {"epochs": 3}}],
    ids=["mixing", "options", "alignment"],
)
def test_values_that_belong_to_one_candidate_are_refused(choice, overrides):
    with pytest.raises(PareError, match="has no effect on method 'choose'"):
        choice(**overrides)


def test_candidates_that_do_not_know_a_value_learn_without_it(library, parameters):
    overrides = {"training": {"epochs": 3}}
    run = resolve(library, {**parameters, **PARAMETERS}, overrides)
    epochs = {one.method_name: one.training.epochs for one in run.candidates}
    assert epochs.pop("finetune") == epochs.pop("pare") == 3
    assert 3 not in epochs.values()
    assert run.params.endswith("training.epochs=3")


def test_networks_of_fields_train_for_given_epochs_in_place_of_minutes(library, parameters):
    asked = {**parameters, **PARAMETERS, "task": "darcy_flow", "minutes": None}
    run = resolve(library, asked, {"training": {"epochs": 3}})
    networks = [one for one in run.candidates if one.learner.is_trained]
    assert {(one.minutes, one.training.epochs) for one in networks} == {(None, 3)}


def test_a_value_that_no_candidate_knows_is_refused(library, parameters):
    entry = library.learners["choose"]
    tables = {"table": {"folds": 5, "methods": ["logistic_regression", "probe"]}}
    few = library.model_copy(update={"learners": library.learners | {"choose": entry | {"candidates": tables}}})
    with pytest.raises(PareError, match=r"training\.epochs has no effect on method 'choose'"):
        resolve(few, {**parameters, **PARAMETERS}, {"training": {"epochs": 3}})


@pytest.mark.parametrize("symmetries", [["shift"], ["reflection"]])
def test_a_grid_that_is_periodic_by_the_command_line_has_the_candidates_of_one_that_is_so_by_its_file(
    library, parameters, symmetries
):
    entry = library.tasks["pdebench_advection"]
    plain = library.model_copy(
        update={"tasks": library.tasks | {"line": entry | {"training": {"epochs": 5}}}},
    )
    named = library.model_copy(
        update={"tasks": library.tasks | {"line": entry | {"training": {"epochs": 5, "symmetries": symmetries}}}},
    )
    asked = {**parameters, **PARAMETERS, "task": "line"}
    overrides = {"training": {"symmetries": symmetries}}
    by_command, by_file = resolve(plain, asked, overrides), resolve(named, asked, {})
    names = [one.method_name for one in by_command.candidates]
    assert names == [one.method_name for one in by_file.candidates]
    assert ("fno" in names) == (symmetries == ["shift"])
    networks = [one for one in by_command.candidates if not one.learner.library]
    assert {one.training.symmetries for one in networks} == {tuple(symmetries)}


def test_minutes_that_are_no_number_are_refused(choice):
    with pytest.raises(PareError, match="minutes"):
        choice(minutes=0)


def test_a_kind_without_candidates_says_where_they_are_named(library, parameters):
    entry = library.learners["choose"]
    fields = entry | {"candidates": {"field": entry["candidates"]["field"]}}
    without = library.model_copy(update={"learners": library.learners | {"choose": fields}})
    with pytest.raises(PareError, match=r"'table' is unknown.* Known: field\. See conf/base/learners\.yml"):
        resolve(without, {**parameters, **PARAMETERS}, {})
