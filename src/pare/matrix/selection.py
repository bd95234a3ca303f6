"""Which runs a command is about: a matrix that the command line gives, or a part of one."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from pare.config.errors import PareError, unknown_name
from pare.config.run import FOLD
from pare.matrix.blocks import MOST, Cell

RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")
PLACES = ("tasks", "methods", "seeds", "folds", "params")
NAMED = ("task", "tasks", "method", "methods", "seed", "seeds", FOLD, "folds", "variant")  # options of their own
NOT_OF_RUNS = ("predict", "tracking")  # parameters that decide no run, so that its command does not name them


def own_matrix(asked: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The matrix that options of a command give in place of matrix.yml; None where they give none.

    Args:
        asked: ``tasks`` and ``methods`` with commas between them, ``seeds``, ``folds``, and ``params``, values as
            Kedro reads them, such as ``{"training": {"epochs": 5}}``.
        parameters: the project's parameters, whose method and seed are the defaults.

    Raises:
        PareError: for methods, seeds, folds or params without tasks.
    """
    given = {key: asked[key] for key in PLACES if asked.get(key)}
    if not given:
        return None
    if "tasks" not in given:
        raise PareError(
            f"--{', --'.join(given)} belong to a matrix of your own, which --tasks begins; e.g. --tasks wine,plates"
        )
    seeds = seeds_of(given["seeds"]) if "seeds" in given else [parameters["seed"]]
    block = {
        "tasks": _names(given["tasks"]),
        "methods": _names(given.get("methods") or parameters["method"]),
        "seeds": seeds,
        "folds": given.get("folds") or 1,
        "variants": {"": _values(given.get("params") or {})},
    }
    return {"blocks": {"Your own": block}}


def seeds_of(value: Any) -> list[int]:
    """The seeds of a list such as ``0-2+7``, which are 0, 1, 2 and 7.

    Raises:
        PareError: where it is written in another way, is falling or repeats itself.
    """
    example = "e.g. 0-4, which is five seeds, or 0-2+7"
    ranges = [RANGE.fullmatch(part) for part in str(value).split("+")]
    if not all(ranges):
        raise PareError(f"seeds must be ranges of whole numbers with + between, found {value!r}; {example}")
    ends = [(int(found[1]), int(found[2] or found[1])) for found in ranges if found]
    if any(first > last for first, last in ends):
        raise PareError(f"a range of seeds rises, found {value!r}; {example}")
    if sum(last - first + 1 for first, last in ends) > MOST:
        raise PareError(f"seeds {value} are more than {MOST} runs; {example}")
    seeds = [seed for first, last in ends for seed in range(first, last + 1)]
    if len({*seeds}) < len(seeds):
        raise PareError(f"seeds must differ, found {value!r}; {example}")
    return seeds


def selected(blocks: Mapping[str, list[Cell]], only: str) -> dict[str, list[Cell]]:
    """The runs whose own name, task, method or block is among some names, by the title of their block.

    Args:
        blocks: all runs.
        only: names with commas between them, each perhaps with ``*``, or the title of one block; empty: all runs.

    Raises:
        PareError: for a name that nothing has.
    """
    names = [only] if only in blocks else _names(only)  # a title may have a comma
    if not names:
        return dict(blocks)
    known = {name for title, cells in blocks.items() for cell in cells for name in _called(title, cell)}
    for name in names:
        if not any(fnmatchcase(one, name) for one in known):
            raise unknown_name("run or block", name, known, "`kedro matrix`")
    chosen = {
        title: [cell for cell in cells if any(fnmatchcase(one, name) for name in names for one in _called(title, cell))]
        for title, cells in blocks.items()
    }
    return {title: cells for title, cells in chosen.items() if cells}


def _called(title: str, cell: Cell) -> tuple[str, ...]:
    return title, cell.name, cell.run.task_name, cell.run.method_folder


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _values(params: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Values by their dotted key, such as ``{"training.epochs": 5}``.

    Raises:
        PareError: for one that an option of its own gives, or that decides no run.
    """
    values: dict[str, Any] = {}
    for name, value in params.items():
        if not section and name in NAMED:
            raise PareError(f"--params does not take {name}; a matrix has --tasks, --methods, --seeds and --folds")
        if not section and name in NOT_OF_RUNS:
            raise PareError(f"--params does not take {name}, which decides no run; see conf/local/parameters.yml")
        values |= _values(value, f"{section}{name}.") if isinstance(value, dict) else {f"{section}{name}": value}
    return values
