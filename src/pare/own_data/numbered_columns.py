"""Columns that may be the points of a series, by their names: 900, 902, 904, … or t0, t1, t2, …"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

NUMBERED = re.compile(r"(.*?)([+-]?\d+(?:\.\d+)?)(\D*)")
LEAST, ALIKE, ROWS = 20, 0.8, 1000  # points, correlation of neighbours, rows that are looked at


def numbered_run(names: Sequence[str]) -> list[str]:
    """The longest run of names that differ in one number, which always rises or always falls."""
    longest: list[str] = []
    run: list[str] = []
    for name in names:
        if not _goes_on([*run[-2:], name]):
            run = run[-1:] if _goes_on([*run[-1:], name]) else []
        run = [*run, name]
        longest = max(longest, run, key=len)
    return longest


def look_like_points(frame: pd.DataFrame) -> list[str]:
    """The numbered columns, where they are most of a table and neighbours are alike, as in series; else none.

    Args:
        frame: columns that have no other use.
    """
    run = numbered_run([str(name) for name in frame])
    if len(run) < max(LEAST, frame.shape[1] / 2) or any(frame[name].dtype.kind not in "iuf" for name in run):
        return []
    values = frame[run].head(ROWS).to_numpy(np.float64)
    left, right = values[:, :-1] - values[:, :-1].mean(0), values[:, 1:] - values[:, 1:].mean(0)
    with np.errstate(all="ignore"):
        correlation = (left * right).sum(0) / np.sqrt((left**2).sum(0) * (right**2).sum(0))
    return run if np.nan_to_num(np.median(correlation)) > ALIKE else []


def _goes_on(names: Sequence[str]) -> bool:
    """Whether two or three names are alike but for a number that rises or falls."""
    found = [NUMBERED.fullmatch(name) for name in names]
    parts = [match.groups() for match in found if match]
    if len(parts) < max(2, len(names)) or len({(before, after) for before, _, after in parts}) > 1:
        return False
    steps = np.diff([float(number) for _, number, _ in parts])
    return bool((steps > 0).all() or (steps < 0).all())
