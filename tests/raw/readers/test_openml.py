"""Tables of OpenML, good ones and what users really have."""

import json

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.raw.readers import arff_table

ARFF = """% a comment
@RELATION 'small one'
@ATTRIBUTE 'blood pressure' REAL
@attribute age INTEGER
@ATTRIBUTE id STRING
@ATTRIBUTE Class {no, 'may be', yes}
@DATA
1.5,30,a,yes
?,40,b,no
2.5,50,c,?
-1e3,60,'d,e','may be'
"""


@pytest.fixture
def table(tmp_path):
    (tmp_path / "dataset.arff").write_text(ARFF)
    (tmp_path / "dataset.json").write_text(json.dumps({"default_target": "Class", "ignored": ["id"]}))
    return tmp_path


def test_a_table_keeps_missing_values_and_drops_rows_without_label_and_ignored_columns(table):
    samples = arff_table(table)["all"]
    x, y = samples.read(0, samples.count)
    assert samples.columns == ["blood pressure", "age"] and samples.classes == ["no", "may be", "yes"]
    np.testing.assert_array_equal(x, np.array([[1.5, 30], [np.nan, 40], [-1e3, 60]], dtype=np.float32))
    np.testing.assert_array_equal(y, [2, 0, 1])
    assert x.dtype == np.float32 and y.dtype == np.int64


def test_a_table_is_read_by_rows(table):
    x, y = arff_table(table)["all"].read(1, 2)
    assert x.shape == (1, 2) and y.tolist() == [0]


def test_a_table_put_there_by_hand_needs_its_target_named(table):
    (table / "dataset.json").unlink()
    with pytest.raises(PareError, match="option 'target' to one of: blood pressure, age, id, Class"):
        arff_table(table)
    with pytest.raises(PareError, match=r"only numeric tables .* not numeric: id"):
        arff_table(table, target="Class")


@pytest.mark.parametrize(
    "target, message",
    [("class", "no target column 'class'"), ("age", "'age' is INTEGER; expected a nominal")],
)
def test_a_table_refuses_a_target_that_is_absent_or_a_number(table, target, message):
    with pytest.raises(PareError, match=message):
        arff_table(table, target)


def test_a_table_with_nominal_features_is_not_read_yet(table):
    (table / "dataset.arff").write_text(ARFF.replace("age INTEGER", "age {30,40,50,60}"))
    with pytest.raises(PareError, match="not numeric: age"):
        arff_table(table)


@pytest.mark.parametrize("ending", ["b,no\n2.5", "@DATA\n", "Class {no", "1.5,30,a,yes"])
def test_a_table_cut_short_is_named_as_such(table, ending):
    content = ARFF[: ARFF.index(ending) + len(ending)] if ending in ARFF else ARFF
    (table / "dataset.arff").write_text(content if ending != "1.5,30,a,yes" else content + "\n1,2")
    with pytest.raises(PareError, match=r"dataset.arff is .*cut short"):
        arff_table(table)


def test_a_missing_table_and_a_damaged_description_say_what_to_run(table):
    (table / "dataset.json").write_text('{"default')
    with pytest.raises(PareError, match=r"dataset.json is damaged.*--pipeline=ingest"):
        arff_table(table)
    (table / "dataset.json").unlink()
    (table / "dataset.arff").unlink()
    with pytest.raises(PareError, match=r"dataset.arff is missing; fetch it"):
        arff_table(table)
