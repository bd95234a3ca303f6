"""What is found in a user's files, and that a task says it so that it runs."""

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.preparation import ModelInput
from pare.raw import READERS, bind_options
from pare.raw.inspection import Question, inspect_files
from pare.raw.own_files import own_files
from pare.raw.task_file import task_name, task_yaml

RNG = np.random.default_rng(0)
N = 60
CLASSES = np.arange(N) % 3
NUMBERS = RNG.normal(size=N)
TABLE = pd.DataFrame(
    {"mass": NUMBERS, "count": RNG.integers(0, 500, N), "site": [["north", "south"][i % 2] for i in range(N)]}
)


def table(path, delimiter=",", **columns):
    TABLE.assign(**columns).to_csv(path / "t.csv", index=False, sep=delimiter)
    return [path / "t.csv"]


def npz(path, **content):
    np.savez(path / "f.npz", **content)
    return [path / "f.npz"]


def look(paths, *target, **question):
    return inspect_files(paths, Question(target=target, **question))


def facts(found):
    return found.kind, found.output_shape, found.input_shape


@pytest.mark.parametrize(
    ("values", "kind", "shape"),
    [
        (CLASSES.astype(str), "classification", (3,)),
        (CLASSES, "classification", (3,)),
        (CLASSES + 1, "classification", (3,)),
        (CLASSES * 7 - 2, "classification", (3,)),
        (CLASSES.astype(bool), "classification", (2,)),
        (NUMBERS, "regression", (1,)),
        (np.arange(N), "regression", (1,)),
        (RNG.integers(18, 90, N), "regression", (1,)),  # ages
    ],
)
def test_what_a_column_holds_says_what_is_predicted(tmp_path, values, kind, shape):
    found = look(table(tmp_path, answer=values), "answer")
    assert facts(found) == (kind, shape, (3,))
    assert (found.reader, found.rows, found.output_name) == ("table", {"all": N}, "answer")


def test_several_columns_are_labels_or_numbers(tmp_path):
    paths = table(tmp_path, a=CLASSES // 2, b=CLASSES % 2, c=NUMBERS)
    assert facts(look(paths, "a", "b")) == ("multilabel", (2,), (4,))
    assert facts(look(paths, "a", "c")) == ("regression", (2,), (4,))


def test_a_table_may_use_other_delimiters_and_hold_columns_to_ignore(tmp_path):
    paths = table(tmp_path, ";", answer=CLASSES, sample=[f"s{i}" for i in range(N)])
    found = look(paths, "answer", ignore=("sample",))
    assert found.options["delimiter"] == ";"
    assert found.input_shape == (3,)
    with pytest.raises(PareError, match=r"^t\.csv: column 'sample' .*'ignore'"):  # not the path of a scratch folder
        look(paths, "answer")


def test_the_columns_are_listed_where_no_target_is_named(tmp_path):
    with pytest.raises(PareError, match=r"--target COLUMN\. Columns of t\.csv: mass, count, site"):
        look(table(tmp_path))


@pytest.mark.parametrize(
    ("x", "shape", "axis"),
    [
        ((N, 2, 40), (2, 40), "first"),
        ((N, 40, 2), (2, 40), "last"),
        ((N, 30, 40), (1, 30, 40), "none"),
        ((N, 28, 28), (1, 28, 28), "none"),
        ((N, 3, 20, 30), (3, 20, 30), "first"),
        ((N, 20, 30, 3), (3, 20, 30), "last"),
        ((N, 40), (1, 40), "none"),
        ((N, 9), (9,), "first"),
    ],
)
def test_the_short_axis_of_an_array_holds_its_channels(tmp_path, x, shape, axis):
    found = look(npz(tmp_path, x=np.zeros(x), y=CLASSES), "y")
    assert found.options["channel_axis"] == axis
    assert facts(found) == ("classification", (3,), shape)


def test_the_user_knows_better_where_the_channels_are(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 9)), y=CLASSES), "y", channel_axis="none")
    assert found.input_shape == (1, 9)


