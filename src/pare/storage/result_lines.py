"""The results of many runs in one CSV file that git keeps: one line for each ``metrics.json``."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pare.config.errors import PareError
from pare.storage.atomic import atomic_path

FILE = "results.csv"  # in the folder of all results
FOLDER = "folder"  # the first column
WHOLE = frozenset({"overridden", "differs", "channels"})  # mappings with keys from elsewhere: one column, as JSON
# The columns in their order: keys of metrics.json, and those of mappings in it. It is fixed, so that git shows no other
# change where lines come or go; what is not named here comes last, or last in its mapping, by the alphabet.
KEYS = (
    *(FOLDER, "task", "method", "variant", "overridden", "seed", "protocol", "differs", "simulated", "metric", "test"),
    *("constant_prediction", "test_interval", "n_test", "usual", "uncertainty", "validation", "best_epoch", "n_train"),
    *("train_seconds", "samples_per_second", "peak_memory_mb", "kept", "start_validation", "start_left_nothing"),
    *("device", "precision", "threads", "paper", "versions", "source", "proxy", "proxy_samples", "epochs"),
    *("seconds_asked", "repeats"),
)
INNER = {
    "metric": ("name", "title", "direction", "unit"),
    "test_interval": ("level", "lower", "upper", "draws"),
    "usual": (
        *("relative_l2", "rmse", "mae", "r2", "max_error", "accuracy", "auroc", "map", "f1_macro", "recall"),
        *("log_loss", "calibration_error", "channels"),
    ),
    "uncertainty": (
        *("n_validation", "asked", "coverage", "width", "set_size", "temperature", "log_loss.before", "log_loss.after"),
        *("calibration_error.before", "calibration_error.after"),
    ),
    "versions": (
        *("python", "pare-transfer", "kedro", "torch", "transformers", "accelerate", "numpy", "monai", "catboost"),
        *("lightgbm", "scikit-learn", "xgboost", "aeon"),
    ),
    "repeats": ("rows", "repeats", "ambiguous", "test", "known", "together"),
}


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
            f"{path} cannot be read ({error}); take it from git, or remove it and write it anew: kedro matrix results"
        ) from None
    if lines and FOLDER not in lines[0]:
        raise PareError(
            f"{path} has no column {FOLDER!r}; take it from git, or remove it and write it anew: kedro matrix results"
        )
    return {
        line.pop(FOLDER): nested({key: _value(text) for key, text in line.items() if key and text}) for line in lines
    }


def write_lines(runs: Mapping[str, Mapping[str, Any]], folder: Path) -> Path:
    """Write the file whole, sorted by folder; a nested key is a column such as ``metric.name``, in a fixed order.

    Args:
        runs: metrics of each run by its folder.
        folder: the folder of all results.
    """
    lines = [{FOLDER: place} | _flat(runs[place]) for place in sorted(runs)]
    columns = sorted({FOLDER, *(column for line in lines for column in line)}, key=_place)
    with atomic_path(folder / FILE) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return folder / FILE


def _place(column: str) -> tuple[int, str, int, str]:
    """What columns are sorted by, see `KEYS`."""
    key, _, inner = column.partition(".")
    return *_rank(key, KEYS), *_rank(inner, INNER.get(key, ()))


def _rank(name: str, known: Sequence[str]) -> tuple[int, str]:
    return (known.index(name) if name in known else len(known)), name


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
