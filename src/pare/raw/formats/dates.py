"""Columns of dates, as numbers that a model can use: days since a first one."""

from datetime import date

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.raw.formats.table_files import present_text

# Those in which day and month cannot be confused: 2024-05-31, perhaps with a time, and 31.5.2024.
FORMATS = ("ISO8601", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")
DAY = pd.Timedelta(days=1)


def first_date(column: pd.Series) -> date | None:
    """The first day of a column of dates; None where some value is no date."""
    text = present_text(column)
    for form in FORMATS:
        times = _times(text, form)
        if len(times) and times.notna().all():
            return times.min().date()
    return None


def days_since(column: pd.Series, first: date, where: str) -> np.ndarray:
    """Days from ``first`` to each date, with a time of the day as their fraction.

    Args:
        column: dates, missing ones as in other columns.
        first: day 0, in UTC.
        where: what messages call the table.

    Returns:
        ``(rows,)`` float64, NaN where missing.

    Raises:
        PareError: if a value is no date.
    """
    text = present_text(column)
    times = _times(text, FORMATS[0])
    for form in FORMATS[1:]:
        times = times.fillna(_times(text, form))
    if times.isna().any():
        wrong = text[times.isna()]
        raise PareError(
            f"{where}: column {column.name!r} holds {wrong.iloc[0]!r} in row {wrong.index[0] + 1}; expected a "
            "date such as 2024-05-31 or 31.05.2024"
        )
    days = (times - pd.Timestamp(first, tz="UTC")) / DAY
    return days.reindex(range(len(column))).to_numpy(np.float64)


def _times(text: pd.Series, form: str) -> pd.Series:
    return pd.to_datetime(text, format=form, utc=True, errors="coerce")
