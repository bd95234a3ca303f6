"""Which of a user's arrays are inputs, targets and groups of which part, by their names."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from pare.config.errors import PareError
from pare.data.files import words_and_part
from pare.data.formats.array_files import LONE, is_lone, open_arrays
from pare.data.formats.stored_array import StoredArray, at_frame
from pare.data.own.array_rows import check_numeric, check_pairs
from pare.data.own.file_checks import PARTS
from pare.data.own.findings import Question

LISTED = 20  # arrays that a message names
INPUTS = {"x", "data", "image", "images", "input", "inputs", "feature", "features"}  # words that say what an array is
TARGETS = {"y", "label", "labels", "output", "outputs", "target", "targets"}


@dataclass(frozen=True)
class Entry:
    """An array, and what its name says.

    Attributes:
        file: name of its file, where several files hold arrays.
        name: its key, or of an NPY file or a folder of such its name.
        array: itself.
        stem: words of the name, and of the file's where several hold arrays, but the one that names a part.
        part: the part that this word names; ``all`` without such a word.
        frame: number of the frame of states over time that the array is; None: it has no frames.
    """

    file: str | None
    name: str
    array: StoredArray
    stem: tuple[str, ...]
    part: str
    frame: int | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What the array is called in every part and file, in small letters."""
        return _small(self.stem[-1:] if self.file else self.stem)

    def says(self, words: Container[str]) -> bool:
        """Whether the array is called by one of these words alone."""
        return len(self.key) == 1 and self.key[0] in words

    def __str__(self) -> str:
        return f"{f'{self.file}: ' if self.file else ''}{self.name} is {self.array}"

    def at(self, frame: int) -> "Entry":
        """One frame of states over time."""
        return replace(self, array=at_frame(self.array, frame), frame=frame)


@dataclass(frozen=True)
class Chosen:
    """Arrays by part.

    Attributes:
        x: inputs.
        y: targets.
        groups: arrays that say which rows belong together; empty where they are not asked for.
        remarks: which arrays were chosen by their names, and which are not used.
    """

    x: dict[str, Entry]
    y: dict[str, Entry]
    groups: dict[str, Entry]
    remarks: tuple[str, ...]


def array_entries(paths: Sequence[Path]) -> list[Entry]:
    """Every array of the files."""
    archives = [path for path in paths if not is_lone(path)]
    entries = []
    for path in paths:
        file = path.name if path in archives and len(archives) > 1 else None
        for name, array in open_arrays(path).items():
            words, part = _words(f"{path.stem}/{name}" if file else name)
            entries.append(Entry(file, name, array, words, part))
    return entries


def _words(name: str) -> tuple[tuple[str, ...], str]:
    """Words of a name without the one that names a part, and that part; ``all`` where there is no other word."""
    ending = PurePath(name).suffix
    words, part = words_and_part(name.removesuffix(ending) if ending.lower() in LONE else name)
    return words, part if part and words else "all"


def _small(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)


def choose_arrays(entries: Sequence[Entry], question: Question) -> Chosen:
    """Arrays of the input, the target and, where they are asked for, the groups, as the question or their names say.

    Where there is no other input, or the target is named as such, it has states over time, ``(rows, frames, …)``: the
    last of them is predicted from the first.

    Raises:
        PareError: if the names are ambiguous, or the arrays of a part lie in different files.
    """
    listed = _listed(entries)
    y = _named_target(entries, question) or _by_name(entries, question.target, "--target", listed)
    x = _by_name(entries, [question.input], "--input", listed) if question.input else _only_input(entries, y, listed)
    groups = [_by_name(entries, [question.groups], "--groups", listed)] if question.groups else []
    x, y, *groups = _in_same_parts([x, y, *groups], listed)
    for other in (y, *groups):
        where = [{part: entry.file for part, entry in found.items()} for found in (x, other)]
        if where[0] != where[1]:
            raise PareError(
                f"the arrays of a part must be in one file, found {where[0]} and {where[1]}. Arrays: {listed}"
            )
    remarks = _remarks(entries, [x, y, *groups], named=not question.target)
    if x == y:
        x = {part: entry.at(0) for part, entry in y.items()}
        y = {part: entry.at(entry.array.shape[1] - 1) for part, entry in y.items()}
    return Chosen(x, y, groups[0] if groups else {}, remarks)


def _remarks(entries: Sequence[Entry], chosen: Sequence[dict[str, Entry]], *, named: bool) -> tuple[str, ...]:
    """What to say of arrays that were found by their names, and of those that are left."""
    first_x, first_y, *_ = (next(iter(found.values())) for found in chosen)
    x, y, files = first_x.name, first_y.name, first_x.array.names
    remarks = [f"{y} is predicted from {x}, as their names say; --target and --input name others."] if named else []
    if files and not first_y.array.names:
        remarks.append(f"Rows of {y} belong to the files of {x} in this order: {', '.join(files[:3])}, ….")
    used = {id(entry.array) for found in chosen for entry in found.values()}
    left = [entry for entry in entries if id(entry.array) not in used]
    return (*remarks, *([f"Not used: {_listed(left)}."] if left else []))


