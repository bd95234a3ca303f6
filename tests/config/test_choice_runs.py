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
    [{"training": {"epochs": 3}}, {"mixing": {"start": 0.1}}, {"options": {"depth": 3}}],
    ids=["training", "mixing", "options"],
)
def test_values_that_belong_to_one_candidate_are_refused(choice, overrides):
    with pytest.raises(PareError, match="has no effect on method 'choose'"):
        choice(**overrides)


def test_minutes_that_are_no_number_are_refused(choice):
    with pytest.raises(PareError, match="minutes"):
        choice(minutes=0)


def test_a_kind_without_candidates_says_where_they_are_named(library, parameters):
    entry = library.learners["choose"]
    fields = entry | {"candidates": {"field": entry["candidates"]["field"]}}
    without = library.model_copy(update={"learners": library.learners | {"choose": fields}})
    with pytest.raises(PareError, match=r"'table' is unknown.* Known: field\. See conf/base/learners\.yml"):
        resolve(without, {**parameters, **PARAMETERS}, {})
