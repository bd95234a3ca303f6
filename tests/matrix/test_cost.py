"""The price of what is left, against finished runs, the estimate of a run, and data sheets."""

from dataclasses import replace

import pytest

from pare.config.estimate import DEVICES, estimate
from pare.matrix.blocks import expand, unique
from pare.matrix.cost import AROUND_S, costs
from pare.matrix.plan import PREPARING_S, make_plan
from pare.matrix.states import State


@pytest.fixture
def price(cells):
    """Costs of the matrix where some runs have the states given and the others never ran."""

    def priced(states, names=None, speed=lambda run: pytest.fail("no speed is needed"), device=""):
        chosen = {name: cells[name] for name in names or cells}
        return costs(chosen, {name: states.get(name, State("nothing")) for name in chosen}, speed, device)

    return priced


@pytest.fixture
def plan(price, cells, tmp_path):
    """The plan of runs that are priced so, where no input is there."""

    def planned(states, names):
        return make_plan("base", {name: cells[name] for name in names}, price(states, names), tmp_path)

    return planned


@pytest.fixture
def done(cells, metrics):
    """A finished run, which took so many seconds."""
    return lambda name, seconds=100.0, memory=900, kind="done": {
        name: State(kind, metrics(cells[name], seconds=seconds, memory=memory))
    }


def work(cells, name, speed=1.0):
    return estimate(cells[name].run, speed).seconds


def test_another_seed_takes_as_long_as_the_finished_one(price, done):
    names = ["darcy_flow-pare-0", "darcy_flow-pare-1", "darcy_flow-pare-2"]
    priced = price(done(names[0], seconds=123.0), names)
    assert {name: cost.seconds for name, cost in priced.runs.items()} == {
        name: pytest.approx(123.0 + AROUND_S) for name in names[1:]
    }


def test_another_method_takes_longer_by_its_estimated_work(price, cells, done):
    names = ["darcy_flow-pare-0", "darcy_flow-finetune-0", "openml_wdbc-pare-0"]
    priced = price(done(names[0], seconds=123.0), names)
    for name in names[1:]:
        ratio = work(cells, name) / work(cells, names[0])
        assert priced.runs[name].seconds == pytest.approx(123.0 * ratio + AROUND_S)


def test_the_nearest_finished_run_counts(price, done):
    states = done("darcy_flow-pare-0", seconds=123.0) | done("openml_wdbc-pare-0", seconds=7.0)
    priced = price(states, [*states, "openml_wdbc-pare-1"])
    assert priced.runs["openml_wdbc-pare-1"].seconds == pytest.approx(7.0 + AROUND_S)


def test_what_an_unfinished_run_has_done_is_not_paid_again(price, cells, done):
    epochs = cells["darcy_flow-pare-1"].run.training.epochs
    states = done("darcy_flow-pare-0", seconds=100.0) | {"darcy_flow-pare-1": State("unfinished", epochs=2, of=epochs)}
    (cost,) = price(states, list(states)).runs.values()
    assert cost.seconds == pytest.approx(100.0 * (1 - 2 / epochs) + AROUND_S)


def test_times_of_this_machine_are_preferred_to_those_of_another(price, done):
    elsewhere = done("darcy_flow-pare-0", seconds=1e6, kind="results")
    here = done("darcy_flow-pare-1", seconds=100.0)
    both = price(elsewhere | here, ["darcy_flow-pare-0", "darcy_flow-pare-1"])
    assert both.runs["darcy_flow-pare-0"].seconds == pytest.approx(100.0 + AROUND_S)
    assert "this machine" in both.basis
    assert "results are from" in price(elsewhere, ["darcy_flow-pare-0", "darcy_flow-pare-1"]).basis


def test_without_a_finished_run_the_speed_of_the_machine_decides(price, cells):
    name = "darcy_flow-pare-0"
    (cost,) = price({}, [name], speed=lambda run: 1e11).runs.values()
    assert cost.seconds == pytest.approx(work(cells, name, 1e11) + AROUND_S)
    assert cost.memory_mb == estimate(cells[name].run, 1e11).memory_mb


def test_measured_memory_counts_where_it_is_more(price, done):
    names = ["darcy_flow-pare-0", "darcy_flow-pare-1", "openml_wdbc-pare-0"]
    priced = price(done(names[0], memory=50_000), names)
    assert priced.runs[names[1]].memory_mb == 50_000
    assert priced.runs[names[2]].memory_mb < 50_000  # of another task


