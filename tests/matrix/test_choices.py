"""A choice among the methods of a matrix: its runs, what they take, and when they are done."""

import pytest

from pare.matrix.blocks import expand, unique
from pare.matrix.cost import AROUND_S, costs
from pare.matrix.plan import make_plan
from pare.matrix.states import matrix_states


@pytest.fixture
def cells(library, parameters):
    """A choice and a method with two seeds, by name, and the minutes that all runs are given."""

    def cells(minutes, *others):
        block = {"tasks": ["openml_wdbc"], "methods": ["choose", "finetune", *others], "seeds": [0, 1]}
        values = {"blocks": {"Your own": {**block, "variants": {"": {"minutes": minutes}}}}}
        return unique(expand(values, library, parameters))

    return cells


@pytest.fixture
def finish(tmp_path, write, metrics):
    """Leave behind what a finished run does."""

    def finish(cell):
        write(f"08_reporting/{cell.run.folder}/metrics.json", metrics(cell))
        record = {"decisive": cell.run.decisive(), "run": cell.run.model_dump(mode="json")}
        write(f"06_models/{cell.run.folder}/model/record.json", record)

    return finish


def test_minutes_are_those_of_every_run(cells, tmp_path):
    of_matrix = cells(0.3)
    states = matrix_states(of_matrix, tmp_path)
    plan = make_plan("own", of_matrix, costs(of_matrix, states, lambda: 1e11), tmp_path)
    assert [job.command for job in plan.runs] == [
        f"kedro run --env base --params task=openml_wdbc,method={method},seed={seed},minutes=0.3"
        for method in ("choose", "finetune")
        for seed in (0, 1)
    ]
    assert [job.seconds for job in plan.runs] == [pytest.approx(0.3 * 60 + AROUND_S)] * 4
    inputs = {"raw-openml_wdbc", "encoder-minilm", "proxy-english_topics", "input-openml_wdbc"}
    assert all({*job.needs} == inputs and job.on_accelerator for job in plan.runs)


def test_a_run_is_done_with_its_minutes_and_is_made_again_with_others(cells, finish, tmp_path):
    for cell in cells(1).values():
        finish(cell)
    assert {state.kind for state in matrix_states(cells(1), tmp_path).values()} == {"done"}
    assert {state.kind for state in matrix_states(cells(2), tmp_path).values()} == {"changed"}


def test_a_probe_is_done_whatever_the_minutes_are(cells, finish, tmp_path):
    for cell in cells(1, "probe").values():
        finish(cell)
    kinds = {name: state.kind for name, state in matrix_states(cells(2, "probe"), tmp_path).items()}
    assert {name for name, kind in kinds.items() if kind == "done"} == {"openml_wdbc-probe-0", "openml_wdbc-probe-1"}
