"""Which columns are numbers and which are categories."""

import numpy as np
import pandas as pd
import pytest

from pare.data.own.array_rows import channels_first
from pare.estimators.inputs import as_given, channel_axis, column_levels, columns_of, frame_of, is_mixed, warn_of_coarse


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


def test_columns_whose_numbers_are_merged_in_32_bits_are_named_in_one_warning():
    seconds = 1.7e9 + np.arange(50.0)
    table = np.column_stack([np.arange(50.0), seconds, seconds])
    twice = pd.DataFrame(table, columns=["a", "t", "t"])
    for rows, told in ((seconds, "x has 50"), (table, "x1 has 50.*; x2 has 50"), (twice, "t has 50.*; t has 50")):
        with pytest.warns(UserWarning, match=rf"^{told} different numbers, of which 32 bits tell") as said:
            warn_of_coarse(rows, "x")
        assert len(said) == 1


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


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((30, 16, 16, 3), "last"),
        ((30, 3, 16, 16), "first"),
        ((30, 28, 28, 1), "last"),
        ((30, 100, 2), "last"),
        ((30, 2, 100), "first"),
        ((30, 10, 12), "first"),
        ((30, 100), None),
    ],
)
def test_the_short_axis_is_that_of_the_channels(shape, axis):
    assert channel_axis(shape, "auto") == axis


@pytest.mark.parametrize("shape", [(30, 16, 16), (30, 64, 100), (30, 12, 10), (30, 12, 10, 10)])
def test_where_none_is_clearly_short_the_user_has_to_say(shape):
    with pytest.raises(ValueError, match=f"say channels='first' for {shape[1]} channels of {shape[2]}"):
        channel_axis(shape, "auto")
    assert [channel_axis(shape, said) for said in ("first", "last", "none")] == ["first", "last", "none"]


def test_another_word_is_refused():
    with pytest.raises(ValueError, match="channels is 'channels_last'; expected one of auto, first, last, none"):
        channel_axis((3, 4, 5), "channels_last")


@pytest.mark.parametrize(("axis", "shape"), [("first", (2, 3, 4, 5)), ("last", (2, 4, 5, 3)), ("none", (2, 4, 5))])
def test_axes_come_back_as_they_were_given(axis, shape):
    fields = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(as_given(channels_first(fields, axis), axis), fields)
