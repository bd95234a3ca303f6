"""The results of many runs in one CSV file that git keeps: one line for each ``metrics.json``."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path

FILE = "results.csv"  # in the folder of all results
FOLDER = "folder"  # the first column
WHOLE = frozenset({"overridden", "differs", "channels"})  # mappings with keys from elsewhere: one column, as JSON


def read_lines(folder: Path) -> dict[str, dict[str, Any]]:
    """Metrics of each run by its folder, nested as in ``metrics.json``; what a run does not have is absent.

    Args:
        folder: the folder of all results, ``data/08_reporting``; without the file there is no line.

    Raises:
        PareError: where the file is no such table.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise PareError(
            f"{path} cannot be read ({error}); take it from git, or write it: kedro matrix results"
        ) from None
    if lines and FOLDER not in lines[0]:
        raise PareError(f"{path} has no column {FOLDER!r}; take it from git, or write it: kedro matrix results")
    return {
        line.pop(FOLDER): nested({key: _value(text) for key, text in line.items() if key and text}) for line in lines
    }


def write_lines(runs: Mapping[str, Mapping[str, Any]], folder: Path) -> Path:
    """Write the file whole, sorted by folder; a nested key is a column such as ``metric.name``.

    Args:
        runs: metrics of each run by its folder.
        folder: the folder of all results.
    """
    lines = [{FOLDER: place} | _flat(runs[place]) for place in sorted(runs)]
    tops = list(dict.fromkeys(column.split(".")[0] for line in lines for column in line))
    found = dict.fromkeys(column for line in lines for column in line)
    columns = sorted(found, key=lambda column: tops.index(column.split(".")[0]))
    with atomic_path(folder / FILE) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return folder / FILE


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Text of every value by its dotted key; what is empty is left out."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        match value:
            case dict() if key not in WHOLE or not value:
                flat |= _flat(value, f"{prefix}{key}.")
            case None | "":
                continue
            case str() if not _is_json(value):
                flat[f"{prefix}{key}"] = value
            case _:
                flat[f"{prefix}{key}"] = json.dumps(value, ensure_ascii=False)
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted keys as mappings in each other: ``{"mixing.start": 0.1}`` as ``{"mixing": {"start": 0.1}}``."""
    whole: dict[str, Any] = {}
    for dotted, value in flat.items():
        *parents, key = dotted.split(".")
        inner = whole
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[key] = value
    return whole


def _value(text: str) -> Any:
    """A number, list or truth value as JSON writes it; any other text is itself."""
    return json.loads(text) if _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
