"""A first look at a user's files: which reader opens them, and what a task needs to say of them.

What is proposed is what the reader gave, so that a task written from it runs; where the files leave a choice, the
guess is told in a note.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pare.arrays.samples import Samples
from pare.config.errors import PareError
from pare.raw.array_files import HDF5, NPY, NPZ, StoredArray, open_arrays
from pare.raw.file_state import files_below
from pare.raw.openml import SUFFIXES as TABLES
from pare.raw.options import bind_options
from pare.raw.own_files import own_files
from pare.raw.readers import READERS
from pare.raw.readers.image_folder import SUFFIXES as IMAGES
from pare.raw.readers.image_folder import image_paths
from pare.raw.readers.table_files import DELIMITERS, load_frame

FEW_CLASSES = 10
ROWS_PER_CLASS = 5
FEW_CHANNELS = 16
FEW_FEATURES = 32
LOOKED_AT = 500  # images whose size is read
EDGE = 128  # points to which images of several sizes, or larger ones, are resized
PART_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
KINDS = {"classes": "classification", "labels": "multilabel", "numbers": "regression", "field": "dense"}


@dataclass(frozen=True)
class Inspection:
    """What a task needs to say of some files.

    Attributes:
        reader: name of the reader.
        options: of the reader.
        rows: by part.
        input_shape: ``(features,)`` or ``(channels, *grid)``.
        kind: of the output.
        output_shape: as the task declares it.
        output_name: what is predicted.
        classes: names of the classes, and how many of the first part's rows have each; None for other outputs.
        notes: remarks on choices that the files leave open, by option of the reader.
    """

    reader: str
    options: dict[str, Any]
    rows: dict[str, int]
    input_shape: tuple[int, ...]
    kind: str
    output_shape: tuple[int, ...]
    output_name: str
    classes: dict[str, int] | None
    notes: dict[str, str]

    @property
    def grouped(self) -> bool:
        """Whether rows belong together."""
        parts = self.options.get("parts", {}).values()
        return "group" in self.options or any("groups" in names for names in parts)


@dataclass(frozen=True)
class Question:
    """What the user says beside the files.

    Attributes:
        target: columns, or the key or file of one array, to predict.
        input: key or file of the array to predict from; the only other one where it is not named.
        groups: column, or key or file of an array, that says which rows belong together.
        ignore: columns to leave out.
        channel_axis: where the channels of arrays stand; guessed where it is not said.
    """

    target: tuple[str, ...] = ()
    input: str | None = None
    groups: str | None = None
    ignore: tuple[str, ...] = ()
    channel_axis: str | None = None


def inspect_files(paths: Sequence[Path], question: Question) -> Inspection:
    """Look into files with the reader that suits them.

    Args:
        paths: absolute, of one table, one folder of images, or one or several files of arrays.
        question: what is to be predicted.

    Raises:
        PareError: if the files are none of these or not readable, or it is not clear what to predict from what.
    """
    family = _family(paths)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data" / "01_raw" / "new"
        own_files(folder, [str(path) for path in paths])
        try:
            return family(folder, [folder / path.name for path in paths], question)
        except PareError as error:  # the user knows the files by other paths
            raise PareError(str(error).replace(f"{folder}{os.sep}", "").replace(f"{folder}", "the files")) from error


def _family(paths: Sequence[Path]) -> Any:
    """The function that inspects files of their kind."""
    suffixes = {"a folder" if path.is_dir() else path.suffix.lower() for path in paths}
    if suffixes == {"a folder"} and len(paths) == 1:
        return _inspect_images
    if len(paths) == 1 and suffixes <= {*TABLES}:
        return _inspect_table
    if suffixes <= {NPZ, NPY, *HDF5}:
        return _inspect_arrays
    raise PareError(
        f"{', '.join(path.name for path in paths)}: expected one table ({', '.join(TABLES)}), or one folder of images "
        f"({', '.join(IMAGES)}), or one or several files of arrays ({', '.join((NPZ, NPY, *HDF5))})"
    )


def _open(reader: str, options: dict[str, Any], folder: Path) -> dict[str, Samples]:
    return bind_options("reader", reader, READERS[reader], options)(folder)


def _result(
    reader: str, options: dict[str, Any], parts: Mapping[str, Samples], classes: dict[str, int] | None, **found: Any
) -> Inspection:
    """What the reader gives, as a task declares it."""
    x, y = next(iter(parts.values())).read(0, 1)
    return Inspection(
        reader=reader,
        options=options,
        rows={part: samples.count for part, samples in parts.items()},
        input_shape=x.shape[1:],
        output_shape=(len(classes),) if classes else y.shape[1:],
        classes=classes,
        **found,
    )


def _inspect_table(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    (path,) = paths
    delimiter = _delimiter(path) if path.suffix.lower() == ".csv" else ","
    if not question.target:
        columns = ", ".join(map(str, load_frame(path, delimiter).columns))
        raise PareError(f"name the column to predict: --target COLUMN. Columns of {path.name}: {columns}")
    options: dict[str, Any] = {"target": question.target[0] if len(question.target) == 1 else list(question.target)}
    options |= {"group": question.groups} if question.groups else {}
    options |= {"ignore": list(question.ignore)} if question.ignore else {}
    options |= {"delimiter": delimiter} if delimiter != "," else {}
    notes = {}
    parts = _open("table", options, folder)
    samples = parts["all"]
    _, y = samples.read(0, samples.count)
    if y.ndim == 2 and y.shape[1] == 1 and _are_classes(y[:, 0]):
        options["categorical"] = list(question.target)
        notes["categorical"] = "numbers that name classes; without this line they are predicted as numbers"
        parts = _open("table", options, folder)
    names, kind, classes = parts["all"].classes, "regression", None
    if names is not None:
        codes = parts["all"].read(0, samples.count)[1]
        kind, classes = "classification", dict(zip(names, np.bincount(codes).tolist(), strict=True))
    elif y.shape[1] > 1 and np.isin(y, (0, 1)).all():
        kind = "multilabel"
    return _result(
        "table",
        options,
        parts,
        classes,
        kind=kind,
        output_name=", ".join(question.target),
        notes=notes,
    )


def _delimiter(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        header = stream.readline()
    return max(DELIMITERS, key=header.count)


def _are_classes(values: np.ndarray) -> bool:
    """Whether numbers look like names of classes: whole, and few, or counted from 0 or 1 with several rows each."""
    if not np.array_equal(values, np.round(values)):
        return False
    known = np.unique(values)
    counted = known[0] in (0, 1) and known[-1] - known[0] == len(known) - 1
    return 1 < len(known) <= (len(values) / ROWS_PER_CLASS if counted else min(FEW_CLASSES, len(values) / 2))


def _inspect_images(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    if question != Question():
        raise PareError(
            "the classes of images are the names of their folders: leave --target and the other options out"
        )
    (path,) = paths
    images = [p for p in files_below(path) if p.suffix.lower() in IMAGES]
    if not images:
        raise PareError(f"{path.name} holds no images ({', '.join(IMAGES)})")
    chosen = [images[i] for i in np.unique(np.linspace(0, len(images) - 1, LOOKED_AT).astype(int))]
    sizes, grey = _image_facts(chosen)
    (height, width) = sizes[0]
    same = len(set(sizes)) == 1 and max(height, width) <= EDGE
    options = {"size": [height, width] if same else [EDGE, EDGE], "colour": not grey}
    edges = sorted(edge for size in sizes for edge in size)
    note = f"height and width; images are resized to it, theirs are {edges[0]} to {edges[-1]} pixels high and wide"
    parts = _open("image_folder", options, folder)
    first = path / "train" if "train" in parts else path
    return _result(
        "image_folder",
        options,
        parts,
        {name: len(image_paths(first / name)) for name in next(iter(parts.values())).classes or []},
        kind="classification",
        output_name="class",
        notes={} if same else {"size": note},
    )


def _image_facts(paths: Sequence[Path]) -> tuple[list[tuple[int, int]], bool]:
    """Heights and widths, and whether all images are grey."""
    sizes, modes = [], set()
    for path in paths:
        try:
            with Image.open(path) as image:
                sizes.append((image.height, image.width))
                modes.add(image.mode)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise PareError(f"{path} cannot be read as an image ({error}); save it again, or move it away") from error
    return sizes, all(mode == "1" or mode.startswith(("L", "I")) for mode in modes)


@dataclass(frozen=True)
class Entry:
    """An array, and what its name says.

    Attributes:
        file: that holds it, where several do.
        name: its key, or of an NPY file the file's name.
        array: itself.
        stem: words of the name, and of the file's where several hold arrays, but the one that names a part.
        part: that this word names; ``all`` where there is none.
    """

    file: str | None
    name: str
    array: StoredArray
    stem: tuple[str, ...]
    part: str


def _inspect_arrays(folder: Path, paths: Sequence[Path], question: Question) -> Inspection:
    if question.ignore:
        raise PareError("--ignore is for columns of tables; of arrays only --target and --input are used")
    entries = _entries(paths)
    x, y, groups = _chosen(entries, question)
    main = "all" if "all" in x else "train"
    first_x, first_y = x[main].array, y[main].array
    target = _target_kind(first_x, first_y)
    axis = question.channel_axis or _channel_axis(first_x, first_y, target)
    options: dict[str, Any] = {
        "parts": {part: _names(x[part], y[part], groups.get(part)) for part in x},
        "target": target,
        "channel_axis": axis,
    }
    notes = {"target": f"else {_others(KINDS, target)}", "channel_axis": _axis_note(first_x, axis)}
    classes = None
    if target == "classes":
        known, counts = np.unique(first_y.all(), return_counts=True)
        if not first_y.is_text and not np.array_equal(known, np.arange(len(known))):
            options["recode"] = True
            notes["recode"] = "classes are numbered in their order"
        classes = {str(name): count for name, count in zip(known, counts.tolist(), strict=True)}
    return _result(
        "arrays",
        options,
        _open("arrays", options, folder),
        classes,
        kind=KINDS[target],
        output_name=" ".join(y[main].stem) or "target",
        notes=notes,
    )


def _chosen(entries: Sequence[Entry], question: Question) -> list[dict[str, Entry]]:
    """Arrays by part of the input, the target and, where they are asked for, the groups."""
    listed = "; ".join(f"{entry.name} is {entry.array}" for entry in entries)
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
                f"the arrays of a part must stand together, found {where[0]} and {where[1]}. Arrays: {listed}"
            )
    return [x, y, groups]


def _entries(paths: Sequence[Path]) -> list[Entry]:
    """Every array of the files."""
    archives = [path for path in paths if path.suffix.lower() != NPY]
    entries = []
    for path in paths:
        file = path.name if path in archives and len(archives) > 1 else None
        for name, array in open_arrays(path).items():
            words, part = _words(f"{path.stem}/{name}" if file else name)
            entries.append(Entry(file, name, array, words, part))
    return entries


def _words(name: str) -> tuple[tuple[str, ...], str]:
    """Words of a name without the one that names a part, and that part; ``x_train`` is ``x`` of ``train``."""
    words = re.split(r"[/_.\-\s]+", name.removesuffix(NPY))
    named = [word for word in words if word.lower() in PART_WORDS]
    rest = tuple(word for word in words if word not in named)
    return rest, PART_WORDS[named[0].lower()] if len(named) == 1 and rest else "all"


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
    return {part: entries[part] for part in ("train", "validation", "test") if part in entries}


def _only_input(entries: Sequence[Entry], y: Mapping[str, Entry], listed: str) -> dict[str, Entry]:
    """The one array of numbers beside the target with as many rows."""
    taken = [(entry.file, entry.name) for entry in y.values()]
    rows = {entry.array.shape[0] for entry in y.values() if entry.array.shape}
    others = [
        e
        for e in entries
        if (e.file, e.name) not in taken and e.array.is_numeric and len(e.array.shape) > 1 and e.array.shape[0] in rows
    ]
    stems = {entry.stem[-1:] if entry.file else entry.stem for entry in others}
    if len(stems) != 1:
        found, predicted = "several arrays" if stems else "no array of numbers", next(iter(y.values())).name
        raise PareError(
            f"{found} could be the input of {predicted}; name one: --input KEY (of NPY files, the file's name). "
            f"Arrays: {listed}"
        )
    return _as_parts({entry.part: entry for entry in others}, listed)


def _names(x: Entry, y: Entry, groups: Entry | None) -> dict[str, str]:
    found = {"x": x.name, "y": y.name, "groups": groups.name if groups else None, "file": x.file}
    return {key: name for key, name in found.items() if name}


def _target_kind(x: StoredArray, y: StoredArray) -> str:
    """What the reader's option ``target`` should be."""
    if y.is_text:
        return "classes"
    if y.shape[1:] in ((), (1,)):
        return "classes" if y.is_numeric and _are_classes(y.all().reshape(-1)) else "numbers"
    if len(y.shape) > 2 or y.shape[1:] in (x.shape[1:], x.shape[2:], x.shape[1:-1]):
        return "field"
    return "labels" if y.is_numeric and np.isin(y.all(), (0, 1)).all() else "numbers"


