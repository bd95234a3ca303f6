"""Sheets of Excel as people fill them: what is read, what is said of it, and what is refused."""

from datetime import datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.data.formats.delimited_text import Dialect
from pare.data.formats.table_files import load_table

openpyxl = pytest.importorskip("openpyxl")
FRAME = pd.DataFrame({"a": [1.5, 2.25, 4.0, 0.5], "b": [10, 20, 70, 40], "kind": list("xyxy")})
HEADER, ROWS = list(FRAME), FRAME.to_numpy(dtype=object).tolist()


def book(path, fill):
    """An Excel file that a function fills; what is read of it."""
    made = openpyxl.Workbook()
    fill(made, made.active)
    made.save(path / "t.xlsx")
    return load_table(path / "t.xlsx", Dialect())


def put(sheet, *rows, row=1, column=1):
    for i, values in enumerate(rows):
        for j, value in enumerate(values):
            sheet.cell(row + i, column + j, value)


def test_two_header_rows_are_joined_where_the_upper_one_is_merged(tmp_path):
    def fill(_, sheet):
        put(sheet, ["soil", None, "kind"], ["pH", "N", None], *ROWS)
        sheet.merge_cells("A1:B1")
        sheet.merge_cells("C1:C2")

    loaded = book(tmp_path, fill)
    assert loaded.findings == ("two header rows are joined: 'soil pH', 'soil N'",)
    pd.testing.assert_frame_equal(
        loaded.frame, FRAME.set_axis(["soil pH", "soil N", "kind"], axis=1), check_dtype=False
    )


def test_two_header_rows_are_joined_where_the_upper_one_has_twins(tmp_path):
    loaded = book(tmp_path, lambda _, sheet: put(sheet, ["soil", "soil", "kind"], ["pH", "N", "kind"], *ROWS))
    assert list(loaded.frame) == ["soil pH", "soil N", "kind"] and len(loaded.frame) == 4


def test_a_first_sample_below_merged_names_stays_one(tmp_path):
    def fill(_, sheet):
        put(sheet, ["name", None, "kind"], ["Ann", "Oak", "x"], ["Bob", "Fir", "y"], ["Eve", "Elm", "x"])
        sheet.merge_cells("A1:B1")

    assert book(tmp_path, fill).frame["name"].tolist() == ["Ann", "Bob", "Eve"]


@pytest.mark.parametrize(
    ("above", "told"),
    [
        ([["Soil of May"], []], "'Soil of May'"),
        ([["Soil of May"], ["Project", "Alpha"], [], []], "'Soil of May', 'Project'"),
    ],
)
def test_lines_above_the_header_are_left_out_and_told(tmp_path, above, told):
    loaded = book(tmp_path, lambda _, sheet: put(sheet, *above, HEADER, *ROWS, row=2, column=3))
    pd.testing.assert_frame_equal(loaded.frame, FRAME, check_dtype=False)
    assert loaded.findings == (f"above the header, left out: {told}",)


def test_units_notes_and_empty_rows_are_left_out_and_told(tmp_path):
    below = [[], ["by hand, 2024"], [None, "checked"]]
    loaded = book(tmp_path, lambda _, sheet: put(sheet, HEADER, ["mg/l", "kg"], *ROWS[:2], [], *ROWS[2:], *below))
    pd.testing.assert_frame_equal(loaded.frame, FRAME, check_dtype=False)
    assert loaded.findings == (
        "the row below the header has units or other words and is left out: mg/l of a, kg of b",
        "below the table, left out: 'by hand, 2024', 'checked'",
        "empty rows are left out: 1 between others",
    )


def test_cells_merged_across_columns_are_refused(tmp_path):
    def fill(_, sheet):
        put(sheet, HEADER, *ROWS)
        sheet.merge_cells("A3:B3")

    with pytest.raises(PareError, match=r"cells A3:B3 are merged across columns; split them"):
        book(tmp_path, fill)


def test_the_sheet_that_is_read_is_told_where_there_are_others(tmp_path):
    def fill(made, sheet):
        sheet.title = "Read me"
        put(sheet, ["These are", None], ["soils"])
        put(made.create_sheet("2024"), HEADER, *ROWS)
        put(made.create_sheet("2023"), HEADER, *ROWS[:3])
        hidden = made.create_sheet("draft")
        put(hidden, HEADER, *ROWS)
        hidden.sheet_state = "hidden"

    loaded = book(tmp_path, fill)
    assert len(loaded.frame) == 4
    assert loaded.findings == (
        "only sheet '2024' is read; there are tables in 2023 as well",
        "hidden sheets are not read: draft",
    )


