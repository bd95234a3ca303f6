"""What tasks may say, and what follows from it."""

import pytest
from pydantic import ValidationError

from pare.config.schema import Task


def build(library, name, **changes):
    """The task of that name with some of its keys replaced."""
    return Task.model_validate(library.tasks[name] | changes)


@pytest.mark.parametrize(
    ("changes", "grid"),
    [
        ({"tokens": {"kind": "patch", "patch": 9}}, (10, 10)),  # 85 points: the tenth patch is padded
        ({"tokens": {"kind": "patch", "patch": 17}}, (5, 5)),
        ({"tokens": {"kind": "patch", "patch": 4, "resize": 224}}, (56, 56)),  # the paper's Swin: 3136 tokens
        (
            {
                "input": {"shape": [1, 1000]},
                "output": {"kind": "dense", "shape": [1, 1000]},
                "tokens": {"kind": "patch", "patch": 9},
            },
            (112,),
        ),
    ],
)
def test_a_patch_that_sticks_out_counts_as_a_token(library, changes, grid):
    assert build(library, "darcy_flow", **changes).grid == grid


def test_a_table_has_a_token_per_feature(library):
    assert build(library, "openml_wdbc").grid == (30,)


def test_only_classification_has_classes(library):
    assert build(library, "openml_wdbc").classes == 2
    assert build(library, "darcy_flow").classes is None


def test_rows_add_up_whether_or_not_the_publisher_has_a_test_part(library):
    table = build(library, "openml_wdbc", samples={"all": 569}, split={"test": 0.3})
    field = build(library, "darcy_flow", samples={"train": 500, "test": 100})
    assert (table.n_development, table.n_test) == (398, 171)
    assert (field.n_development, field.n_test) == (500, 100)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("darcy_flow", {"tokens": {"kind": "feature"}}, "input.shape"),
        ("openml_wdbc", {"tokens": {"kind": "patch"}}, "input.shape"),
        ("openml_wdbc", {"normalisation": {"coordinates": True}}, "needs a grid"),
        ("openml_wdbc", {"output": {"kind": "classification", "shape": [2, 2]}}, r"\[number\]"),
        ("openml_wdbc", {"output": {"kind": "dense", "shape": [1]}}, "from patches"),
        ("darcy_flow", {"output": {"kind": "dense", "shape": [85]}}, "axes of the input"),
        ("darcy_flow", {"samples": {"train": 5}}, "train and test, perhaps validation, or all"),
        ("darcy_flow", {"samples": {"all": 5}}, "split.test"),
        ("darcy_flow", {"split": {"test": 0.5}}, "split.test"),
        ("darcy_flow", {"samples": {"train": 0, "test": 3}}, "greater than 0"),
        ("darcy_flow", {"input": {"shape": [3, 0, 85]}}, "greater than 0"),
        ("darcy_flow", {"raw": {"origin": "elsewhere", "origins": {}}}, "elsewhere"),
        ("darcy_flow", {"colour": "red"}, "colour"),
    ],
)
def test_what_does_not_fit_together_is_refused(library, name, changes, words):
    with pytest.raises(ValidationError, match=words):
        build(library, name, **changes)


def test_the_chosen_origin_carries_its_own_licence_and_options(library):
    task = build(library, "darcy_flow")
    other = build(library, "darcy_flow", raw=library.tasks["darcy_flow"]["raw"] | {"origin": "download"})
    assert task.raw.chosen.simulated
    assert not task.raw.chosen.needs_network
    assert other.raw.chosen.needs_network
    assert other.raw.chosen.licence != task.raw.chosen.licence
    assert "files" in other.raw.chosen.options


def test_configuration_cannot_be_changed_after_it_was_checked(library):
    with pytest.raises(ValidationError, match="frozen"):
        build(library, "darcy_flow").loss = "mse"
