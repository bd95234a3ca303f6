"""Columns of new rows, as those with an answer were read: numbers, and the codes of known categories."""

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pare.config.errors import PareError
from pare.data.formats.delimited_text import means_no_value
from pare.data.formats.table_files import check_columns, present_text
from pare.data.own.format import Known

logger = logging.getLogger(__name__)


def known_values(frame: pd.DataFrame, known: Known, where: str) -> np.ndarray:
    """The rows of a table as numbers and codes of categories, ``(rows, columns)`` float32.

    Args:
        frame: with at least the known columns, in any order, rows numbered from 0.
        known: names of columns and categories.
        where: what messages call the table.

    Raises:
        PareError: if a column is missing, or holds something else than numbers.
    """
    columns = known.columns or []
    check_columns(frame, columns, where)
    categories = known.categories or [None] * len(columns)
    values = [_column(frame[name], levels, where) for name, levels in zip(columns, categories, strict=True)]
    return np.stack(values, axis=1)


def _column(column: pd.Series, levels: Sequence[str] | None, where: str) -> np.ndarray:
    """Numbers, or codes of categories; an unknown category counts as missing, ``(rows,)`` float32."""
    text = present_text(column)
    if levels is None:
        text = text[~means_no_value(text)]
        values = pd.to_numeric(text, errors="coerce").astype(np.float32)
        wrong = text[~np.isfinite(values)]
        if len(wrong):
            raise PareError(
                f"{where}: column {column.name!r} holds {wrong.iloc[0]!r} in row {wrong.index[0] + 1}; expected a "
                "number"
            )
    else:
        codes = _codes(levels)
        values = text.map(lambda level: codes.get(level, codes.get(_plain(level), np.nan))).astype(np.float32)
        if values.isna().any():
            unknown = ", ".join(map(repr, text[values.isna()].unique()[:5]))
            logger.warning("%s: column %r holds the unknown %s, which counts as missing", where, column.name, unknown)
    return values.reindex(column.index).to_numpy(np.float32)


def _codes(levels: Sequence[str]) -> dict[str | float, int]:
    """The code of each category, as it is written and, where no two are written alike, in its plain form."""
    exact: dict[str | float, int] = {level: code for code, level in enumerate(levels)}
    forms = Counter(map(_plain, levels))
    return {_plain(level): code for level, code in exact.items() if forms[_plain(level)] == 1} | exact


def _plain(level: str | float) -> str | float:
    """The number that a category is written as, so that 1 and 1.0 are one, or its text; true and True are one, too."""
    text = str(level)
    if "_" in text:  # which Python leaves out of a number
        return text
    try:
        return float(text)
    except ValueError:
        return text.lower() if text.lower() in ("true", "false") else text
