"""Tables as samples: OpenML's and users' own, good ones and what users really have."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

import users_files
from pare.config.errors import PareError
from pare.config.schema import ReaderConfig
from pare.data.own.new_rows import open_new_rows
from publisher_files import write_openml
from users_files import all_rows

ARFF = """@RELATION small
@ATTRIBUTE 'blood pressure' REAL
@ATTRIBUTE colour {red, green, blue}
@ATTRIBUTE id STRING
@ATTRIBUTE Class {no, never, 'may be', yes}
@DATA
1.5,blue,a,yes
?,red,b,no
2.5,red,c,?
-1e3,?,'d,e','may be'
"""
CSV = """size,colour,ok,site,part,patient,label,score,a,b
1,red,True,10,train,p1,yes,0.5,0,1
2,blue,False,9,train,p1,no,1.5,1,0
?,red,True,10,test,p2,yes,,0,1
4,,False,9,test,p3,,3.5,1,1
5,red,True,9,validation,p2,no,4.5,0,0
"""
FEATURES = ("size", "colour", "ok", "site")
OTHERS = ("part", "patient", "label", "score", "a", "b")


def table(folder, **options):
    return users_files.read("table", folder, **options)


@pytest.fixture
def openml(tmp_path):
    (tmp_path / "dataset.arff").write_text(ARFF)
    (tmp_path / "dataset.json").write_text(json.dumps({"default_target": "Class", "ignored": ["id"]}))
    return tmp_path


@pytest.fixture
def own(tmp_path):
    (tmp_path / "mine.csv").write_text(CSV)
    return tmp_path


def unused(*used):
    """Columns of the CSV that are neither features nor named."""
    return tuple(name for name in OTHERS if name not in used)


def csv_error(folder, content, message, **options):
    (folder / "t.csv").write_text(content)
    with pytest.raises(PareError, match=message) as error:
        table(folder, **{"target": "y", "file": "t.csv", **options})
    assert str(error.value).startswith(f"{folder / 't.csv'}") or "column" in str(error.value)


def column_of(values, y="ab"):
    """CSV with a column x of these values and a target y that alternates between the letters."""
    return "x,n,y\n" + "".join(f"{value},{i},{y[i % len(y)]}\n" for i, value in enumerate(values))


# ---------------------------------------------------------------------- OpenML


def test_openmls_description_names_target_and_ignored_columns(openml):
    samples = table(openml)["all"]
    assert samples.columns == ["blood pressure", "colour"]
    assert samples.categories == [None, ["red", "green", "blue"]]
    x, y = all_rows(samples)
    np.testing.assert_array_equal(x, np.array([[1.5, 2], [np.nan, 0], [-1e3, np.nan]], dtype=np.float32))
    assert x.dtype == np.float32 and y.dtype == np.int64
    assert samples.classes == ["no", "may be", "yes"] and y.tolist() == [2, 0, 1]  # without those that no row has
    x, y = samples.read(1, 2)
    assert x.shape == (1, 2) and y.tolist() == [0]


def test_a_table_put_there_by_hand_needs_its_target_named(openml):
    (openml / "dataset.json").unlink()
    with pytest.raises(PareError, match="option 'target' to one of: blood pressure, colour, id, Class"):
        table(openml)
    assert table(openml, target="Class", ignore=("id",))["all"].columns == ["blood pressure", "colour"]


def test_a_damaged_description_says_what_to_run(openml):
    (openml / "dataset.json").write_text('{"default')
    with pytest.raises(PareError, match=r"dataset.json is damaged.*--pipelines=ingest"):
        table(openml)


def test_every_table_of_openml_cc18_is_read_with_the_shapes_that_its_task_declares(library, tmp_path):
    names = [name for name in library.tasks if name.startswith("openml_")]
    assert len(names) == 30
    for number, name in enumerate(names):
        task = library.task(name)
        folder = tmp_path / name
        folder.mkdir()
        written = write_openml(folder, task, np.random.default_rng(number), rows=40)
        samples = users_files.read(task.reader.name, folder, **task.reader.options)["all"]
        x, y = all_rows(samples)
        assert x.shape == (40, *task.input.shape) and len(samples.classes) == task.classes, name
        np.testing.assert_array_equal(x, written["x"])
        np.testing.assert_array_equal(y, written["y"])
        assert samples.categories == written["categories"] and task.samples.keys() == {"all"}


# ---------------------------------------------------------------------- users' own tables


def test_text_and_booleans_are_categories_in_sorted_order(own):
    samples = table(own, target="label", ignore=unused("label"))["all"]
    assert samples.columns == list(FEATURES) and samples.classes == ["no", "yes"]
    assert samples.categories == [None, ["blue", "red"], ["False", "True"], None]
    x, y = all_rows(samples)
    nan = np.nan
    np.testing.assert_array_equal(x, [[1, 1, 1, 10], [2, 0, 0, 9], [nan, 1, 1, 10], [5, 1, 1, 9]])
    assert y.tolist() == [1, 0, 1, 0]


def test_numbers_can_be_declared_categories_and_are_sorted_as_numbers_also_among_names(own):
    samples = table(own, target="label", ignore=unused("label"), categorical=("site", "size"))["all"]
    assert samples.categories == [["1", "2", "4", "5"], ["blue", "red"], ["False", "True"], ["9", "10"]]
    np.testing.assert_array_equal(all_rows(samples)[0][:, 3], [1, 0, 1, 0])
    (own / "t.csv").write_text(column_of(["5more", "2", "10", "2"]))
    samples = table(own, target="y", categorical=("x",), file="t.csv")["all"]
    assert samples.categories[0] == ["2", "10", "5more"] and all_rows(samples)[0][:, 0].tolist() == [2, 0, 1, 0]


def test_a_number_is_a_regression_and_loses_rows_without_it(own):
    samples = table(own, target="score", ignore=unused("score"))["all"]
    y = all_rows(samples)[1]
    assert samples.classes is None and y.dtype == np.float32
    np.testing.assert_array_equal(y, [[0.5], [1.5], [3.5], [4.5]])


def test_classes_written_as_numbers_are_classes_if_the_user_says_so(own):
    samples = table(own, target="a", ignore=unused("a"), categorical=("a",))["all"]
    assert samples.classes == ["0", "1"] and all_rows(samples)[1].tolist() == [0, 1, 0, 1, 0]


def test_several_targets_are_labels_or_numbers(own):
    labels = all_rows(table(own, target=["a", "b"], ignore=unused("a", "b"))["all"])[1]
    np.testing.assert_array_equal(labels, [[0, 1], [1, 0], [0, 1], [1, 1], [0, 0]])
    labels = all_rows(table(own, target=["ok", "a"], ignore=unused("a"))["all"])[1]
    np.testing.assert_array_equal(labels[:, 0], [1, 0, 1, 0, 1])
    numbers = all_rows(table(own, target=["score", "a"], ignore=unused("score", "a"))["all"])[1]
    assert numbers.dtype == np.float32 and numbers.shape == (4, 2)


def test_a_column_may_divide_the_rows_and_another_group_them(own):
    parts = table(own, target="label", split_column="part", group="patient", ignore=unused("label", "part", "patient"))
    assert {name: part.count for name, part in parts.items()} == {"train": 2, "validation": 1, "test": 1}
    assert parts["train"].columns == list(FEATURES)
    assert parts["train"].groups.tolist() == [0, 0] and parts["test"].groups == parts["validation"].groups
    assert all_rows(parts["test"])[0][0, 3] == 10 and all_rows(parts["test"])[1].tolist() == [1]


def test_parquet_and_csv_give_the_same_samples(own):
    options = {"target": "label", "ignore": unused("label")}
    pd.read_csv(own / "mine.csv", na_values="?").to_parquet(own / "mine.parquet")
    a, b = (table(own, file=f"mine.{suffix}", **options)["all"] for suffix in ("csv", "parquet"))
    assert (a.columns, a.classes, a.categories) == (b.columns, b.classes, b.categories)
    for left, right in zip(all_rows(a), all_rows(b), strict=True):
        np.testing.assert_array_equal(left, right)


def test_parquet_categories_nullable_numbers_and_missing_booleans_are_understood(tmp_path):
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None, 3], dtype="Int64"),
            "c": pd.Categorical(["small", "tall", None], ["tall", "small", "huge"]),
            "t": pd.array([True, None, False], dtype="boolean"),
            "y": ["b", "a", "b"],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    samples = table(tmp_path, target="y")["all"]
    assert samples.categories == [None, ["tall", "small", "huge"], ["False", "True"]]
    np.testing.assert_array_equal(all_rows(samples)[0], [[1, 1, 1], [np.nan, 0, np.nan], [3, np.nan, 0]])


def test_categories_that_a_file_declares_are_read_alike_for_training_and_for_new_rows(tmp_path):
    values = [" Private", " State", " ?", "", "NaN", "Private"]
    pd.DataFrame({"x": pd.Categorical(values * 2), "y": range(12)}).to_parquet(tmp_path / "t.parquet")
    samples = table(tmp_path, target="y")["all"]
    assert samples.categories == [["Private", "State"]]
    new = open_new_rows(tmp_path / "t.parquet", ReaderConfig(name="table", options={"target": "y"}), samples)
    for x in (all_rows(samples)[0], new.read(0, 12)):
        np.testing.assert_array_equal(x[:6, 0], [0, 1, *[np.nan] * 3, 0])


def test_codes_do_not_depend_on_how_often_a_category_occurs(tmp_path):
    (tmp_path / "t.csv").write_text(column_of(["u", "v", "v", "v"]))
    (tmp_path / "s.csv").write_text(column_of(["v", "u", "u", "v"]))
    categories = [table(tmp_path, target="y", file=name)["all"].categories for name in ("t.csv", "s.csv")]
    assert categories[0] == categories[1]


# ---------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("option", ["target", "ignore", "categorical", "split_column", "group"])
def test_an_unknown_column_is_named_with_the_nearest_ones(own, option):
    name = ("colours",) if option in ("ignore", "categorical") else "colours"
    with pytest.raises(PareError, match=r"column 'colours' is unknown\. Did you mean 'colour'"):
        table(own, **{"target": "label", option: name})


@pytest.mark.parametrize(
    ("ignore", "message"),
    [(("label",), "'label' has several uses"), ((*FEATURES, *unused("label")), "has no feature left")],
)
def test_a_column_has_one_use_and_one_feature_remains(own, ignore, message):
    with pytest.raises(PareError, match=message):
        table(own, target="label", ignore=ignore)


@pytest.mark.parametrize("written", ["1,400", "$ 7", "7 %", "1 000 000", "1'200.5", "€3,50"])
def test_numbers_are_not_taken_for_categories_because_of_how_people_write_them(tmp_path, written):
    column = [f'"{written}"', '"2,500"', '"3,500"'] * 10
    message = r"'x' holds .* in row 1; write numbers without marks of thousands, units.*'categorical'.*'ignore'"
    csv_error(tmp_path, column_of(column), message)
    (tmp_path / "t.csv").write_text(column_of(column))
    assert len(table(tmp_path, target="y", categorical=("x",))["all"].categories[0]) > 1


@pytest.mark.parametrize("word", ["NA", "N/A", "null", "None", "#N/A", "-"])
def test_words_for_a_missing_value_between_numbers_are_read_as_pandas_reads_them(tmp_path, word):
    (tmp_path / "t.csv").write_text(column_of([0.1, word, "1e-3", word, 7, ""]))
    expected = pd.read_csv(tmp_path / "t.csv", na_values=["-"])["x"].to_numpy(np.float32)
    assert np.isnan(expected).sum() == 3
    for options in ({}, {"categorical": ("x",)}):
        samples = table(tmp_path, target="y", **options)["all"]
        np.testing.assert_array_equal(np.isnan(all_rows(samples)[0][:, 0]), np.isnan(expected))
    assert samples.categories[0] == ["1e-3", "0.1", "7"]
    np.testing.assert_array_equal(all_rows(table(tmp_path, target="y")["all"])[0][:, 0], expected)


def test_a_word_for_a_missing_value_between_words_is_a_category_unless_it_is_named(tmp_path):
    (tmp_path / "t.csv").write_text(column_of(["NA", "u", "-999", "u"], y="abab"))
    assert table(tmp_path, target="x", ignore=("y",), categorical=("x",))["all"].classes == ["-999", "NA", "u"]
    samples = table(tmp_path, target="y", missing=("NA", "-999"), categorical=("x",))["all"]
    assert (samples.categories[0], np.isnan(all_rows(samples)[0][:, 0]).tolist()) == (["u"], [True, False, True, False])


def test_classes_that_are_numbers_are_missing_where_a_word_says_so(tmp_path):
    (tmp_path / "t.csv").write_text("n,y\n5,0\n6,NA\n7,1\n8,0\n")
    for options in ({}, {"categorical": ("y",)}):
        assert table(tmp_path, target="y", **options)["all"].count == 3


def test_faults_of_several_columns_are_told_together(tmp_path):
    lines = [f"{i if i else 'tall'},,s{i},{i},{'ab'[i % 2]}" for i in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["size,empty,id,n,y", *lines]))
    with pytest.raises(PareError) as error:
        table(tmp_path, target="y")
    faults = str(error.value).splitlines()
    assert [fault.split("'")[1] for fault in faults] == ["size", "empty", "id"]


def test_identifiers_and_free_text_are_refused_unless_they_are_declared(tmp_path):
    identifiers = column_of([f"id{i}" for i in range(30)])
    csv_error(tmp_path, identifiers, "'x' holds 30 different texts in 30 rows, such as 'id0'.*'ignore'.*'categorical'")
    csv_error(tmp_path, column_of([f"t{i % 300}" for i in range(900)]), "300 different texts in 900 rows")
    (tmp_path / "t.csv").write_text(identifiers)
    assert len(table(tmp_path, target="y", categorical=("x",))["all"].categories[0]) == 30


@pytest.mark.parametrize(
    "values, message",
    [
        (
            [1, 2, "tall", 3, "small"],
            r"column 'x' holds text in row 3, 'tall', where most rows hold numbers.*'missing'.*'categorical'",
        ),
        (
            ['"1,5"', "NA", '"2,25"', "tall", '"3,0"'] * 10,
            "'x' holds text in row 4, 'tall', where most rows",
        ),
        (["", "u", "v", "7", "u"], "holds a number in row 4, '7', where most rows hold text"),
        (["same", "same", "same"], "'x' holds the same text 'same' in every row; leave it out by .*'ignore'"),
        (["", "?", "NaN"], "'x' has no value in any row"),
        ([1, "inf", 2], "'x' is infinite, or too large for 32 bits, in row 2"),
        ([1, 2, "1e300"], "'x' is infinite, or too large for 32 bits, in row 3"),
    ],
)
def test_a_value_unlike_the_others_or_a_column_from_which_nothing_can_be_learnt_is_named(tmp_path, values, message):
    csv_error(tmp_path, column_of(values), message)


def test_dates_are_refused(tmp_path):
    pd.DataFrame({"x": pd.to_datetime(["2020-01-01", "2021-01-01"]), "y": ["a", "b"]}).to_parquet(
        tmp_path / "t.parquet"
    )
    with pytest.raises(PareError, match=r"column 'x' holds dates or times; leave it out by .*'ignore'"):
        table(tmp_path, target="y")


@pytest.mark.parametrize(
    "labels, options, message",
    [
        (["a"], {"categorical": ("y",)}, "target 'y' has the one class 'a' in every row"),
        (["a"], {}, "target 'y' has the one class 'a' in every row"),
        ([""], {}, "target 'y' has no value in any row"),
        ([3], {}, "target 'y' is 3 in every row"),
        ([f"id{i}" for i in range(30)], {}, "target 'y' holds 30 different texts"),
        (["a", "b"], {"target": ["y", "n"]}, r"target 'y' holds categories \(a, b\); several targets must be numbers"),
    ],
)
def test_a_target_from_which_nothing_can_be_learnt_is_named(tmp_path, labels, options, message):
    csv_error(tmp_path, column_of(range(max(4, len(labels))), labels), message, **options)


def test_several_targets_that_no_row_has_together_are_named(tmp_path):
    csv_error(tmp_path, "x,y,z\n1,2,\n2,,3\n", "no row has a value of all targets y, z", target=["y", "z"])


SPLIT = "x,n,s,y\n1,1,train,a\n2,2,train,b\n3,3,test,a\n4,4,test,b\n"


@pytest.mark.parametrize(
    "old, new, use, message",
    [
        ("3,3,test", "3,3,tset", "split_column", "'s' holds 'tset' in row 3; expected one of train, validation, test"),
        ("3,3,test", "3,3,", "split_column", "'s' holds '' in row 3"),
        ("test", "train", "split_column", "no labelled row for test"),
        ("train,b", "test,b", "split_column", "leaves no train row of class 'b'"),
        ("3,3,test", "3,3,", "group", "column 's' is empty in row 3"),
    ],
)
def test_a_split_column_or_groups_name_the_row_part_or_class_that_is_wrong(tmp_path, old, new, use, message):
    csv_error(tmp_path, SPLIT.replace(old, new), message, **{use: "s"})


def test_options_from_yaml_are_checked_by_type(own):
    options = {"target": ["a", "b"], "ignore": list(unused("a", "b")), "delimiter": ","}
    assert table(own, **options)["all"].count == 5
    for wrong in ({"file": "../other.csv"}, {"delimiter": ", "}, {"ignores": ["a"]}):
        with pytest.raises(PareError, match="options of reader 'table' do not fit"):
            table(own, **wrong)


def test_dates_become_days_since_the_one_that_the_option_names(tmp_path):
    (tmp_path / "t.csv").write_text("when,y\n2024-03-01,a\n2024-02-28T12:00:00,b\n,a\n31.12.2023,b\n")
    x, _ = all_rows(table(tmp_path, target="y", dates={"when": "2024-02-28"})["all"])
    np.testing.assert_array_equal(x[:, 0], [2, 0.5, np.nan, -59])  # 2024 is a leap year
    soon, asked = "when,n,y\n2024-03-01,1,a\nsoon,2,b\n", {"dates": {"when": date(2024, 1, 1)}}
    csv_error(tmp_path, soon, "'when' holds 'soon' in row 2; expected a date", **asked)
    csv_error(tmp_path, soon, "says something of the columns of 'dates'", calendar={"when": []})


def test_a_number_that_is_missing_may_be_written_as_one(tmp_path):
    (tmp_path / "t.csv").write_text(column_of([1.5, -999, "-999.0", 2]))
    samples = table(tmp_path, target="y", missing=[-999])["all"]
    np.testing.assert_array_equal(all_rows(samples)[0][:, 0], np.array([1.5, np.nan, np.nan, 2], np.float32))


@pytest.mark.parametrize("missing", [False, True])
def test_categories_of_more_digits_than_a_float_has_stay_apart(tmp_path, missing):
    sites = pd.array([2**53, 2**53 + 1, None if missing else 2**53 + 2, 2**53 + 1] * 3, dtype="Int64")
    pd.DataFrame({"site": sites, "y": np.arange(12) % 3}).to_parquet(tmp_path / "t.parquet")
    samples = table(tmp_path, target="y", categorical=("site",))["all"]
    expected = [str(2**53 + i) for i in range(2 if missing else 3)]
    assert samples.categories == [expected]
    np.testing.assert_array_equal(samples.read(0, 4)[0][:, 0], [0, 1, np.nan if missing else 2, 1])
