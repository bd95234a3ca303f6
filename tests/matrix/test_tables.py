from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from pare.matrix import State, block_table


@pytest.fixture
def shown(cells):
    """The table as lines of words, where some runs have the states given and the others never ran."""

    def shown(states):
        console = Console(file=StringIO(), width=200)
        everything = {name: states.get(name, State("nothing")) for name in cells}
        console.print(block_table("Methods", list(cells.values())[:12], everything), highlight=False)
        return [line.split("  ") for line in console.file.getvalue().splitlines()]

    def words(states):
        return [[word.strip() for word in line if word.strip()] for line in shown(states)]

    return words


def test_a_row_is_a_task_and_a_column_a_method(shown):
    title, header, *rows = shown({})
    assert title == ["Methods"]
    assert header == ["task", "metric", "pare", "finetune"]
    assert rows == [["darcy_flow", "relative_l2", "·", "·"], ["openml_wdbc", "auroc_ovo", "·", "·"]]


def test_finished_seeds_are_summarised_by_mean_and_standard_deviation(shown, cells, metrics):
    values = [0.031, 0.034, 0.036]
    states = {
        f"darcy_flow-pare-{seed}": State("done", metrics(cells[f"darcy_flow-pare-{seed}"], test=value))
        for seed, value in enumerate(values)
    }
    assert shown(states)[2][2] == f"{np.mean(values):.4g} ± {np.std(values, ddof=1):.2g}"
    del states["darcy_flow-pare-2"]
    assert shown(states)[2][2] == f"{np.mean(values[:2]):.4g} ± {np.std(values[:2], ddof=1):.2g} (2 of 3 seeds)"


def test_one_seed_has_no_spread_and_unfinished_ones_tell_their_epochs(shown, cells, metrics):
    states = {
        "darcy_flow-pare-0": State("done", metrics(cells["darcy_flow-pare-0"], test=0.031)),
        "darcy_flow-pare-1": State("unfinished", epochs=2),
    }
    epochs = cells["darcy_flow-pare-1"].run.training.epochs
    assert shown(states)[2][2] == f"0.031 (1 of 3 seeds), seed 1: epoch 2 of {epochs}"


def test_results_of_elsewhere_are_marked_and_those_of_another_configuration_left_out(shown, cells, metrics):
    names = [f"darcy_flow-pare-{seed}" for seed in range(3)]
    states = {name: State("results", metrics(cells[name], test=0.25)) for name in names}
    assert shown(states)[2][2] == "0.25 ± 0 *"
    assert shown(states | {names[0]: State("changed")})[2][2] == "0.25 ± 0 (2 of 3 seeds) *, 1 changed"
    assert shown({name: State("changed") for name in names})[2][2] == "configuration changed"