def test_a_library_fits_as_long_as_on_another_task_and_an_untimed_fit_is_told(price, plan, done):
    names = ["openml_wdbc-xgboost-0", "openml_car-xgboost-0", "openml_car-catboost-0"]
    priced = price(done(names[0], seconds=40.0), names)
    assert priced.runs[names[1]].seconds == pytest.approx(40.0 + AROUND_S)
    assert (priced.runs[names[2]].seconds, priced.runs[names[2]].timed) == (AROUND_S, False)
    assert plan(done(names[0]), names).untimed == 1
    assert "without the fits of 1 run not timed yet," in str(plan(done(names[0]), names))
    assert "without" not in str(plan(done(names[0]), names[:2]))


def test_the_cost_is_told_in_plain_words(plan, done):
    names = ["darcy_flow-pare-0", "darcy_flow-pare-1"]
    inputs = 4 * PREPARING_S  # raw files, encoder, proxy, model input
    state = done(names[0], seconds=2 * 3600 + 600 - AROUND_S - inputs, memory=2048)
    assert str(plan(state, names)) == (
        "1 of 2 runs left, 1 with a network; inputs to prepare: 4. About 2 h 10 min on this machine, as its finished "
        "runs took, one after the other, and at most 2.0 GiB of memory each."
    )
    assert str(plan(state, names[:1])) == "The run is done."


def test_memory_that_nothing_tells_is_not_told_as_none(plan, done):
    boosters = ["openml_car-xgboost-0", "openml_car-catboost-0"]
    unknown = plan({}, boosters)
    assert "GiB" not in str(unknown) and [*unknown.table().columns[-1].cells] == [""]
    assert str(unknown).endswith(" one after the other.")
    finished = done("openml_wdbc-pare-0")
    some = str(plan(finished, [*finished, *boosters, "openml_wdbc-pare-1"]))
    assert some.endswith(" GiB of memory each, as far as that is known.")


@pytest.fixture
def choice(library, parameters):
    """A choice of half a minute."""
    block = {"tasks": ["openml_wdbc"], "methods": ["choose"], "seeds": [0], "variants": {"": {"minutes": 0.5}}}
    return unique(expand({"blocks": {"choice": block}}, library, parameters))


def test_a_choice_takes_its_minutes_whatever_else_took(choice, cells, price, done):
    states = {name: State("nothing") for name in choice} | done("openml_wdbc-pare-0", seconds=1e6)
    both = choice | {"openml_wdbc-pare-0": cells["openml_wdbc-pare-0"]}
    (cost,) = costs(both, states, lambda run: pytest.fail("no speed is needed"), "").runs.values()
    assert (cost.seconds, cost.timed) == (30.0 + AROUND_S, True)


def test_a_choice_has_the_memory_of_its_largest_candidate(choice):
    (cell,), states = choice.values(), {name: State("nothing") for name in choice}
    priced = costs(choice, states, lambda run: pytest.fail("no speed is needed"), "h100").runs[cell.name]
    known = {run.method_name: run for run in cell.run.candidates}
    assert priced.memory_mb == estimate(known["pare"], 1.0).memory_mb > estimate(known["probe"], 1.0).memory_mb


def test_a_finished_choice_tells_nothing_of_others(choice, cells, metrics):
    (cell,) = choice.values()
    name = "openml_wdbc-pare-0"
    states = {cell.name: State("done", metrics(cell, seconds=1e6)), name: State("nothing")}
    priced = costs(choice | {name: cells[name]}, states, lambda run: 1e11, "")
    assert priced.runs[name].seconds == pytest.approx(work(cells, name, 1e11) + AROUND_S)


def test_on_an_accelerator_networks_take_what_its_data_sheet_says_in_their_precision(price, cells, done):
    names = ["darcy_flow-pare-0", "openml_wdbc-pare-0", "openml_car-xgboost-0"]
    plain = cells[names[1]]
    training = plain.run.training.model_copy(update={"precision": "no"})
    cells[names[1]] = replace(plain, run=plain.run.model_copy(update={"training": training}))
    states = done("darcy_flow-pare-1") | done("openml_wdbc-xgboost-0", seconds=40.0)
    priced = price(states, [*names, *states], device="a100")
    for name, speed in zip(names, map(DEVICES["a100"].speed, ("bf16", "no")), strict=False):
        assert priced.runs[name].seconds == pytest.approx(work(cells, name, speed) + AROUND_S)
    assert priced.runs[names[2]].seconds == pytest.approx(40.0 + AROUND_S)  # on the CPU as here
    assert priced.basis.startswith("on one A100 by its data sheet")
