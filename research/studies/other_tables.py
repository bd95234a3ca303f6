"""Real tables of scikit-learn and statsmodels that are no tasks, at most 1,000 rows each: `pip install statsmodels`."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris, load_wine
from statsmodels.datasets import anes96, fair, grunfeld, modechoice, randhie, star98

from pare.storage.store import evenly_spaced
from table import Table

MOST_ROWS = 1000
TRAVEL_MODES = 4  # rows of a traveller


def _classes(x: pd.DataFrame, y: pd.Series) -> Table:
    return Table(*(evenly_spaced(a, MOST_ROWS) for a in (x.to_numpy(np.float32), y.to_numpy(np.int64))))


def _number(x: pd.DataFrame, y: pd.Series) -> Table:
    return Table(*(evenly_spaced(a, MOST_ROWS) for a in (x.to_numpy(np.float32), y.to_numpy(np.float32)[:, None])))


def _vote() -> Table:
    """Clinton or Dole, of 944 voters in 1996 (American National Election Studies)."""
    frame = anes96.load_pandas().data
    return _classes(frame.drop(columns=["vote", "logpopul"]), frame["vote"])


def _travel() -> Table:
    """Which of four ways 210 travellers took from Sydney to Melbourne (Greene 2003)."""
    frame = modechoice.load_pandas().data
    offers = frame.pivot(index="individual", columns="mode", values=["ttme", "invc", "invt", "gc"])
    person = frame.groupby("individual")[["hinc", "psize"]].first()
    taken = frame[frame["choice"] == 1].set_index("individual")["mode"]
    return _classes(pd.concat([offers, person], axis=1), taken - 1)


def _affairs() -> Table:
    """Time spent in affairs, of married women (Fair 1978)."""
    frame = fair.load_pandas().data
    return _number(frame.drop(columns="affairs"), frame["affairs"])


def _visits() -> Table:
    """Visits to a doctor in a year (RAND health insurance experiment)."""
    frame = randhie.load_pandas().data
    return _number(frame.drop(columns="mdvis"), frame["mdvis"])


def _school_scores() -> Table:
    """Share of pupils above the national median in mathematics, of 303 districts of California in 1998."""
    frame = star98.load_pandas().data
    return _number(frame.drop(columns=["NABOVE", "NBELOW"]), frame["NABOVE"] / (frame["NABOVE"] + frame["NBELOW"]))


def _investment() -> Table:
    """Investment of 11 firms in 20 years (Grunfeld 1958)."""
    frame = grunfeld.load_pandas().data
    firms = frame["firm"].astype("category")
    table = _number(frame[["value", "capital", "year"]].assign(firm=firms.cat.codes), frame["invest"])
    return Table(table.x, table.y, [None, None, None, [str(level) for level in firms.cat.categories]])


OTHER_TABLES: dict[str, Callable[[], Table]] = {
    "iris": lambda: _classes(*load_iris(return_X_y=True, as_frame=True)),
    "wine": lambda: _classes(*load_wine(return_X_y=True, as_frame=True)),
    "vote": _vote,
    "travel": _travel,
    "affairs": _affairs,
    "visits": _visits,
    "school_scores": _school_scores,
    "investment": _investment,
}