def _channel_axis(x: StoredArray, y: StoredArray, target: str) -> str:
    """Where the channels of ``x`` seem to stand: the field says it, else the one axis that is short."""
    if len(x.shape) == 2:
        return "first" if target != "field" and x.shape[1] <= FEW_FEATURES else "none"
    if target == "field" and len(y.shape) == len(x.shape) - 1:
        return "first" if x.shape[2:] == y.shape[1:] else "last"
    first, last = x.shape[1], x.shape[-1]
    if min(first, last) > FEW_CHANNELS or first == last:
        return "none"
    return "first" if first < last else "last"


def _axis_note(x: StoredArray, axis: str) -> str:
    shape, (*_, last) = list(x.shape), x.shape
    if len(shape) == 2 and axis == "first":
        return f"{last} features without order; none would be a series of {last} points in one channel"
    if len(shape) == 2:
        return f"a series of {last} points in one channel; first would be {last} features without order"
    said = {"first": f"right after the rows, {shape[1]} channels", "last": f"at the end, {last} channels"}
    where = said.get(axis, "one channel, without an axis for it")
    return f"of {shape}: {where}; else {_others(('first', 'last', 'none'), axis)}"


def _others(names: Iterable[str], chosen: str) -> str:
    return " or ".join(name for name in names if name != chosen)
