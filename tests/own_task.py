"""A task of the user's own: a table of forty rows, in the file mine.csv."""

OWN_TASK = {
    "title": "mine",
    "raw": {"files": ["mine.csv"]},
    "reader": {"name": "table", "options": {"target": "kind"}},
    "samples": {"all": 40},
    "input": {"shape": [2]},
    "output": {"kind": "classification", "shape": [2]},
}
