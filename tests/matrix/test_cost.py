import pytest

from pare.config.estimate import estimate
from pare.matrix import State, cost
from pare.matrix.cost import AROUND_BASELINE_S, AROUND_S


@pytest.fixture
def price(cells):
    """Cost of the matrix where some runs have the states given and the others never ran."""

    def priced(states, names=None, speed=lambda: pytest.fail("no speed is needed")):
        chosen = {name: cells[name] for name in names or cells}
        return cost(chosen, {name: states.get(name, State("nothing")) for name in chosen}, speed)

    return priced


def work(cells, name):
    return estimate(cells[name].run, 1.0).seconds


def test_another_seed_takes_as_long_as_the_finished_one(price, cells, metrics):
    done = State("done", metrics(cells["darcy_flow-pare-0"], seconds=123.0))
    priced = price({"darcy_flow-pare-0": done}, ["darcy_flow-pare-0", "darcy_flow-pare-1", "darcy_flow-pare-2"])
    assert (priced.cells, priced.left) == (3, 2)
    assert priced.seconds == pytest.approx(2 * (123.0 + AROUND_S))


def test_another_method_takes_longer_by_its_estimated_work(price, cells, metrics):
    done = State("done", metrics(cells["darcy_flow-pare-0"], seconds=123.0))
    names = ["darcy_flow-pare-0", "darcy_flow-finetune-0", "openml_wdbc-pare-0"]
    for name in names[1:]:
        ratio = work(cells, name) / work(cells, "darcy_flow-pare-0")
        priced = price({"darcy_flow-pare-0": done}, ["darcy_flow-pare-0", name])
        assert priced.seconds == pytest.approx(123.0 * ratio + AROUND_S)


def test_the_nearest_finished_run_counts(price, cells, metrics):
    states = {
        "darcy_flow-pare-0": State("done", metrics(cells["darcy_flow-pare-0"], seconds=123.0)),
        "openml_wdbc-pare-0": State("done", metrics(cells["openml_wdbc-pare-0"], seconds=7.0)),
    }
    assert price(states, [*states, "openml_wdbc-pare-1"]).seconds == pytest.approx(7.0 + AROUND_S)


def test_what_an_unfinished_run_has_done_is_not_paid_again(price, cells, metrics):
    epochs = cells["darcy_flow-pare-1"].run.training.epochs
    states = {
        "darcy_flow-pare-0": State("done", metrics(cells["darcy_flow-pare-0"], seconds=100.0)),
        "darcy_flow-pare-1": State("unfinished", epochs=2),
    }
    assert price(states, list(states)).seconds == pytest.approx(100.0 * (1 - 2 / epochs) + AROUND_S)


def test_times_of_this_machine_are_preferred_to_those_of_another(price, cells, metrics):
    states = {
        "darcy_flow-pare-0": State("results", metrics(cells["darcy_flow-pare-0"], seconds=1e6)),
        "darcy_flow-pare-1": State("done", metrics(cells["darcy_flow-pare-1"], seconds=100.0)),
    }
    assert price(states, list(states)).seconds == pytest.approx(100.0 + AROUND_S)
    assert "this machine" in str(price(states, list(states)))
    del states["darcy_flow-pare-1"]
    assert "results are from" in str(price(states, list(states)))


def test_without_a_finished_run_the_speed_of_the_machine_decides(price, cells):
    priced = price({}, ["darcy_flow-pare-0"], speed=lambda: 1e11)
    assert priced.seconds == pytest.approx(estimate(cells["darcy_flow-pare-0"].run, 1e11).seconds + AROUND_S)
    assert priced.memory_mb == estimate(cells["darcy_flow-pare-0"].run, 1e11).memory_mb


def test_measured_memory_counts_where_it_is_more(price, cells, metrics):
    done = State("done", metrics(cells["darcy_flow-pare-0"], memory=50_000))
    assert price({"darcy_flow-pare-0": done}, ["darcy_flow-pare-0", "darcy_flow-pare-1"]).memory_mb == 50_000


def test_the_cost_is_told_in_plain_words(price, cells, metrics):
    done = State("done", metrics(cells["darcy_flow-pare-0"], seconds=2 * 3600 + 600 - AROUND_S, memory=2048))
    text = str(price({"darcy_flow-pare-0": done}, ["darcy_flow-pare-0", "darcy_flow-pare-1"]))
    assert text.startswith("1 of 2 cells left, about 2 h 10 min on this machine")
    assert text.endswith("at most 2.0 GiB of memory.")
    assert str(price({"darcy_flow-pare-0": done}, ["darcy_flow-pare-0"])) == "All 1 cells are done."


def test_a_baseline_takes_as_long_as_on_another_task_and_an_untimed_one_is_told(price, cells, metrics):
    done = State("done", metrics(cells["openml_wdbc-xgboost-0"], seconds=40.0))
    names = ["openml_wdbc-xgboost-0", "openml_car-xgboost-0", "openml_car-catboost-0"]
    priced = price({names[0]: done}, names)
    assert priced.seconds == pytest.approx(40.0 + 2 * AROUND_BASELINE_S)
    assert (priced.left, priced.untimed) == (2, 1)
    assert "without the fitting of 1 baseline not timed yet," in str(priced)
    assert "without" not in str(price({names[0]: done}, names[:2]))
