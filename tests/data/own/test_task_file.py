"""That a written task says what was found in the files, and runs."""

import re

import h5py
import numpy as np
import pytest
import yaml
from omegaconf import OmegaConf

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.data.origins.own_files import own_files
from pare.data.own.task_file import METRICS as REMARKS
from pare.data.own.task_file import task_name, task_yaml
from pare.data.preparation import ModelInput
from pare.data.registries import open_raw_files
from pare.evaluation.metrics import METRICS
from users_files import (
    CLASSES,
    NUMBERS,
    RNG,
    SERIES,
    N,
    grouped,
    hdf5_groups,
    images,
    look,
    npz,
    npz_groups,
    npz_per_part,
    table,
)

EXAMPLES = {
    "table": (lambda p: table(p, answer=CLASSES), "answer"),
    "quoted": (lambda p: table(p, **{"a: [b], #c ${x}": CLASSES.astype(str)}), "a: [b], #c ${x}"),
    "labels": (lambda p: table(p, a=CLASSES // 2, b=CLASSES % 2), "a", "b"),
    "numbers": (lambda p: npz(p, x=SERIES, y=NUMBERS), "y"),
    "field": (lambda p: npz(p, x=RNG.normal(size=(N, 20, 20)), y=np.ones((N, 20, 20))), "y"),
    "parts": (hdf5_groups, "y"),
    "parts of an archive": (npz_groups, "y"),
    "files": (npz_per_part, "y"),
    "images": (lambda p: images(p, (20, 30)),),
    "many classes": (lambda p: table(p, answer=np.arange(N) % 10), "answer"),
    "groups": (lambda p: grouped(p / "f.h5"), "data"),
    "some unlabelled": (lambda p: table(p, answer=["", *["a", "b"] * 29, "a"]), "answer"),
    "a rare class": (lambda p: table(p, answer=["rare", *["often"] * 30, *["common"] * 29]), "answer"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_written_task_can_be_prepared(tmp_path, name):
    save, *target = EXAMPLES[name]
    paths = save(tmp_path)
    text = task_yaml("mine", [str(path) for path in paths], look(paths, *target))
    task = Task.model_validate(
        OmegaConf.to_container(OmegaConf.create(text), resolve=True)["mine"]
    )  # as Kedro reads it
    folder = tmp_path / "data" / "01_raw" / "mine"
    own_files(folder, **task.raw.active.options)
    samples = open_raw_files(task.reader, folder)
    ModelInput("mine", task, samples, "raw", validated=True).write(tmp_path / "mine.h5")
    with h5py.File(tmp_path / "mine.h5") as store:
        assert sum(len(store[part]["x"]) for part in ("train", "validation", "test")) == sum(task.samples.values())


@pytest.mark.parametrize(("targets", "says"), [("ab", "units differ take r2"), ("a", "in the units of the target")])
def test_the_metric_of_several_numbers_pools_their_units(tmp_path, targets, says):
    paths = table(tmp_path, a=NUMBERS, b=1000 * NUMBERS)
    text = task_yaml("mine", ["t.csv"], look(paths, *targets))
    assert yaml.safe_load(text)["mine"]["metric"] == "rmse"
    assert says in text


def test_the_task_of_rows_in_order_is_tested_on_the_last_of_them(tmp_path):
    paths = table(tmp_path, answer=CLASSES)
    text = task_yaml("mine", ["t.csv"], look(paths, "answer", ordered=True))
    assert "the last rows are the test part, those before them the validation part" in text
    split = yaml.safe_load(text)["mine"]["split"]
    assert split == {"test": 0.2, "validation": 0.2, "ordered": True}
    assert Task.model_validate(yaml.safe_load(text)["mine"]).split.ordered


@pytest.mark.parametrize(("points", "symmetry"), [((32,), "shift"), ((16, 16), "torus")])
def test_the_task_of_a_grid_without_ends_declares_its_shifts(tmp_path, points, symmetry):
    white = np.random.default_rng(0).normal(size=(200, 1, *points))
    paths = npz(tmp_path, x=white, y=np.roll(white, 1, -1))
    task = yaml.safe_load(task_yaml("mine", ["f.npz"], look(paths, "y")))["mine"]
    assert task["training"] == {"symmetries": [symmetry]}


def test_a_task_of_two_rows_can_be_written(tmp_path):
    (tmp_path / "t.csv").write_text("a,kind\n1,x\n2,y\n")
    text = task_yaml("mine", ["t.csv"], look([tmp_path / "t.csv"], "kind"))
    assert "stratified: false" in text


def test_every_key_of_the_written_task_has_a_remark(tmp_path):
    paths = table(tmp_path, answer=CLASSES)
    text = task_yaml("mine", ["t.csv"], look(paths, "answer"))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    bare = [line.strip() for line in lines if "  # " not in line]
    assert bare == ["mine:", "raw:", "- t.csv", "reader:", "options:"]
    assert len({line.index("  # ") for line in lines if "  # " in line}) == 1
    assert yaml.safe_load(text)["mine"]["raw"] == {"files": ["t.csv"]}


def test_the_metrics_that_are_offered_exist():
    offered = [re.findall(r"\b(one_minus_\w+|auroc_ovo|mae|r2|nrmse|rmse)\b", remark) for remark in REMARKS.values()]
    assert {name for names in offered for name in names} <= set(METRICS)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("wine", "wine"),
        ("Wine Quality (2009)", "wine_quality_2009"),
        ("GunPoint_TRAIN", "gunpoint"),
        ("2020", "data_2020"),
        ("éé", "data"),
        ("openml", "data_openml"),
        *((word, f"data_{word}") for word in ("no", "on", "off", "null", "yes", "true")),  # values in YAML
    ],
)
def test_a_task_is_named_after_its_file(file, name):
    assert task_name(None, file) == name


@pytest.mark.parametrize("name", ["a/b", "", "1a", "a b", "a,b", "../x", "encoders", "ä", "No", "null"])
def test_a_name_that_would_not_do_for_a_folder_is_refused(name):
    with pytest.raises(PareError, match="cannot name a task"):
        task_name(name, "wine")


def test_groups_are_named_with_the_rest(tmp_path):
    person = np.arange(N) // 10
    series = look(npz(tmp_path, x=SERIES, y=CLASSES, person=person), "y", groups="person")
    rows = look(table(tmp_path, answer=CLASSES, person=person), "answer", groups="person")
    assert series.options["parts"] == {"all": {"x": "x", "y": "y", "groups": "person"}}
    assert rows.options["group"] == "person" and rows.input_shape == (3,)
    for found in (series, rows):
        assert found.groups["all"].tolist() == person.tolist()
        split = yaml.safe_load(task_yaml("mine", ["t"], found))["mine"]["split"]
        assert split == {"test": 0.2, "validation": 0.2}


def test_the_task_says_how_many_rows_have_no_answer(tmp_path):
    found = look(table(tmp_path, answer=["", *["a", "b"] * 29, "a"]), "answer")
    assert "; 1 more row without answer left out" in task_yaml("mine", ["t.csv"], found)


def test_equal_rows_are_in_one_part_and_count_once_where_classes_are_spread(tmp_path):
    twice = np.r_[0, 0, np.arange(2, N)]  # rows 0 and 1 are equal, the only ones of a class
    kind = np.where(np.arange(N) < 3, "rare", "often")
    paths = npz(tmp_path, x=SERIES[twice], y=kind)
    found = look(paths, "y")
    text = task_yaml("mine", ["f.npz"], found)
    split = yaml.safe_load(text)["mine"]["split"]
    assert split == {"test": 0.2, "validation": 0.2, "stratified": False, "equal_rows": "together"}
    assert found.classes == {"often": N - 3, "rare": 3} and found.different == [N - 3, 2]
    assert found.repeats.sentences() == ["1 of 60 rows have the inputs of an earlier row; equal rows stay in one part"]
    ordered = look(paths, "y", ordered=True)
    assert "equal_rows" not in task_yaml("mine", ["f.npz"], ordered)


def test_test_rows_that_training_rows_equal_are_said(tmp_path):
    x, y = SERIES[:20], CLASSES[:20]
    paths = npz(tmp_path, x_train=x, y_train=y, x_test=x[5:9], y_test=y[5:9])
    assert look(paths, "y", input="x").repeats.sentences() == [
        "4 of 24 rows have the inputs of an earlier row",
        "4 of 4 test rows have the inputs of a training row",
    ]


def test_remarks_are_comments_whatever_a_column_is_called(tmp_path):
    name = "a\u2028b: \x1b[31m\nmine: {}"
    paths = table(tmp_path, answer=NUMBERS, **{name: 2 * NUMBERS})
    text = task_yaml("mine", ["t.csv"], look(paths, "answer"))
    assert list(yaml.safe_load(text)) == ["mine"]
    assert "# What was found in the data:\n# - mass, a b: " in text and " orders the rows as answer does;" in text


def test_fields_that_are_zero_everywhere_are_measured_in_their_units(tmp_path):
    fields = RNG.normal(size=(N, 20))
    fields[:3] = 0
    found = look(npz(tmp_path, x=RNG.normal(size=(N, 20)), y=fields), "y", channel_axis="none")
    text = task_yaml("mine", ["f.npz"], found)
    assert "3 fields to predict are zero everywhere, so loss and metric are rmse" in text
    assert Task.model_validate(yaml.safe_load(text)["mine"]).metric == "rmse"
