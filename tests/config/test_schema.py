"""What tasks may say, and what follows from it."""

from math import prod

import pytest
from pydantic import ValidationError

from pare.config.schema import OutputConfig, Task, default_patch


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
        ("darcy_flow", {"average_groups": True}, "found a field"),
        ("darcy_flow", {"samples": {"train": 5}}, "train and test, perhaps validation, or all"),
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


def test_configuration_cannot_be_changed_after_it_was_checked(library):
    with pytest.raises(ValidationError, match="frozen"):
        build(library, "darcy_flow").loss = "mse"


SHORT = {"title": "mine", "raw": {"files": ["mine.csv"]}, "reader": {"name": "table"}}
CLASSES = {"kind": "classification", "shape": [3]}
NUMBERS = {"kind": "regression", "shape": [2]}


def short(**keys):
    """A task of the user's own that says no more than it must."""
    return Task.model_validate(SHORT | keys)


def test_a_table_of_the_users_own_needs_few_lines():
    task = short(samples={"all": 50}, input={"shape": [7]}, output=CLASSES)
    raw = task.raw.active
    assert (raw.origin, raw.options, raw.licence) == ("own_files", {"files": ["mine.csv"]}, "the user's own")
    assert not raw.simulated
    assert (task.suite, task.tokens.kind, task.grid) == ("own data", "feature", (7,))
    assert (task.normalisation.inputs, task.normalisation.outputs) == ("feature", "none")
    assert (task.split.test, task.split.stratified, task.n_test) == (0.2, True, 10)
    assert (task.loss, task.metric, task.source) == ("cross_entropy", "error_percent", None)


def test_a_series_with_numbers_to_predict_needs_few_lines():
    task = short(samples={"train": 50, "test": 9}, input={"shape": [2, 640]}, output=NUMBERS)
    assert (task.tokens.kind, task.tokens.patch, task.grid) == ("patch", 10, (64,))
    assert (task.normalisation.inputs, task.normalisation.outputs) == ("channel", "pointwise")
    assert (task.split.test, task.split.stratified) == (None, False)


def test_fields_and_labels_get_defaults_of_their_own():
    field = short(samples={"all": 50}, input={"shape": [1, 30, 30]}, output={"kind": "dense", "shape": [1, 30, 30]})
    labels = short(samples={"all": 50}, input={"shape": [5]}, output={"kind": "multilabel", "shape": [4]})
    assert (field.normalisation.inputs, field.normalisation.outputs) == ("channel", "pointwise")
    assert (labels.normalisation.inputs, labels.normalisation.outputs) == ("feature", "none")
    assert not field.split.stratified and not labels.split.stratified


def test_what_a_task_says_is_taken_as_it_is():
    task = short(
        samples={"all": 50},
        input={"shape": [1, 8, 8]},
        output=CLASSES,
        split={"validation": 0.3},
        normalisation={"coordinates": True},
        tokens={"kind": "patch"},
        metric="one_minus_f1",
        raw={"files": ["a", "b"], "licence": "CC0"},
    )
    assert (task.split.test, task.split.validation, task.split.stratified) == (0.2, 0.3, True)
    assert (task.normalisation.inputs, task.tokens.patch, task.metric) == ("none", 1, "one_minus_f1")
    assert task.raw.active.licence == "CC0"


def test_defaults_are_taken_from_no_value_that_is_wrong():
    with pytest.raises(ValidationError) as caught:
        short(samples={"all": 50}, input={"shape": ["wide", 8]}, output={"shape": [2]})
    assert {error["loc"] for error in caught.value.errors()} >= {("input", "shape", 0), ("output", "kind")}
    assert ("tokens",) not in {error["loc"] for error in caught.value.errors()}


def test_a_task_is_the_same_after_it_was_stored(library):
    task = short(samples={"all": 50}, input={"shape": [1, 8, 8]}, output=NUMBERS)
    for stored in (task, *(library.task(name) for name in library.tasks)):
        assert Task.model_validate(stored.model_dump(mode="json")) == stored


@pytest.mark.parametrize(
    ("grid", "patch", "tokens"),
    [((85, 85), 11, 64), ((640,), 10, 64), ((28, 28), 4, 49), ((5, 4), 1, 20), ((3, 1000), 16, 63), ((64,), 1, 64)],
)
def test_patches_cut_a_grid_into_about_64_tokens(grid, patch, tokens):
    assert default_patch(grid) == patch
    assert prod(short(samples={"all": 9}, input={"shape": [1, *grid]}, output=CLASSES).grid) == tokens


@pytest.mark.parametrize(("grid", "patch"), [((85, 85), 24), ((256,), 16), ((512,), 32), ((128, 128), 32), ((5, 4), 2)])
def test_patches_of_fields_are_about_16_and_can_be_halved(grid, patch):
    shape = {"shape": [1, *grid]}
    assert short(samples={"all": 9}, input=shape, output={"kind": "dense", **shape}).tokens.patch == patch


def test_no_other_patch_comes_nearer_to_64_tokens():
    for grid in ((17, 90), (200, 31), (129, 129), (1001,), (12, 12, 12)):
        counts = {p: 1 for p in range(1, max(grid) + 1)}
        for p in counts:
            for n in grid:
                counts[p] *= -(-n // p)
        best = min(max(c / 64, 64 / c) for c in counts.values())
        chosen = counts[default_patch(grid)]
        assert max(chosen / 64, 64 / chosen) == best


@pytest.mark.parametrize(
    ("count", "name", "names"),
    [
        (2, "energy [eV], gap [eV]", ["energy [eV]", "gap [eV]"]),
        (2, "u", ["u 1", "u 2"]),
        (2, "", ["value 1", "value 2"]),
        (1, "pressure, at sea level", ["pressure, at sea level"]),
    ],
)
def test_outputs_have_the_names_that_the_task_gives_them_or_are_counted(count, name, names):
    assert OutputConfig(kind="regression", shape=(count,), name=name).names("value") == names
