"""Which of a user's arrays are inputs, targets and groups of which part, by their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pare.config.errors import PareError
from pare.own_data.findings import Question
from pare.own_data.part_names import words_and_part
from pare.raw.formats.array_files import NPY, open_arrays
from pare.raw.formats.stored_array import StoredArray, at_frame
from pare.raw.readers.arrays import check_numeric, check_pairs
from pare.raw.readers.checks import PARTS

LISTED = 20  # arrays that a message names


@dataclass(frozen=True)
class Entry:
    """An array, and what its name says.

    Attributes:
        file: that holds it, where several do.
        name: its key, or of an NPY file or a folder of such its name.
        array: itself.
        stem: words of the name, and of the file's where several hold arrays, but the one that names a part.
        part: that this word names; ``all`` where there is none.
        frame: of states over time, which one the array is; None where it is no such.
    """

    file: str | None
    name: str
    array: StoredArray
    stem: tuple[str, ...]
    part: str
    frame: int | None = None

    def at(self, frame: int) -> "Entry":
        """One frame of states over time."""
        return replace(self, array=at_frame(self.array, frame), frame=frame)


def array_entries(paths: Sequence[Path]) -> list[Entry]:
    """Every array of the files."""
    archives = [path for path in paths if path.suffix.lower() != NPY and not path.is_dir()]
    entries = []
    for path in paths:
        file = path.name if path in archives and len(archives) > 1 else None
        for name, array in open_arrays(path).items():
            words, part = _words(f"{path.stem}/{name}" if file else name)
            entries.append(Entry(file, name, array, words, part))
    return entries


def _words(name: str) -> tuple[tuple[str, ...], str]:
    """Words of a name without the one that names a part, and that part; ``all`` where there is no other word."""
    words, part = words_and_part(name.removesuffix(NPY))
    return words, part if part and words else "all"


def choose_arrays(entries: Sequence[Entry], question: Question) -> tuple[dict[str, Entry], ...]:
    """Arrays by part of the input, the target and, where they are asked for, the groups.

    Where there is no other input, or the target is named as such, it has states over time, ``(rows, frames, …)``: the
    last of them is predicted from the first.

    Raises:
        PareError: if the names are ambiguous, or the arrays of a part lie in different files.
    """
    listed = "; ".join(f"{entry.name} is {entry.array}" for entry in entries[:LISTED])
    listed += f"; and {len(entries) - LISTED} more" if len(entries) > LISTED else ""
    if len(question.target) != 1:
        raise PareError(
            f"name the one array to predict: --target KEY (of NPY files, the file's name). Arrays: {listed}"
        )
    y = _by_part(entries, question.target[0], "--target", listed)
    x = _by_part(entries, question.input, "--input", listed) if question.input else _only_input(entries, y, listed)
    groups = _by_part(entries, question.groups, "--groups", listed) if question.groups else {}
    for other in (y, groups) if groups else (y,):
        where = [{part: entry.file for part, entry in found.items()} for found in (x, other)]
        if where[0] != where[1]:
            raise PareError(
                f"the arrays of a part must be in one file, found {where[0]} and {where[1]}. Arrays: {listed}"
            )
    if x == y:
        x = {part: entry.at(0) for part, entry in y.items()}
        y = {part: entry.at(entry.array.shape[1] - 1) for part, entry in y.items()}
    return x, y, groups


def _by_part(entries: Sequence[Entry], name: str, option: str, listed: str) -> dict[str, Entry]:
    """Arrays of a name: the one that is called so, or those of the parts, as ``x_train`` and ``x_test`` for ``x``."""
    words, _ = _words(name)
    exact = [entry for entry in entries if entry.name == name and entry.part == "all"]
    found = exact or [e for e in entries if e.stem == words or (e.file and e.stem[-len(words) :] == words)]
    found = [entry for entry in found if entry.array.shape]  # no single number, such as a rate
    parts = {entry.part: entry for entry in found}
    if not found or len(parts) < len(found):
        raise PareError(f"{option} {name!r} names {'no' if not found else 'more than one'} array. Arrays: {listed}")
    return _as_parts(parts, listed)


def _as_parts(entries: dict[str, Entry], listed: str) -> dict[str, Entry]:
    """Train first; an array of one part alone is not divided."""
    if len(entries) == 1:
        return {"all": next(iter(entries.values()))}
    if not {"train", "test"} <= set(entries) or "all" in entries:
        raise PareError(f"expected arrays of the parts train and test, found {', '.join(entries)}. Arrays: {listed}")
    return {part: entries[part] for part in PARTS if part in entries}


def _only_input(entries: Sequence[Entry], y: Mapping[str, Entry], listed: str) -> dict[str, Entry]:
    """The one array of numbers, other than the target, with as many rows."""
    taken = [(entry.file, entry.name) for entry in y.values()]
    rows = {entry.array.shape[0] for entry in y.values() if entry.array.shape}
    free = [e for e in entries if (e.file, e.name) not in taken]
    grids = [e for e in free if len(e.array.shape) > 1 or e.array.dtype.hasobject]
    _check_lengths(grids, rows, next(iter(y.values())))
    others = [e for e in grids if e.array.is_numeric and e.array.shape[0] in rows]
    stems = {entry.stem[-1:] if entry.file else entry.stem for entry in others}
    first = next(iter(y.values()))
    if not grids and len(first.array.shape) > 2:
        return dict(y)
    if len(stems) != 1:
        found = "several arrays" if stems else "no array of numbers"
        raise PareError(
            f"{found} could be the input of {first.name}; name one: --input KEY (of NPY files, the file's name). "
            f"Arrays: {listed}"
        )
    return _as_parts({entry.part: entry for entry in others}, listed)


def _check_lengths(grids: Sequence[Entry], rows: set[int], y: Entry) -> None:
    """Say what is wrong with the only array that could be an input."""
    if len(grids) != 1:
        return
    (x,) = grids
    check_pairs(x.array, y.array)
    if x.array.shape[0] not in rows:
        raise PareError(
            f"{x.name} has {x.array.shape[0]} rows and {y.name} has {y.array.shape[0]}: {x.name} is {x.array}, "
            f"{y.name} is {y.array}. The first axis of both must be the same samples"
        )
    check_numeric(x.array)