@pytest.mark.parametrize(
    ("x", "y", "kind", "shapes"),
    [
        ((N, 2, 40), (N, 40), "dense", ((2, 40), (1, 40))),
        ((N, 40, 2), (N, 40), "dense", ((2, 40), (1, 40))),
        ((N, 20, 20), (N, 20, 20), "dense", ((1, 20, 20), (1, 20, 20))),
        ((N, 20, 20), (N, 3, 20, 20), "dense", ((1, 20, 20), (3, 20, 20))),
        ((N, 40), (N, 40), "dense", ((1, 40), (1, 40))),
        ((N, 2, 40), (N, 5), "regression", ((2, 40), (5,))),
    ],
)
def test_what_stands_on_the_grid_of_the_input_is_a_field(tmp_path, x, y, kind, shapes):
    found = look(npz(tmp_path, x=np.zeros(x), y=RNG.normal(size=y)), "y")
    assert (found.kind, (found.input_shape, found.output_shape)) == (kind, shapes)


def test_rows_of_0_and_1_are_labels(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=RNG.integers(0, 2, (N, 4))), "y")
    assert facts(found) == ("multilabel", (4,), (2, 40))


def test_classes_that_do_not_count_from_0_are_numbered(tmp_path):
    found = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES + 1), "y")
    assert found.options["recode"] is True
    assert found.classes == {"1": 20, "2": 20, "3": 20}


def npy_pairs(folder):
    for part, rows in (("train", slice(0, 45)), ("test", slice(45, N))):
        np.save(folder / f"x_{part}.npy", np.zeros((N, 2, 40))[rows])
        np.save(folder / f"{part}-y.npy", CLASSES[rows])
    return sorted(folder.glob("*.npy"))


def hdf5_groups(folder):
    with h5py.File(folder / "f.h5", "w") as file:
        for part, rows in (("train", slice(0, 45)), ("test", slice(45, N))):
            file[f"{part}/x"], file[f"{part}/y"] = np.zeros((N, 2, 40))[rows], CLASSES[rows]
    return [folder / "f.h5"]


def npz_per_part(folder):
    for part, rows in (("train", slice(0, 45)), ("test", slice(45, N))):
        np.savez(folder / f"run_{part}.npz", x=np.zeros((N, 2, 40))[rows], y=CLASSES[rows])
    return sorted(folder.glob("*.npz"))


@pytest.mark.parametrize("save", [npy_pairs, hdf5_groups, npz_per_part])
def test_parts_are_recognised_by_their_names(tmp_path, save):
    found = look(save(tmp_path), "y")
    assert list(found.rows.items()) == [("train", 45), ("test", 15)]
    assert facts(found) == ("classification", (3,), (2, 40))


def test_of_several_inputs_one_must_be_named(tmp_path):
    paths = npz(tmp_path, load=np.zeros((N, 20, 20)), heat=np.zeros((N, 20, 20)), stress=np.zeros((N, 20, 20)))
    with pytest.raises(
        PareError, match=r"several arrays could be the input of stress; name one: --input.*load is float64"
    ):
        look(paths, "stress")
    assert look(paths, "stress", input="heat").options["parts"] == {"all": {"x": "heat", "y": "stress"}}


@pytest.mark.parametrize(
    ("target", "question", "message"),
    [
        ((), {}, r"--target KEY.*x is float64 of shape \(60, 2, 40\)"),
        (("label",), {}, "--target 'label' names no array"),
        (("rate",), {}, "--target 'rate' names no array"),
        (("y",), {"input": "signal"}, "--input 'signal' names no array"),
        (("y",), {"ignore": ("x",)}, "--ignore is for columns"),
    ],
)
def test_what_is_missing_is_told_with_the_arrays_that_are_there(tmp_path, target, question, message):
    with pytest.raises(PareError, match=message):
        look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES, rate=50.0), *target, **question)


def images(folder, *sizes, mode="RGB"):
    for name in ("cat", "dog"):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(4):
            Image.new(mode, sizes[i % len(sizes)][::-1]).save(folder / "photos" / name / f"{i}.png")
    return [folder / "photos"]


@pytest.mark.parametrize(
    ("sizes", "mode", "shape"),
    [
        ([(20, 30)], "RGB", (3, 20, 30)),
        ([(20, 30)], "L", (1, 20, 30)),
        ([(20, 30), (21, 30)], "RGB", (3, 128, 128)),
        ([(200, 300)], "I;16", (1, 128, 128)),
    ],
)
def test_images_keep_a_small_common_size(tmp_path, sizes, mode, shape):
    found = look(images(tmp_path, *sizes, mode=mode))
    assert facts(found) == ("classification", (2,), shape)
    assert (found.classes, found.rows) == ({"cat": 4, "dog": 4}, {"all": 8})


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").touch()
    with pytest.raises(PareError, match="holds no images"):
        look([tmp_path / "empty"])


