"""Rows in memory become the inputs that a file of them becomes: compared with the reader of files."""

import numpy as np
import pandas as pd
import pytest

from pare.config.schema import ReaderConfig
from pare.data.own.array_rows import channels_first
from pare.data.own.findings import Question
from pare.data.own.look import inspect_files
from pare.data.registries import open_format
from pare.estimators.inputs import InvalidRows, as_given, channel_axis, coarse_numbers, frame_of, is_table, table_rows


def read(frame, y=None):
    """A table as `fit` reads it, to predict numbers that say nothing."""
    y = np.random.default_rng(0).normal(size=len(frame)) if y is None else y
    return table_rows(frame, y, None, are_numbers=True, ordered=False)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([1, 2, 3], None),
        (["1", "2.5", None], None),
        (["b", "a", None, "b"], ["a", "b"]),
        ([True, False], ["False", "True"]),
        (pd.Categorical(["x", "y"], categories=["y", "x", "z"]), ["y", "x", "z"]),
        (pd.Categorical([3, 1]), ["1", "3"]),
        (pd.Categorical([" a", "b "], categories=["b ", " a"]), ["b", "a"]),
        (pd.to_timedelta([1, 2, 5], unit="h"), None),
    ],
)
def test_levels(values, levels):
    rows, _ = read(pd.DataFrame({"column": values}))
    assert rows.categories == [levels]


def messy():
    """Sixty rows of all kinds of columns, as an export writes them."""
    rng = np.random.default_rng(1)
    numbers = [f"{value:.3f}" for value in rng.normal(size=60)]
    numbers[7], numbers[30] = "NA", "n/a"
    return pd.DataFrame(
        {
            "number": rng.normal(size=60),
            "written": numbers,
            "site": rng.choice([" north", "south ", "east"], 60),
            "when": [f"{1 + row // 28:02}/{1 + row % 28:02}/2024" for row in range(60)],
            "lead": [f"{value:.2f} mg/l" for value in rng.lognormal(size=60)],
            "cadmium": ["<0.5" if value < 0.5 else f"{value:.2f}" for value in rng.lognormal(size=60)],
            "id": [f"sample {row}" for row in range(60)],
            "empty": [None] * 60,
            "constant": ["x"] * 60,
            "old": rng.random(60) > 0.5,
        }
    )


def test_a_table_in_memory_becomes_what_its_file_becomes(tmp_path):
    frame, y = messy(), np.random.default_rng(2).normal(size=60)
    rows, remarks = read(frame, y)
    frame.assign(y=y).to_csv(tmp_path / "messy.csv", index=False)
    found = inspect_files([tmp_path / "messy.csv"], Question(target=("y",)))
    samples = open_format(ReaderConfig(name=found.reader, options=found.options)).read(tmp_path)["all"]
    np.testing.assert_allclose(rows.x, samples.read(0, 60)[0], rtol=1e-6)
    assert (rows.columns, rows.categories) == (samples.columns, samples.categories)
    said = "; ".join(remarks)
    for remark in (
        "'NA' is read as missing in written (1 row)",
        "1 column without a value (empty)",
        "(constant)",
        "differ in id",
        "read as their limit, as if it were measured: cadmium",
        "numbers of lead have the unit mg/l",
    ):
        assert remark in said
    assert not any("--" in remark for remark in remarks)
    new = open_format(ReaderConfig(**rows.reader)).new_rows(frame[5:9], rows)
    np.testing.assert_array_equal(new.read(0, 4), rows.x[5:9])


def test_numbers_with_decimal_commas_are_numbers():
    rows, _ = read(pd.DataFrame({"price": [f"{i},5" for i in range(300)]}))
    assert (rows.categories, rows.reader["options"]) == ([None], {"decimal": ","})
    np.testing.assert_array_equal(rows.x[:, 0], np.arange(300) + 0.5)


def test_columns_that_name_rows_are_left_out():
    frame = pd.DataFrame({"id": [f"n{i}" for i in range(30)], "site": ["a", "b"] * 15})
    rows, remarks = read(frame)
    assert rows.columns == ["site"]
    assert "left out: nearly all texts differ in id; the dtype 'category' makes categories of them" in remarks
    assert read(frame.astype("category"))[0].columns == ["id", "site"]


def test_columns_whose_numbers_are_merged_in_32_bits_are_named():
    seconds = 1.7e9 + np.arange(50.0)
    table = np.column_stack([np.arange(50.0), seconds, seconds])
    assert coarse_numbers(seconds, "x")[0].startswith("x has 50 different numbers, of which 32 bits tell")
    assert [remark.split(" has ")[0] for remark in coarse_numbers(table, "x")] == ["x1", "x2"]


def test_numbers_alone_are_no_table_unless_they_have_names():
    assert not is_table([[1, 2], [3, 4]])
    assert is_table([[1, "a"], [3, "b"]])
    assert is_table(pd.DataFrame({"a": [1, 2]}))


def test_columns_without_names_are_numbered():
    assert list(frame_of([[1, "a"]]).columns) == ["x0", "x1"]
    assert read(pd.DataFrame({7: [1, 2]}))[0].columns == ["7"]


def test_columns_of_one_name_are_refused():
    with pytest.raises(InvalidRows, match="several columns are named '1', 'a'"):
        read(pd.DataFrame([[1, "b", 2, 3, "c"]], columns=["a", "b", "a", 1, "1"]))


def test_years_codes_and_categories_are_no_dates():
    columns = {
        "year": ["2019", "2020"],
        "code": ["20190101", "x1"],
        "day": pd.Categorical(["2019-01-01", "2020-01-01"]),
    }
    frame = pd.DataFrame({**columns, "when": ["2019-01-01", "2019-01-03"]})
    with pytest.raises(InvalidRows, match="column 'code' holds text in row 2, 'x1', where most rows hold numbers"):
        read(frame)
    rows, _ = read(frame.astype({"code": "category"}))
    assert rows.reader["options"]["dates"] == {"when": "2019-01-01"}
    assert rows.categories == [None, ["20190101", "x1"], ["2019-01-01", "2020-01-01"], None]
    assert list(rows.x[:, 3]) == [0, 2]


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
