"""Which columns are numbers and which are categories."""

import pandas as pd
import pytest

from pare.estimators.tables import column_levels, columns_of, frame_of, is_mixed


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([1, 2, 3], None),
        (["1", "2.5", None], None),
        (["b", "a", None, "b"], ["a", "b"]),
        ([True, False], ["False", "True"]),
        (pd.Categorical(["x", "y"], categories=["y", "x", "z"]), ["y", "x", "z"]),
        (pd.Categorical([3, 1]), ["1", "3"]),
    ],
)
def test_levels(values, levels):
    assert column_levels(pd.Series(values)) == levels


def test_many_numbers_with_commas_are_no_categories():
    written = pd.DataFrame({"price": [f"{i},5" for i in range(300)]})
    with pytest.raises(ValueError, match=r"column 'price' holds 300 different texts, such as '0,5'.* decimal point"):
        columns_of(written, "X")


def test_columns_that_name_rows_are_left_out():
    frame = pd.DataFrame({"id": [f"n{i}" for i in range(30)], "site": ["a", "b"] * 15})
    with pytest.warns(UserWarning, match="X: nearly all texts differ in id"):
        columns, left = columns_of(frame, "X")
    assert columns.columns == list(left) == ["site"]
    assert columns_of(frame.astype("category"), "X")[0].columns == ["id", "site"]


def test_numbers_alone_are_not_mixed():
    assert not is_mixed(pd.DataFrame({"a": [1, 2], "b": [0.5, None]}))
    assert not is_mixed([[1, 2], [3, 4]])
    assert is_mixed([[1, "a"], [3, "b"]])
    assert is_mixed(pd.DataFrame({"a": [True, False]}))


def test_columns_without_names_are_numbered():
    assert list(frame_of([[1, "a"]]).columns) == ["x0", "x1"]
    assert list(frame_of(pd.DataFrame({7: [1]})).columns) == ["7"]


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="several columns of X are named '1', 'a'"):
        frame_of(pd.DataFrame([[1, "b", 2, 3, "c"]], columns=["a", "b", "a", 1, "1"]))


def test_years_codes_and_categories_are_no_dates():
    columns = {
        "year": ["2019", "2020"],
        "code": ["20190101", "x1"],
        "day": pd.Categorical(["2019-01-01", "2020-01-01"]),
    }
    columns, frame = columns_of(pd.DataFrame(columns | {"when": ["2019-01-01", "2019-01-03"]}), "X")
    assert columns.dates == {"dates": {"when": "2019-01-01"}}
    assert columns.categories == [None, ["20190101", "x1"], ["2019-01-01", "2020-01-01"], None]
    assert list(frame["when"]) == [0, 2]


def test_a_table_without_rows_is_refused():
    with pytest.raises(ValueError, match="X has no rows"):
        frame_of(pd.DataFrame({"a": ["x"]})[:0])