def _listed(entries: Sequence[Entry]) -> str:
    more = f"; and {len(entries) - LISTED} more" if len(entries) > LISTED else ""
    return ("; ".join(map(str, entries[:LISTED])) or "none") + more


def _named_target(entries: Sequence[Entry], question: Question) -> dict[str, Entry] | None:
    """Targets by their names, where none is asked for, one name is an input's, and no other array could be either.

    Arrays ``x`` and ``y`` next to another grid may be its coordinates.
    """
    inputs = {entry.key for entry in entries if entry.says(INPUTS)}
    others = [e for e in entries if not (e.says(INPUTS) or e.says(TARGETS)) and len(e.array.shape) > 1]
    if question.target or not (question.input or (len(inputs) == 1 and not others)):
        return None
    return _by_part([entry for entry in entries if entry.says(TARGETS)])


def _by_name(entries: Sequence[Entry], names: Sequence[str], option: str, listed: str) -> dict[str, Entry]:
    """Arrays of a name: the one that is called so, or those of the parts, as ``x_train`` and ``x_test`` for ``x``."""
    if len(names) != 1:
        raise PareError(
            f"name the one array to predict: --target KEY (of a file of one array, its name). Arrays: {listed}"
        )
    (name,) = names
    words, _ = _words(name)
    found = [e for e in entries if e.stem == words or (e.file and e.stem[-len(words) :] == words)]
    found = found or [e for e in entries if e.key == _small(words)]
    found = [entry for entry in found if entry.array.shape]  # no single number, such as a rate
    parts = _by_part(found, name)
    if not found or parts is None:
        raise PareError(f"{option} {name!r} names {'no' if not found else 'more than one'} array. Arrays: {listed}")
    return parts


def _by_part(entries: Sequence[Entry], exact: str | None = None) -> dict[str, Entry] | None:
    """Arrays of one name by part; None where there are several of a part.

    Next to ``x_train``, an ``x`` is all rows once more: it is taken only where it is asked for by this exact name.
    """
    parts = {entry.part: entry for entry in entries}
    whole = [entry for entry in entries if entry.name == exact and entry.part == "all"]
    several = len(parts) < len(entries) or len({entry.key for entry in entries}) > 1
    if len(whole) == 1 and (several or "train" in parts):
        return {"all": whole[0]}
    if "train" in parts:
        parts.pop("all", None)
    return None if several else parts


def _in_same_parts(found: Sequence[dict[str, Entry]], listed: str) -> list[dict[str, Entry]]:
    """Arrays of the parts that all have, train first; those of one part alone are not divided."""
    parts = [part for part in ("all", *PARTS) if all(part in arrays for arrays in found)]
    if all(len(arrays) == 1 for arrays in found):
        return [{"all": array} for arrays in found for array in arrays.values()]
    if parts in (["all"], ["train"]):
        return [{"all": arrays[parts[0]]} for arrays in found]
    names = {part: "train" if part == "all" else part for part in parts}  # x next to x_test
    if not {"train", "test"} <= {*names.values()}:
        there = "; ".join(", ".join(arrays) for arrays in found)
        raise PareError(f"expected arrays of the parts train and test, found {there}. Arrays: {listed}")
    return [{name: arrays[part] for part, name in names.items()} for arrays in found]


def _only_input(entries: Sequence[Entry], y: Mapping[str, Entry], listed: str) -> dict[str, Entry]:
    """The one array of numbers, other than the target, with as many rows, or of several the one that says so."""
    taken = [id(entry.array) for entry in y.values()]
    rows = {entry.array.shape[0] for entry in y.values() if entry.array.shape}
    free = [e for e in entries if id(e.array) not in taken]
    grids = [e for e in free if len(e.array.shape) > 1 or e.array.dtype.hasobject]
    first = next(iter(y.values()))
    _check_lengths(grids, rows, first)
    others = [e for e in grids if e.array.is_numeric and e.array.shape[0] in rows]
    keys = {entry.key for entry in others}  # the other parts belong to it, even with fewer rows
    others += [e for e in grids if e.array.is_numeric and e.key in keys and e.part in y and e not in others]
    if not grids and len(first.array.shape) > 2:
        return dict(y)
    found = _by_part(others) or _by_part([entry for entry in others if entry.says(INPUTS)])
    if not found:
        several = "several arrays" if others else "no array of numbers"
        raise PareError(
            f"{several} could be the input of {first.name}; name one: --input KEY (of a file of one array, its name). "
            f"Arrays: {listed}"
        )
    return found


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
