"""Which runs a command is about: a part of a matrix by names, or a matrix that the command line gives."""

import pytest

from pare.config import PareError
from pare.matrix.blocks import expand, unique
from pare.matrix.selection import own_matrix, seeds_of, selected

BLOCKS = {
    "Fields, all": {"tasks": ["darcy_flow"], "methods": ["pare", "finetune"], "seeds": [0, 1]},
    "Tables": {"tasks": ["openml_wdbc", "openml_car"], "methods": ["pare", "xgboost"], "seeds": [0]},
    "Variants": {
        "tasks": ["openml_car"],
        "methods": ["pare"],
        "seeds": [0],
        "variants": {"": {}, "low": {"mixing.start": 0.1}},
    },
}


@pytest.fixture
def blocks(library, parameters):
    return expand({"blocks": BLOCKS}, library, parameters)


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("darcy_flow-finetune-1", {"Fields, all": ["darcy_flow-finetune-1"]}),
        ("finetune", {"Fields, all": ["darcy_flow-finetune-0", "darcy_flow-finetune-1"]}),
        ("xgboost , darcy_flow-pare-0", {"Fields, all": ["darcy_flow-pare-0"], "Tables": 2 * ["openml_*-xgboost-0"]}),
        ("Fields, all", {"Fields, all": 4 * ["darcy_flow-*"]}),
        ("Variants", {"Variants": ["openml_car-pare-0", "openml_car-pare-low-0"]}),
        ("pare-low", {"Variants": ["openml_car-pare-low-0"]}),
        ("openml_car", {"Tables": 2 * ["openml_car-*"], "Variants": 2 * ["openml_car-*"]}),
        ("Tab*", {"Tables": 4 * ["openml_*"]}),
        ("*-1", {"Fields, all": ["darcy_flow-pare-1", "darcy_flow-finetune-1"]}),
    ],
)
def test_a_name_is_that_of_a_run_a_task_a_method_or_a_block(blocks, only, names):
    chosen = selected(blocks, only)
    assert list(chosen) == list(names)
    for title, cells in chosen.items():
        for cell, pattern in zip(cells, names[title], strict=True):
            start, _, end = pattern.partition("*")
            assert cell.name.startswith(start) and cell.name.endswith(end)


def test_no_name_is_all_and_a_run_of_two_blocks_is_chosen_once(blocks):
    assert selected(blocks, "") == blocks
    assert list(unique(selected(blocks, "openml_car-pare-0"))) == ["openml_car-pare-0"]


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("xgbost", r"^run or block 'xgbost' is unknown\. Did you mean 'xgboost'"),
        ("pare,openmml_*", r"^run or block 'openmml_\*' is unknown"),
        ("PARE", "'PARE' is unknown"),
    ],
)
def test_a_name_that_nothing_has_is_refused_with_the_nearest(blocks, only, message):
    with pytest.raises(PareError, match=message):
        selected(blocks, only)


def test_a_matrix_of_the_command_line_is_one_block_of_a_matrix_file(own_library, parameters, resolved):
    asked = {
        "tasks": "mine, openml_wdbc",
        "methods": "pare,xgboost",
        "seeds": "0-1+4",
        "folds": None,
        "params": {"training": {"fraction": 0.5}, "protocol": "paper"},
    }
    (block,) = expand(own_matrix(asked, parameters), own_library, parameters).values()
    assert [cell.name for cell in block] == [
        f"{task}-{method}-{seed}"
        for task in ("mine", "openml_wdbc")
        for method in ("pare", "xgboost")
        for seed in (0, 1, 4)
    ]
    for cell in block:
        assert (cell.run.training.fraction, cell.run.protocol) == (0.5, "paper")
        assert resolved(own_library, cell.run.params) == cell.run


def test_method_and_seed_are_those_of_the_parameters_where_none_is_named(parameters):
    parameters |= {"method": "finetune", "seed": 3}
    (block,) = own_matrix({"tasks": "darcy_flow", "methods": "", "params": {}}, parameters)["blocks"].values()
    assert (block["methods"], block["seeds"], block["folds"], block["variants"]) == (["finetune"], [3], 1, {"": {}})


def test_nothing_of_a_matrix_is_none(parameters):
    assert own_matrix({}, parameters) is None
    assert own_matrix({"only": "pare", "tasks": None, "folds": None, "params": {}}, parameters) is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"methods": "pare", "folds": 5}, "^--methods, --folds belong to a matrix of your own, which --tasks begins"),
        ({"tasks": "wine", "params": {"seed": 1}}, "--params does not take seed; a matrix has --tasks, --methods"),
        ({"tasks": "wine", "params": {"variant": "x"}}, "--params does not take variant"),
        ({"tasks": "wine", "params": {"tracking": "mlflow"}}, "does not take tracking, .*parameters.yml"),
        ({"tasks": "wine", "seeds": "3-1"}, "a range of seeds rises, found '3-1'; e.g. 0-4"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters, asked, message):
    with pytest.raises(PareError, match=message):
        own_matrix(asked, parameters)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-4", [0, 1, 2, 3, 4]), ("0-2+7", [0, 1, 2, 7]), ("3+1", [3, 1]), ("5", [5]), (5, [5]), ("8-9+0", [8, 9, 0])],
)
def test_seeds_are_ranges_with_a_plus_between(text, seeds):
    assert seeds_of(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4-0", "a range of seeds rises, found '4-0'"),
        ("0-", "ranges of whole numbers"),
        ("-3", "ranges of whole numbers"),
        ("0,1", "ranges of whole numbers"),
        ("1-3+2", "seeds must differ, found '1-3\\+2'"),
        ("0-4000000000", "more than 1000 runs"),
    ],
)
def test_other_lists_of_seeds_are_refused(text, message):
    with pytest.raises(PareError, match=message):
        seeds_of(text)
