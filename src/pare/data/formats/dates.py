"""Columns of dates, as numbers that a model can use: days since a first one, and what a calendar says of them.

skrub's ToDatetime takes 03/04/2024 for March without a word, and refuses a word for a missing value, years of two
digits, and a column in which the forms of dates differ (version 0.11).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pare.config.errors import PareError, unknown_name
from pare.config.strict import Strict
from pare.data.formats.table_files import present_text
from pare.data.formats.written_numbers import means_no_value

DateOrder = Literal["day_first", "month_first"]
Calendar = Literal["season", "weekday", "time_of_day"]
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
# Those next to ISO 8601 in which day and month cannot be confused: 31.5.2024, perhaps with a time, and names of months.
NAMED = ("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
CLEAR = (*(f"%d.%m.%Y{time}" for time in TIMES[:3]), *NAMED)
SLASHED: dict[DateOrder, tuple[str, ...]] = {
    "day_first": tuple(map("".join, product(("%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y"), TIMES))),
    "month_first": tuple(map("".join, product(("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y"), TIMES))),
}
ISO = r"\d{4}(?:-\d{2}-\d{2}|/\d{2}/\d{2})(?:[T ].*)?|(?:1[89]|20)\d{2}(?:-\d{2}|\d{4})"  # a day, 2024-05 or 20240531
NUMBERS_WITH_SLASHES = r"(\d{1,2})(?:/(?=\d{1,2}/)|-(?=\d{1,2}-\d{4}))(\d{1,2})[/-](?:\d{4}|\d{2})(?:\s.*)?"
DAYS = (18_000_101, 20_991_231)  # written as whole numbers
DAY = pd.Timedelta(days=1)
YEAR = 365.25  # days
# The columns that each part of a calendar adds: where times are on a circle, and the name of a day.
ADDED: dict[Calendar, tuple[str, ...]] = {
    "season": ("season, cosine", "season, sine"),
    "weekday": ("weekday",),
    "time_of_day": ("time of day, cosine", "time of day, sine"),
}


def slashed_numbers(column: pd.Series) -> pd.DataFrame | None:
    """The first two numbers of dates with slashes or dashes, ``(dates, 2)``; None where a value is no date at all."""
    text = _date_texts(column)
    parts = text.str.extract(f"^{NUMBERS_WITH_SLASHES}$")
    are_slashed = parts.notna().all(axis=1)
    if not are_slashed.any() or _times(text[~are_slashed], None).isna().any():
        return None
    parts = parts[are_slashed].astype(int)
    return parts if (parts.min(axis=1).between(1, 12) & (parts.max(axis=1) <= 31)).all() else None


def date_order(columns: Iterable[pd.Series], where: str, said: DateOrder | None = None) -> DateOrder | None:
    """Whether day or month comes first where dates are written as 03/12/2024 or 03-12-2024, by the numbers above 12.

    Args:
        columns: columns of a table; those without such dates are passed over.
        where: what messages call the table.
        said: the order by the user's words, which is needed where no number is above 12.

    Returns:
        The order, None where no column has such dates.

    Raises:
        PareError: if nothing tells the order, or rows tell another one, or different ones.
    """
    found = {str(column.name): parts for column in columns if (parts := slashed_numbers(column)) is not None}
    if not found:
        return None
    clear = {
        order: [repr(name) for name, parts in found.items() if (parts[place] > 12).any()]
        for place, order in enumerate(SLASHED)
    }
    orders = {order for order, names in clear.items() if names} | ({said} if said else set())
    if len(orders) == 1:
        return orders.pop()
    if not orders:
        raise PareError(
            f"{where}: no date of {', '.join(map(repr, found))} has a number above 12, so that nothing tells whether "
            "day or month comes first. Say --dates day_first or --dates month_first, or leave it out: --ignore NAME"
        )
    told = "; ".join(f"{order} in {', '.join(names)}" for order, names in clear.items() if names)
    raise PareError(
        f"{where}: dates such as 03/12/2024 are {told}{f', and --dates says {said}' if said else ''}; write all dates "
        "of the table in one order, or such as 2024-05-31, or leave columns out: --ignore NAME"
    )


class Dates(Strict):
    """Options of a table: its columns of dates.

    Attributes:
        dates: columns of dates, each with its day 0, in UTC; they become the number of days since, with a time of the
            day as their fraction.
        date_order: order of day and month in dates such as 03/12/2024 or 03-12-2024; None: there are none.
        calendar: what further columns say of dates: ``season`` and ``time_of_day``, a cosine and a sine each,
            and ``weekday``, a category.
    """

    dates: dict[str, date] = Field(default_factory=dict)
    date_order: DateOrder | None = None
    calendar: dict[str, list[Calendar]] = Field(default_factory=dict)

    def with_days(self, frame: pd.DataFrame, where: str) -> pd.DataFrame:
        """A table with days in place of dates, each followed by what a calendar says of it.

        Args:
            frame: with rows from 0.
            where: what messages call the table.

        Raises:
            PareError: if a value is no date, or a calendar says something of a column that is none of dates.
        """
        for dated in self.calendar:
            if dated not in self.dates:
                raise unknown_name(
                    "column", dated, self.dates, f"{where}: a calendar says something of the columns of 'dates'"
                )
        if not self.dates:
            return frame
        columns: dict[Any, pd.Series] = {}
        for name, column in frame.items():
            columns[name] = column
            if name in self.dates:
                times = times_of(column, where, self.date_order)
                columns[name] = (times - pd.Timestamp(self.dates[str(name)], tz="UTC")) / DAY
                for part in self.calendar.get(str(name), ()):
                    columns |= dict(zip(_added(str(name), part), _said(times, part), strict=True))
        return pd.DataFrame({name: column.reindex(frame.index) for name, column in columns.items()})

    def own_columns(self, columns: Sequence[str]) -> list[str]:
        """Those of the columns that the user's table has: without what a calendar added."""
        added = [name for date, parts in self.calendar.items() for part in parts for name in _added(date, part)]
        return [name for name in columns if name not in added]


