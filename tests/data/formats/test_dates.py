"""What a calendar says of dates, against Python's own."""

from datetime import UTC, date, datetime
from math import cos, pi, sin

import numpy as np
import pandas as pd
import pytest

from pare.config.errors import PareError
from pare.data.formats.dates import Dates, are_days, date_options, date_order

TEXTS = ["2024-02-29 06:00", "2023-12-31 23:30", None, "2024-07-01 12:00"]


def test_each_part_says_what_a_calendar_says():
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "when": TEXTS, "b": list("wxyz")})
    parts = {"when": ["season", "weekday", "time_of_day"]}
    dates = Dates(dates={"when": date(2024, 1, 1)}, calendar=parts)
    found = dates.with_days(frame, "t.csv")
    added = ("season, cosine", "season, sine", "weekday", "time of day, cosine", "time of day, sine")
    assert list(found) == ["a", "when", *(f"when ({name})" for name in added), "b"]
    assert dates.own_columns(list(found)) == ["a", "when", "b"]
    for i, text in enumerate(TEXTS):
        if text is None:
            assert found.loc[i, "when":"when (time of day, sine)"].isna().all()
            continue
        time = datetime.fromisoformat(text).replace(tzinfo=UTC)
        day = (time.hour + time.minute / 60) / 24
        year = (time.timetuple().tm_yday - 1 + day) / 365.25
        assert found["when (weekday)"][i] == time.strftime("%A")
        numbers = found.loc[i, ["when", "when (season, cosine)", "when (season, sine)"]].tolist()
        days = (time - datetime(2024, 1, 1, tzinfo=UTC)).total_seconds() / 86400
        np.testing.assert_allclose(numbers, [days, cos(2 * pi * year), sin(2 * pi * year)])
        times = found.loc[i, ["when (time of day, cosine)", "when (time of day, sine)"]].tolist()
        np.testing.assert_allclose(times, [cos(2 * pi * day), sin(2 * pi * day)], atol=1e-12)


@pytest.mark.parametrize(
    ("dates", "parts"),
    [
        (pd.date_range("2023-01-01", "2023-12-31"), []),  # of less than a year the number of days says all
        (pd.date_range("2023-01-01", "2024-01-01"), ["season"]),
        (pd.date_range("1950-01-01", "1990-01-01", freq="YS"), []),  # each the first of January
        (pd.date_range("2023-03-01", "2023-03-05", freq="h"), ["time_of_day"]),
        (pd.date_range("2023-03-01 12:00", "2026-03-05 12:00"), ["season"]),  # at noon
        (pd.Index(["soon", "2023-03-01"]), []),
    ],
)
def test_parts_are_proposed_where_they_say_something(dates, parts):
    found = date_options([pd.Series(dates.astype(str), name="when")])
    assert found.get("calendar", {}) == ({"when": parts} if parts else {})


def test_a_value_that_is_no_date_is_named():
    with pytest.raises(PareError, match=r"^t\.csv: column 'when' holds 'soon' in row 2; expected a date"):
        Dates(dates={"when": date(2024, 1, 1)}).with_days(pd.DataFrame({"when": ["2024-01-01", "soon"]}), "t.csv")


@pytest.mark.parametrize("codes", [["1001-2", "2044-1"], ["1010", "2345"], ["0101", "0202"], ["now", "now"]])
def test_codes_are_no_dates(codes):
    assert date_options([pd.Series(codes, name="code")]) == {}


@pytest.mark.parametrize(
    "written", ["2024-05-31", "2024/05/31", "2024-05", "20240531", "2024-05-31T12:00", "2024-05-31 12:00:00+02:00"]
)
def test_usual_ways_to_write_a_date_are_known(written):
    assert date_options([pd.Series([written] * 3, name="when")])["dates"]["when"].startswith("2024-05")


@pytest.mark.parametrize(
    ("order", "others"),
    [
        (None, ["31.12.2024", "31 Dec 2024"]),
        ("day_first", ["31/12/2024", "31-12-2024"]),
        ("month_first", ["12/31/2024 06:00", "12/31/24"]),
    ],
)
def test_a_column_may_have_its_dates_in_several_forms(order, others):
    column = pd.Series(["2024-01-01 00:00:00", *others, None] * 5, name="when")
    found = date_order([column], "t.csv")
    assert (found, date_options([column], found)) == (order, {"dates": {"when": "2024-01-01"}})
    days = Dates(dates={"when": date(2024, 1, 1)}, date_order=order).with_days(column.to_frame(), "t.csv")
    np.testing.assert_array_equal(np.floor(days["when"]), [0, 365, 365, np.nan] * 5)


@pytest.mark.parametrize("missing", [False, True])
def test_days_as_whole_numbers_are_dates_and_others_are_none(missing):
    days = pd.Series([20231230, 20231231, 20240101, None if missing else 20240102], name="day")
    assert days.dtype.kind == ("f" if missing else "i")
    assert are_days(days) and date_options([days])["dates"] == {"day": "2023-12-30"}
    table = Dates(dates={"day": date(2024, 1, 1)}).with_days(days.to_frame(), "t.csv")
    assert table["day"].tolist()[:3] == [-2, -1, 0]
    for others in ([20231230, 20231232], [2023, 2024], [20231230.5], [9007199254740993], [True, False]):
        assert not are_days(pd.Series(others))
