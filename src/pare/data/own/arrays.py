"""Arrays of numbers that a user saved: NPZ, NPY, MATLAB, HDF5, NetCDF or PyTorch, with a sample in each row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveInt

from pare.config.errors import PareError, unknown_name
from pare.config.strict import Strict
from pare.data.files import FileName, words_and_part
from pare.data.formats.array_files import ARCHIVES, LONE, NPY, SUFFIXES, is_lone, open_arrays
from pare.data.formats.stored_array import StoredArray, at_frame
from pare.data.own.array_choice import array_remarks, proposed_arrays
from pare.data.own.array_rows import (
    ChannelAxis,
    Read,
    Target,
    check_input,
    check_pairs,
    codes_and_classes,
    group_codes,
    input_rows,
    target_rows,
)
from pare.data.own.findings import Inspection, Question, inspection_of
from pare.data.own.format import Format, Known, NewRows
from pare.data.own.lengths import Lengths
from pare.storage.samples import Samples

PartName = Literal["train", "validation", "test", "all"]


class ArrayNames(Strict):
    """Where the arrays of one part are: keys in ``file``, or names of files of one array.

    ``file`` may be left out where the folder holds only one file of several arrays. Where an array has states
    over time, ``(rows, frames, …)``, ``x_frame`` and ``y_frame`` say which of them, counted from 0, is meant.
    """

    x: str
    y: str
    groups: str | None = None
    file: FileName | None = None
    x_frame: NonNegativeInt | None = None
    y_frame: NonNegativeInt | None = None


@dataclass(frozen=True)
class Part:
    """The arrays of one part."""

    x: StoredArray
    y: StoredArray
    groups: StoredArray | None


class Arrays(Lengths, Format):
    """Arrays with a sample in each row: series, fields or features, and what is to be predicted of each.

    Only the rows that are asked for are read; labels and groups are held in memory, and text of an NPZ or NPY file.
    Inputs are ``(rows, channels, *grid)`` or ``(rows, features)`` float32. Targets are by ``target`` class codes
    ``(rows,)`` int64, ``(rows, labels)`` or ``(rows, numbers)`` float32, or ``(rows, channels, *grid)`` float32.

    Attributes:
        parts: names of the arrays, by part: either ``all``, or ``train``, ``test`` and perhaps ``validation``;
            by default ``x`` and ``y`` of all rows.
        target: what ``y`` is: ``classes`` (whole numbers from 0, true and false, or text), ``labels`` (several of 0
            and 1 a row), ``numbers`` (one or several a row), or ``field`` (on a grid with the axes of ``x``).
        channel_axis: which axis of ``x``, and of a field ``y``, has the channels: the one after the rows (``first``),
            the last (``last``), or none, and an axis for the one channel is added (``none``). With ``first``, an
            ``x`` of two axes is a table of features without order.
        recode: number the classes in their order, where they are not 0, 1, 2, … already.
        points: length to which series are brought that are shorter than the array: their ends are NaN in all channels.
            None: NaN is refused.
    """

    name: ClassVar = "arrays"
    files: ClassVar = f"files of arrays ({', '.join(SUFFIXES)}), or several folders of {NPY} files with a file a sample"
    parts: dict[PartName, ArrayNames] = Field(default={"all": ArrayNames(x="x", y="y")})
    target: Target = "numbers"
    channel_axis: ChannelAxis = "first"
    recode: bool = False
    points: PositiveInt | None = None  # type: ignore[assignment]

    @classmethod
    def suits(cls, paths: Sequence[Path], question: Question) -> float:  # noqa: D102 - see Format
        known = all(path.is_dir() or path.suffix.lower() in SUFFIXES for path in paths)
        return 0.5 if known and (len(paths) > 1 or paths[0].is_file()) else 0  # less than a format of special ones

    @classmethod
    def inspect(cls, paths: Sequence[Path], question: Question) -> Inspection:  # noqa: D102
        options, classes, said = proposed_arrays(paths, question)
        parts = cls(**options).read(paths[0].parent)
        said["remarks"] = (*said["remarks"], *array_remarks(parts, question))
        return inspection_of(cls.name, options, parts, classes, **said)

    def read(self, folder: Path) -> dict[str, Samples]:  # noqa: D102
        if self.fill and not self.points:
            raise PareError(
                "the reader's option 'fill' follows series that are padded; say 'points', to how many, as well"
            )
        found: dict[str, Part] = {name: _open_part(folder, names) for name, names in self.parts.items()}
        for part in found.values():
            _check_part(part, self.channel_axis)
        _check_alike(found)
        classes, targets = self._targets(found)
        groups = group_codes({name: part.groups for name, part in found.items() if part.groups is not None})
        return {
            name: Samples(
                count=part.x.shape[0],
                read=_rows(self._inputs(part.x), targets[name]),
                classes=classes,
                groups=groups.get(name),
            )
            for name, part in found.items()
        }

    def _inputs(self, x: StoredArray) -> Read:
        return input_rows(x, self.channel_axis, self if self.points else None)

    def _targets(self, found: Mapping[str, "Part"]) -> tuple[list[str] | None, dict[str, Read]]:
        """Names of the classes, and what is to be predicted of each part."""
        if self.target != "classes":
            return None, {
                name: target_rows(part.x, part.y, self.target, self.channel_axis) for name, part in found.items()
            }
        codes, classes = codes_and_classes({name: part.y for name, part in found.items()}, recode=self.recode)
        return classes, {name: _slices(values) for name, values in codes.items()}

    def new_rows(self, rows: Path | pd.DataFrame | np.ndarray, known: Known) -> NewRows:  # noqa: D102
        array = self._named(rows) if isinstance(rows, Path) else StoredArray.held("the array", np.asarray(rows))
        check_input(array, self.channel_axis)
        names = array.names or map(str, range(1, array.shape[0] + 1))
        return NewRows(list(names), self._inputs(array))

    def _named(self, path: Path) -> StoredArray:
        """The input in a file: the array of its name, of that of another part, or the only one."""
        stored, parts = open_arrays(path), self.parts.values()
        frames = {part.x: part.x_frame for part in parts}
        words = {name: words_and_part(name)[0] for name in (*stored, *frames, *(part.y for part in parts))}
        wanted = {words[name]: frame for name, frame in frames.items()}
        names = [name for name in frames if name in stored]
        names = names or [name for name in stored if words[name] in wanted]  # x where the task has x_train and x_test
        found = [at_frame(stored[name], wanted[words[name]]) for name in names] or list(stored.values())
        first = next(iter(frames))
        if len(found) != 1 and first not in stored:
            raise unknown_name("array", first, stored, str(path))
        if {words[name] for name in stored} <= {words[part.y] for part in parts} - wanted.keys():
            raise PareError(
                f"{path} holds only the answer {', '.join(stored)}; expected the input under its name, {first!r}: add "
                "it to the file, or name the file that holds it"
            )
        return found[0]


PREPARED = Arrays()  # as the model takes them


def prepared(form: Format) -> Arrays:
    """A format of new rows in an array, with the channels first, for one of other files."""
    return PREPARED.model_copy(update=form.model_dump(include={*Lengths.model_fields}))


def _rows(x: Read, y: Read) -> Callable[[int, int], tuple[np.ndarray, np.ndarray]]:
    return lambda start, stop: (x(start, stop), y(start, stop))


def _slices(values: np.ndarray) -> Read:
    return lambda start, stop: values[start:stop]


def _open_part(folder: Path, names: ArrayNames) -> Part:
    x = at_frame(find_array(folder, names.x, names.file), names.x_frame)
    y = at_frame(find_array(folder, names.y, names.file), names.y_frame)
    return Part(x, y, None if names.groups is None else find_array(folder, names.groups, names.file))


def find_array(folder: Path, name: str, file: str | None) -> StoredArray:
    """The array of that name: a key of the file, a file of one array, or a folder of ``.npy`` files.

    Args:
        folder: folder of the files.
        name: a key, a file name that ends in one of `LONE`, or the name of a folder.
        file: one of several arrays; by default the only one of the folder.

    Raises:
        PareError: if there is no such array or file, naming what is there.
    """
    held = {p.name: p for p in sorted(folder.glob("*")) if p.is_dir() or p.suffix.lower() in SUFFIXES}
    if file is None and (name.lower().endswith(LONE) or (folder / name).is_dir()):
        file = name
    if file is None:
        archives = [other for other, path in held.items() if not is_lone(path)]
        if len(archives) != 1:
            found = ", ".join(archives) or f"no file of the kinds {', '.join(ARCHIVES)}"
            raise PareError(
                f"{folder} holds {found}; name the one that holds {name!r} with the key 'file' next to x and y"
            )
        (file,) = archives
    if file not in held:
        raise unknown_name("file", file, held, str(folder))
    stored = open_arrays(held[file])
    if name not in stored:
        raise unknown_name("array", name, stored, str(held[file]))
    return stored[name]


def _check_part(part: Part, channel_axis: ChannelAxis) -> None:
    x, y = part.x, part.y
    check_input(x, channel_axis)
    for other in (y, *([part.groups] if part.groups else [])):
        check_pairs(x, other)
        if other.shape[:1] != x.shape[:1]:
            raise PareError(
                f"{x.where} has {x.shape[0]} rows, and {other.where} has shape {other.shape}; each row of x needs one "
                "there: the first axis of both must be the samples"
            )


def _check_alike(parts: Mapping[str, Part]) -> None:
    (name, first), *others = parts.items()
    for other_name, other in others:
        for a, b in ((first.x, other.x), (first.y, other.y)):
            if a.shape[1:] != b.shape[1:] or _family(a) != _family(b):
                raise PareError(
                    f"{a.where} of part {name} is {a}, {b.where} of part {other_name} is {b}; both must have the same "
                    "type and, rows aside, the same shape"
                )


def _family(array: StoredArray) -> str:
    """Whole numbers, real numbers, truth or text, whatever their width."""
    return {"u": "i", "S": "U"}.get(array.dtype.kind, array.dtype.kind)
