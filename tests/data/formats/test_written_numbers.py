"""Numbers as people write them: what is read, what is said, and what is refused because it could be two things."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pare.config.errors import PareError
from pare.data.formats.written_numbers import Numbers, detect_numbers, read_numbers

NUMBERS = [1234.5, 0.25, -7654321.0, 12.0, 999.75]
# How Python's own format of 1234.5, which is 1,234.50, is written elsewhere.
WAYS = {
    "German": ",.",
    "French": ", ",
    "French, no-break": ",\u00a0",
    "French, narrow": ",\u202f",
    "Swiss": ".'",
    "Swiss, typographic": ".\u2019",
    "English": ".,",
}


def write(number, way, digits=2):
    decimal, mark = WAYS[way]
    return f"{number:,.{digits}f}".translate(str.maketrans({".": decimal, ",": mark}))


def read(**columns):
    frame = pd.DataFrame(columns)
    return read_numbers(frame, detect_numbers(frame, "t.csv")[0], "t.csv")


def error(message, thousands=None, **columns):
    with pytest.raises(PareError, match=message):
        detect_numbers(pd.DataFrame(columns), "t.csv", thousands)


@pytest.mark.parametrize("way", WAYS)
def test_numbers_of_each_country_are_read_as_they_were_written(way):
    frame, findings = read(a=[write(number, way) for number in NUMBERS], text=list("vwxyz"))
    assert frame["a"].tolist() == NUMBERS and frame["text"].tolist() == list("vwxyz")
    (finding,) = findings
    assert finding.startswith("thousands are marked by") and finding.endswith("in a is 1234.5")


@given(
    numbers=st.lists(st.decimals(-(10**7), 10**7, places=3), min_size=2, max_size=12),
    digits=st.integers(0, 3),
    way=st.sampled_from(sorted(WAYS)),
)
def test_no_number_is_read_as_another_in_a_table_of_one_country(numbers, digits, way):
    wanted = [float(round(number, digits)) for number in numbers]
    texts = [write(number, way, digits) for number in wanted]
    try:
        frame, _ = read(a=texts)
    except PareError as refused:
        assert "say --thousands" in str(refused), "both readings are open"
        return
    assert pd.to_numeric(frame["a"]).tolist() == wanted


@pytest.mark.parametrize(
    ("more", "values", "finding"),
    [
        (["5,25", "0,5"], [1234, 12], "thousands are marked by '.': 1.234 in a is 1234"),
        (["1.234.567", "1"], [1234, 12], "thousands are marked by '.': 1.234 in a is 1234, 1.234.567 in b is 1234567"),
        (["5.25", "0.5"], ["1.234", "12"], None),
    ],
)
def test_the_rest_of_a_table_tells_whether_a_point_marks_thousands(more, values, finding):
    frame, findings = read(a=["1.234", "12"], b=more)
    assert frame["a"].tolist() == values and findings == ([finding] if finding else [])


def test_a_decimal_that_could_be_thousands_is_told():
    frame = pd.DataFrame({"a": ["1.234", "12"], "b": ["5.25", "0.5"]})
    _, remarks = detect_numbers(frame, "t.csv")
    assert remarks == [
        "1.234 in a is read as 1.234, since b has decimals; if '.' marks thousands there, write them without it"
    ]


@pytest.mark.parametrize("mark", [".", ","])
def test_what_nothing_tells_is_asked(mark):
    column = [f"1{mark}234", f"56{mark}789", "12"]
    error(
        rf"1\{mark}234 in column 'a' may be 1\.234 or 1234, and no other number tells which: say --thousands", a=column
    )
    for said, values in ((mark, [1234, 56789, 12]), ("none", [1.234, 56.789, 12])):
        frame = pd.DataFrame({"a": column})
        found, _ = read_numbers(frame, detect_numbers(frame, "t.csv", said)[0], "t.csv")
        assert pd.to_numeric(found["a"]).tolist() == values


def test_tables_that_contradict_themselves_are_refused():
    error("'a' has '.' before decimals, and 'b' has it between thousands", a=["1.25", "2"], b=["1.234.567", "1"])
    error("thousands are marked by '.' and ' '", a=["1.234,5", "2"], b=["1 234,5", "2"])
    error("1.234 in column 'a' may be", a=["1.234", 0.5], b=["0,5", "1"])


def test_limits_between_numbers_are_read_as_numbers_and_counted():
    frame, findings = read(lead=["<0.05", "0.3", "> 100", "≤ 7", "1.5", "12"], age=["<18", "18-65", ">65"] * 2)
    assert frame["lead"].tolist() == [0.05, 0.3, 100, 7, 1.5, 12] and frame["age"].tolist()[0] == "<18"
    assert findings == ["read as their limit, as if it were measured: lead (3 rows, such as <0.05)"]


@pytest.mark.parametrize("column", [["<5", ">5"] * 3, ["<5", "5", ">5"] * 2, ["<=50K", ">50K"] * 3])
def test_classes_that_look_like_limits_stay_text(column):
    frame, findings = read(a=column)
    assert frame["a"].tolist() == column and not findings


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        (["5 mg/l", "0.5 mg/l", "n.d."], "mg/l"),
        (["45%", "3 %", ""], "%"),
        (["$5", "$ 7.5", None], "$"),
        (["5 years", "12 years", "7 years"], "years"),
    ],
)
def test_a_unit_that_all_rows_have_is_no_text(column, unit):
    frame = pd.DataFrame({"a": column})
    numbers, _ = detect_numbers(frame, "t.csv")
    assert numbers.units == {"a": unit}
    found, _ = read_numbers(frame, numbers, "t.csv")
    wanted = [float(text.strip("$%megarsyl/ ")) if text and text[0] != "n" else text for text in column]
    assert found["a"].dropna().tolist()[:2] == wanted[:2]


@pytest.mark.parametrize("column", [["1st", "2nd", "3rd"], ["12a", "14b", "15a"], ["007 x", "008 x", "009 x"]])
def test_names_that_begin_with_numbers_stay_text(column):
    assert detect_numbers(pd.DataFrame({"a": column}), "t.csv")[0] == Numbers()


def test_several_units_are_refused():
    error("column 'a' has several units, g and mg; write one in all rows", a=["5 g", "5 mg", "7 mg"])
    error("column 'a' has several units, none and %", a=["5", "5 %", "7"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("5 g", r"column 'a' holds '5 g' in row 2; expected a number with the unit mg behind it"),
        ("5", r"column 'a' holds '5' in row 2; expected a number with the unit mg behind it"),
        ("<5 mg", "expected a number with the unit mg"),
        ("5,5 mg", "expected a number with the unit mg"),
    ],
)
def test_new_rows_have_the_unit_of_the_task(value, message):
    with pytest.raises(PareError, match=message):
        read_numbers(pd.DataFrame({"a": ["1 mg", value]}), Numbers(units={"a": "mg"}), "new.csv")


def test_numbers_without_a_unit_are_refused_where_the_task_has_one():
    with pytest.raises(PareError, match=r"column 'a' holds '0\.45' in row 1; expected a number with the unit %"):
        read_numbers(pd.DataFrame({"a": [0.45]}), Numbers(units={"a": "%"}), "new.csv")


def test_a_decimal_point_in_a_table_of_decimal_commas_is_refused():
    with pytest.raises(PareError, match=r"'1\.234' in row 2, and decimals of the table are written with commas"):
        read_numbers(pd.DataFrame({"a": ["7", "1.234"]}), Numbers(decimal=","), "new.csv")


def test_a_typographic_minus_is_one():
    assert read(a=["−1.5", "2", "0.25"])[0]["a"].tolist() == [-1.5, 2, 0.25]


def test_usual_tables_are_returned_as_they_are():
    frame = pd.DataFrame(
        {"n": [1.5, np.nan], "t": ["x", None], "c": pd.Categorical(["1,5", "2,5"]), "b": [True, False]}
    )
    numbers, remarks = detect_numbers(frame, "t.csv")
    assert numbers == Numbers() and not remarks
    assert read_numbers(frame, numbers, "t.csv")[0] is frame