def test_files_of_different_kinds_are_refused(tmp_path):
    with pytest.raises(PareError, match=r"t\.csv, f\.npz: expected one table"):
        look(table(tmp_path) + npz(tmp_path, x=TABLE["mass"]))


EXAMPLES = {
    "table": (lambda p: table(p, answer=CLASSES), "answer"),
    "quoted": (lambda p: table(p, **{"a: [b], #c ${x}": CLASSES.astype(str)}), "a: [b], #c ${x}"),
    "labels": (lambda p: table(p, a=CLASSES // 2, b=CLASSES % 2), "a", "b"),
    "numbers": (lambda p: npz(p, x=np.zeros((N, 2, 40)), y=NUMBERS), "y"),
    "field": (lambda p: npz(p, x=np.zeros((N, 20, 20)), y=np.ones((N, 20, 20))), "y"),
    "parts": (hdf5_groups, "y"),
    "files": (npz_per_part, "y"),
    "images": (lambda p: images(p, (20, 30)),),
    "many classes": (lambda p: table(p, answer=np.arange(N) % 10), "answer"),
    "a rare class": (lambda p: table(p, answer=["rare", *["often"] * 30, *["common"] * 29]), "answer"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_written_task_can_be_prepared(tmp_path, name):
    save, *target = EXAMPLES[name]
    paths = save(tmp_path)
    text = task_yaml("mine", [str(path) for path in paths], look(paths, *target))
    from omegaconf import OmegaConf

    task = Task.model_validate(
        OmegaConf.to_container(OmegaConf.create(text), resolve=True)["mine"]
    )  # as Kedro reads it
    folder = tmp_path / "data" / "01_raw" / "mine"
    own_files(folder, **task.raw.chosen.options)
    samples = bind_options("reader", task.reader.name, READERS[task.reader.name], task.reader.options)(folder)
    ModelInput("mine", task, samples, "raw", validated=True).write(tmp_path / "mine.h5")
    with h5py.File(tmp_path / "mine.h5") as store:
        assert sum(len(store[part]["x"]) for part in ("train", "validation", "test")) == sum(task.samples.values())


def test_every_key_of_the_written_task_has_a_remark(tmp_path):
    paths = table(tmp_path, answer=CLASSES)
    text = task_yaml("mine", ["t.csv"], look(paths, "answer"))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    bare = [line.strip() for line in lines if "  # " not in line]
    assert bare == ["mine:", "raw:", "- t.csv", "reader:", "options:"]
    assert len({line.index("  # ") for line in lines if "  # " in line}) == 1
    assert yaml.safe_load(text)["mine"]["raw"] == {"files": ["t.csv"]}


def test_the_metrics_that_are_offered_exist(tmp_path):
    import re

    from pare.evaluation.metrics import METRICS
    from pare.raw.task_file import METRICS as REMARKS

    offered = [re.findall(r"\b(one_minus_\w+|auroc_ovo|mae|r2|nrmse|rmse)\b", remark) for remark in REMARKS.values()]
    assert {name for names in offered for name in names} <= set(METRICS)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("wine", "wine"),
        ("Wine Quality (2009)", "wine_quality_2009"),
        ("2020", "data_2020"),
        ("éé", "data"),
        ("openml", "data_openml"),
    ],
)
def test_a_task_is_named_after_its_file(file, name):
    assert task_name(None, file) == name


@pytest.mark.parametrize("name", ["a/b", "", "1a", "a b", "a,b", "../x", "encoders", "ä"])
def test_a_name_that_would_not_do_for_a_folder_is_refused(name):
    with pytest.raises(PareError, match="cannot name a task"):
        task_name(name, "wine")


def test_groups_are_named_beside_the_rest(tmp_path):
    person = np.arange(N) // 10
    series = look(npz(tmp_path, x=np.zeros((N, 2, 40)), y=CLASSES, person=person), "y", groups="person")
    rows = look(table(tmp_path, answer=CLASSES, person=person), "answer", groups="person")
    assert series.options["parts"] == {"all": {"x": "x", "y": "y", "groups": "person"}}
    assert rows.options["group"] == "person" and rows.input_shape == (3,)
    for found in (series, rows):
        assert found.grouped
        split = yaml.safe_load(task_yaml("mine", ["t"], found))["mine"]["split"]
        assert split == {"test": 0.2, "validation": 0.2}