def test_hidden_rows_and_columns_are_read_and_told(tmp_path):
    def fill(_, sheet):
        put(sheet, HEADER, *ROWS)
        sheet.column_dimensions["B"].hidden = True
        sheet.row_dimensions[3].hidden = True

    loaded = book(tmp_path, fill)
    pd.testing.assert_frame_equal(loaded.frame, FRAME, check_dtype=False)
    assert loaded.findings == (
        "1 hidden row of the sheet is read as well",
        "hidden columns of the sheet are read as well: b",
    )


def test_tables_next_to_each_other_are_refused(tmp_path):
    def fill(_, sheet):
        put(sheet, HEADER, *ROWS, *ROWS)
        put(sheet, ["p", "q"], [1, 2], [3, 4], column=6)

    with pytest.raises(PareError, match="'p', 'q' end in another row than the columns on the other side of an empty"):
        book(tmp_path, fill)


def test_an_empty_column_within_a_table_is_left_out(tmp_path):
    loaded = book(tmp_path, lambda _, sheet: put(sheet, ["a", None, "b"], *([a, None, b] for a, b, _ in ROWS)))
    pd.testing.assert_frame_equal(loaded.frame, FRAME[["a", "b"]], check_dtype=False)


@pytest.mark.parametrize("cells", [["D2"], ["D2", "D3", "D4", "D5"]])
def test_formulas_without_results_are_refused(tmp_path, cells):
    def fill(_, sheet):
        put(sheet, [*HEADER, "sum"], *([*row, 1] for row in ROWS))
        for cell in cells:
            sheet[cell] = "=A2+B2"

    with pytest.raises(PareError, match=rf"no results of {len(cells)} formulas? \(D2.*open it in Excel or LibreOffice"):
        book(tmp_path, fill)


def test_errors_of_formulas_are_missing_and_told(tmp_path):
    errors = [["#DIV/0!", 1, "x"], [2, "#N/A", "y"], ["#REF!", 3, "x"]]
    loaded = book(tmp_path, lambda _, sheet: put(sheet, HEADER, *ROWS, *errors))
    assert loaded.frame["a"].isna().sum() == 2 and loaded.frame["b"].isna().sum() == 1
    assert loaded.findings == ("errors of formulas, such as #DIV/0!, are read as missing: a (2 rows), b (1 row)",)


def test_per_cent_are_shares_in_all_rows_or_refused(tmp_path):
    def fill(_, sheet):
        put(sheet, ["share", "kind"], [0.45, "x"], [0.5, "y"], [1, "x"])
        for row in shown:
            sheet.cell(row, 1).number_format = "0.0%"

    shown = (2, 3, 4)
    loaded = book(tmp_path, fill)
    assert loaded.frame["share"].tolist() == [0.45, 0.5, 1]
    assert loaded.findings == ("per cent are read as Excel holds them, 45 % as 0.45: share",)
    shown = (2, 3)
    with pytest.raises(PareError, match="'share' has per cent in row 2 of the sheet, and in row 4 1 without"):
        book(tmp_path, fill)


def test_times_of_the_day_and_durations_are_durations(tmp_path):
    values = [time(6, 30), timedelta(hours=30), None, time(12)]
    loaded = book(tmp_path, lambda _, sheet: put(sheet, ["t", "n"], *([value, i] for i, value in enumerate(values))))
    hours = loaded.frame["t"] / pd.Timedelta(hours=1)
    np.testing.assert_array_equal(hours, [6.5, 30, np.nan, 12])


def test_days_are_days(tmp_path):
    days = [datetime(2024, 2, 28), datetime(2024, 2, 29), datetime(2024, 3, 1)]
    loaded = book(tmp_path, lambda _, sheet: put(sheet, ["day", "n"], *([day, i] for i, day in enumerate(days))))
    assert loaded.frame["day"].diff().dropna().dt.days.tolist() == [1, 1] and not loaded.findings


def test_a_chart_as_a_sheet_is_refused(tmp_path):
    def fill(made, sheet):
        put(sheet, HEADER, *ROWS)
        made.create_chartsheet("chart")

    with pytest.raises(PareError, match="has a chart as a sheet, which cannot be read"):
        book(tmp_path, fill)
