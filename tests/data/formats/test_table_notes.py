"""Rows that are no samples: what is left out, and what is not."""

import pandas as pd
import pytest

from pare.data.formats.table_notes import leave_out_notes

ROWS = [[1.5, 10, "oak"], [2.5, 20, "fir"], [4, 70, "oak"]]


def trimmed(*rows, apart=()):
    frame, findings = leave_out_notes(pd.DataFrame([*rows], columns=["a", "b", "kind"], dtype=object), apart)
    return frame.to_numpy(dtype=object).tolist(), findings


@pytest.mark.parametrize("units", [["mg/l", "kg", None], ["[mg/l]", "[kg]", "[-]"], ["°C", None, None]])
def test_a_row_of_units_is_left_out_and_told(units):
    rows, (finding,) = trimmed(units, *ROWS)
    assert rows == ROWS and f"{units[0]} of a" in finding and "is left out" in finding


@pytest.mark.parametrize("first", [["n.d.", "n.d.", None], ["<5", "<7", "oak"], ["kg", "kg", "oak"], [None, 3, "mg"]])
def test_a_row_with_words_for_no_value_or_of_a_known_class_is_a_sample(first):
    assert trimmed(first, *ROWS)[0][0][-1] in (first[-1], None) and len(trimmed(first, *ROWS)[0]) == 4


def test_notes_below_a_table_are_left_out_and_told():
    rows, findings = trimmed(*ROWS, ["Source: our garden", None, None], [None, None, "measured by hand"])
    assert rows == ROWS
    assert findings == ["below the table, left out: 'Source: our garden', 'measured by hand'"]
    assert len(trimmed(*ROWS, ["s4", None, None])[0]) == 4, "a sample without values"
    assert len(trimmed(*ROWS, ["s4", None, None], apart=[3])[0]) == 3, "below an empty row"


@pytest.mark.parametrize(("last", "what"), [([8.0, 100, "Total"], "sum"), ([2.667, 33.3, "Mean:"], "mean")])
def test_a_row_that_sums_up_the_others_is_left_out(last, what):
    rows, findings = trimmed(*ROWS, last)
    assert rows == ROWS and findings == [f"the last row is the {what} of all others and is left out"]


def test_a_row_of_that_name_with_other_numbers_stays_and_is_told():
    rows, findings = trimmed(*ROWS, [9.0, 5, "Total"])
    assert len(rows) == 4 and findings == ["the last row begins with 'total'; if it sums up the others, remove it"]


def test_sums_without_a_word_are_sure_only_below_many_rows():
    for count, left in ((5, 6), (20, 20)):
        frame = pd.DataFrame({"a": [i / 8 for i in range(count)], "b": [i**2 for i in range(count)]})
        frame.loc[count] = frame.sum()
        assert len(leave_out_notes(frame)[0]) == left