def _added(name: str, part: Calendar) -> list[str]:
    """Names of the columns that a part of a calendar adds to one of dates."""
    return [f"{name} ({added})" for added in ADDED[part]]


def _said(times: pd.Series, part: Calendar) -> list[pd.Series]:
    """What a part of a calendar says of times, in the order of `ADDED`."""
    if part == "weekday":
        return [times.dt.day_name()]
    of_day = (times - times.dt.normalize()) / DAY
    turns = of_day if part == "time_of_day" else (times.dt.day_of_year - 1 + of_day) / YEAR
    return [np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)]


def date_options(columns: Iterable[pd.Series], order: DateOrder | None = None) -> dict[str, Any]:
    """Options of those columns that hold dates, ``dates`` and ``calendar``; none where none do.

    Args:
        columns: columns of text or times.
        order: order of day and month in dates such as 03/12/2024; None: there are none.
    """
    found = {str(column.name): times for column in columns if (times := all_times(column, order)) is not None}
    dates = {name: times.min().date().isoformat() for name, times in found.items()}
    calendar = {name: parts for name, times in found.items() if (parts := _calendar_of(times))}
    return {name: option for name, option in (("dates", dates), ("calendar", calendar)) if option}


def _calendar_of(times: pd.Series) -> list[Calendar]:
    """What a calendar can say of times, next to their number of days.

    The season where they go through a year or more, in three months of it or more; the time of day where there are
    three different ones. A weekday is for the user to ask for: few measurements of nature depend on it.
    """
    whole_year = (times.max() - times.min()) / DAY >= int(YEAR) and times.dt.month.nunique() > 2
    several = (times - times.dt.normalize()).nunique() > 2
    found: dict[Calendar, bool] = {"season": whole_year, "time_of_day": several}
    return [part for part, says in found.items() if says]


def date_of_rows(columns: Iterable[pd.Series], order: DateOrder | None = None, *, falling: bool = False) -> str | None:
    """The first column of dates in whose order the rows are, most of them at times of their own; None where none is.

    Args:
        columns: columns of text or times.
        order: order of day and month in dates such as 03/12/2024; None: there are none.
        falling: whether the newest row is to be the first.
    """
    for column in columns:
        times = all_times(column, order)
        if times is None:
            continue
        rises = times[::-1].is_monotonic_increasing if falling else times.is_monotonic_increasing
        if rises and times.nunique() > len(column) / 2:
            return str(column.name)
    return None


def times_of(column: pd.Series, where: str, order: DateOrder | None = None) -> pd.Series:
    """The times of the rows that have one, perhaps written in several forms.

    Args:
        column: dates, missing ones as in other columns.
        where: what messages call the table.
        order: order of day and month in dates such as 03/12/2024; None: there are none.

    Raises:
        PareError: if a value is no date.
    """
    text = _date_texts(column)
    times = _times(text, order)
    if times.isna().any():
        wrong = text[times.isna()]
        slashed = {None: "", "day_first": ", or 31/05/2024", "month_first": ", or 05/31/2024"}[order]
        raise PareError(
            f"{where}: column {column.name!r} holds {wrong.iloc[0]!r} in row {wrong.index[0] + 1}; expected a "
            f"date such as 2024-05-31 or 31.05.2024{slashed}"
        )
    return times


def all_times(column: pd.Series, order: DateOrder | None = None) -> pd.Series | None:
    """The times of a column whose values are all dates, perhaps written in several forms; None for another column."""
    times = _times(_date_texts(column), order)
    return times if len(times) and times.notna().all() else None


def are_days(column: pd.Series) -> bool:
    """Whether whole numbers are days such as 20240531, each of them one that a calendar has."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind not in "iuf":
        return False
    return bool(column.dropna().between(*DAYS).all()) and all_times(column) is not None


def _date_texts(column: pd.Series) -> pd.Series:
    """Texts of a column that may hold dates, without words for a missing value."""
    if column.dtype.kind == "f" and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")  # 20240531 next to rows without a value
    text = present_text(column)
    return text[~means_no_value(text)]


def _times(text: pd.Series, order: DateOrder | None) -> pd.Series:
    """The time of each text in the first form that it has; missing for one that is no date."""
    codes, different = pd.factorize(text)
    levels = pd.Series(different, dtype=object)
    # pandas takes 1001-2, 0101 and the word now for dates as well.
    iso = levels.where(levels.str.fullmatch(ISO).astype(bool))
    times = pd.to_datetime(iso, format="ISO8601", utc=True, errors="coerce")
    numbered = levels.where(levels.str.contains(r"\d").astype(bool))
    for form in CLEAR if order is None else CLEAR + SLASHED[order]:
        if times.isna().any():
            times = times.fillna(pd.to_datetime(numbered, format=form, utc=True, errors="coerce"))
    return times.take(codes).set_axis(text.index)
