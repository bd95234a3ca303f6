"""The run of a choice: its candidates, its folder, and what it takes from the command line."""

import pytest

from pare.config import ChoiceRun, PareError, Run, resolve, resolve_baseline, resolve_choice

PARAMETERS = {"task": "openml_wdbc", "method": "choose", "seed": 0, "protocol": "validated", "minutes": 5}


@pytest.fixture
def choice(library, parameters):
    def make(**overrides) -> ChoiceRun:
        return resolve_choice(library, {**parameters, **PARAMETERS, **overrides}, overrides)

    return make


def test_each_kind_of_data_has_candidates_that_are_known(library):
    for kind in ("table", "series", "image", "field"):
        known = library.methods.keys() | library.baselines.keys()
        tried = library.candidates_of(kind)
        assert set(tried.methods) <= known
        assert {*tried.periodic, *tried.uncompared} <= set(tried.methods)


@pytest.mark.parametrize(("task", "periodic"), [("pdebench_advection", True), ("pdebench_darcy", False)])
def test_a_fourier_operator_is_tried_on_grids_without_ends(library, parameters, task, periodic):
    run = resolve_choice(library, {**parameters, "task": task}, {})
    assert ("fno" in {candidate.method_name for candidate in run.candidates}) == periodic


@pytest.mark.parametrize(("fraction", "rows", "suits"), [(1, 900, False), (101 / 900, 101, False), (1 / 9, 100, True)])
def test_one_pass_suits_at_most_100_training_rows(library, parameters, fraction, rows, suits):
    asked = {**parameters, **PARAMETERS, "task": "darcy_flow"}
    run = resolve_choice(library, asked, {"training": {"fraction": fraction}})
    methods = {one.method_name: one.unsuited for one in run.candidates if isinstance(one, Run)}
    why = "" if suits else f"suits at most 100 training rows, the task has {rows}"
    assert methods == {"probe": "", "pare_one_pass": why, "finetune": ""}


def test_a_candidate_is_the_run_that_its_own_command_makes(choice, library, parameters):
    candidates = {run.method_name: run for run in choice().candidates}
    single = {**parameters, **PARAMETERS}
    assert candidates["probe"] == resolve(library, {**single, "method": "probe"}, {})
    assert candidates["catboost"] == resolve_baseline(library, {**single, "method": "catboost"}, {})


def test_it_has_a_folder_of_its_own_and_a_command_that_repeats_it(choice):
    run = choice(minutes=3)
    assert run.folder == "openml_wdbc/choose/seed_0"
    assert run.command("choose") == (
        "kedro run --pipelines=choose --env base --params task=openml_wdbc,method=choose,seed=0,minutes=3.0"
    )


def test_its_command_names_the_source_that_was_asked_for(library, parameters):
    asked = {**parameters, **PARAMETERS, "source": {"name": "roberta_base", "samples": 100}}
    run = resolve_choice(library, asked, {"source": {"name": "roberta_base", "samples": 100}})
    assert "source.name=roberta_base,source.samples=100" in run.command("choose")


def test_values_of_candidates_decide_it_and_minutes_do_not(choice, library, parameters):
    assert choice().decisive() == choice(minutes=6).decisive()
    half = resolve_choice(library, {**parameters, **PARAMETERS}, {"training": {"fraction": 0.5}})
    assert choice().decisive() != half.decisive()


@pytest.mark.parametrize(
    "overrides",
    [{"training": {"epochs": 3}}, {"mixing": {"start": 0.1}}, {"options": {"depth": 3}}],
    ids=["training", "mixing", "options"],
)
def test_values_that_belong_to_one_candidate_are_refused(choice, overrides):
    with pytest.raises(PareError, match="has no effect on a choice"):
        choice(**overrides)


def test_minutes_that_are_no_number_are_refused(choice):
    with pytest.raises(PareError, match="minutes"):
        choice(minutes=0)


def test_a_kind_without_candidates_says_where_they_are_named(library, parameters):
    without = library.model_copy(update={"candidates": {}})
    with pytest.raises(PareError, match=r"candidates\.yml"):
        resolve_choice(without, {**parameters, **PARAMETERS}, {})
