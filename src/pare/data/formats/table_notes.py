"""Rows of a table that are no samples: units below the header, notes, sums and means below the last row."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from pare.config.words import listed
from pare.data.formats.written_numbers import looks_written, means_no_value

SUMS = ("total", "sum", "gesamt", "summe", "insgesamt", "total général", "grand total", "subtotal")
MEANS = ("mean", "average", "avg", "mittelwert", "durchschnitt", "moyenne")
LONGEST_UNIT = 20  # characters
LEAST_ROWS = 10  # above a row that is taken for the sum of all others without saying so
MOST_NOTES = 20  # rows below a table that are looked at


def leave_out_notes(frame: pd.DataFrame, apart: Collection[object] = ()) -> tuple[pd.DataFrame, list[str]]:
    """A table without the row of units below its header, and without notes, sums and means below its last row.

    Args:
        frame: as the file has it, text where a column holds text.
        apart: labels of the rows below the last empty row.

    Returns:
        The rest, whose rows keep their labels, and what was left out, a sentence each.
    """
    findings = []
    if _is_units_row(frame):
        units = [f"{value} of {name}" for name, value in frame.iloc[0].dropna().items()]
        findings.append(f"the row below the header has units or other words and is left out: {listed(units)}")
        frame = frame.iloc[1:]
    end, notes = len(frame), []
    while end > 1 and len(frame) - end < MOST_NOTES and _is_note(frame.iloc[:end], frame.index[end - 1] in apart):
        end -= 1
        notes.append(str(frame.iloc[end].dropna().iloc[0]))
    if notes:
        findings.append(f"below the table, left out: {listed([repr(note) for note in reversed(notes)])}")
        frame = frame.iloc[:end]
    if summed := _sums_up(frame):
        findings.append(f"the last row is the {summed} of all others and is left out")
        frame = frame.iloc[:-1]
    elif (word := _first_word(frame)) in SUMS + MEANS:
        findings.append(f"the last row begins with {word!r}; if it sums up the others, remove it")
    return _with_types(frame) if findings else frame, findings


def _is_units_row(frame: pd.DataFrame) -> bool:
    """Whether the first row has short texts where the column has numbers, and nothing that occurs again."""
    if len(frame) < 2 or not frame.shape[1]:
        return False
    first = frame.iloc[0]
    filled = first[first.notna()]
    if not len(filled) or not all(isinstance(value, str) and len(value) <= LONGEST_UNIT for value in filled):
        return False
    if any(looks_written(value) for value in filled) or means_no_value(filled.astype(object)).any():
        return False
    below = frame.iloc[1:]
    labelled = [name for name in filled.index if is_of_numbers(below[name])]
    if any((below[name] == filled[name]).any() for name in filled.index):
        return False
    return len(filled) < 2 * len(labelled)  # a row of a table with little else than texts may well be a sample


def is_of_numbers(column: pd.Series) -> bool:
    """Whether most values are numbers, or texts that people take for such."""
    held = column.dropna()
    return len(held) > 0 and bool(held.map(looks_written).mean() > 0.5)


def _is_note(frame: pd.DataFrame, is_apart: bool) -> bool:
    """Whether the last row has one text alone, which reads like a sentence or is below an empty row."""
    last = frame.iloc[-1].dropna()
    if len(last) != 1 or frame.shape[1] < 3 or not isinstance(last.iloc[0], str) or looks_written(last.iloc[0]):
        return False
    text = last.iloc[0].strip()
    again = (frame.iloc[:-1][last.index[0]] == last.iloc[0]).any()
    return not again and (is_apart or " " in text or ":" in text)


def _first_word(frame: pd.DataFrame) -> str:
    texts = [value for value in frame.iloc[-1].dropna() if isinstance(value, str)] if len(frame) else []
    return texts[0].strip().rstrip(":").lower() if texts else ""


def _sums_up(frame: pd.DataFrame) -> str | None:
    """What the last row is of all others: their sum or mean; None where it is a sample.

    It must say so, or be the exact sum in several columns of many rows.
    """
    word = _first_word(frame)
    if len(frame) < 3 or not (word in SUMS + MEANS or (not word and len(frame) > LEAST_ROWS)):
        return None
    last = pd.to_numeric(frame.iloc[-1].astype(object), errors="coerce").dropna()
    numbers = frame.iloc[:-1][last.index].apply(pd.to_numeric, errors="coerce").astype(np.float64)
    wanted = numbers.mean() if word in MEANS else numbers.sum()
    tolerance = 1e-2 if word else 1e-9
    close = np.isclose(last.astype(np.float64), wanted, rtol=tolerance, atol=0) & (wanted != 0).to_numpy()
    if (word and close.any()) or (len(close) > 1 and close.all()):
        return "mean" if word in MEANS else "sum"
    return None


def _with_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers, where text in the rows that were left out had kept them from being such."""

    def typed(column: pd.Series) -> pd.Series:
        if column.dtype.kind != "O" or isinstance(column.dtype, pd.CategoricalDtype):
            return column
        held = column.dropna()
        numbers = pd.to_numeric(held, errors="coerce")
        if not len(held) or numbers.isna().any() or held.map(lambda value: isinstance(value, bool)).any():
            return column
        return pd.to_numeric(column)

    return frame.apply(typed)
