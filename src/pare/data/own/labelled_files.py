"""Files with a class each, which the folders that they lie in name, or a table next to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from pare.config.errors import PareError, unknown_name
from pare.config.strict import Strict
from pare.data.files import PART_WORDS, FileName, is_hidden
from pare.data.formats.delimited_text import TEXT, Dialect, detect_layout, load_text
from pare.data.formats.table_files import load_frame, present_text, table_suffix
from pare.data.own.file_checks import PARTS
from pare.data.own.findings import Question, need_target
from pare.storage.samples import Samples


class FileLabels(Strict):
    """A table next to the folder, its column with the paths of the files in there, and that with their classes."""

    table: FileName
    file: str
    target: str


@dataclass(frozen=True)
class FileKind:
    """Files of a kind.

    Attributes:
        name: what messages call one of them.
        suffixes: by which they are known, in small letters.
        plain: those of them that other text has as well; in a folder with a file of another suffix they are strangers.
    """

    name: str
    suffixes: tuple[str, ...]
    plain: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}s ({', '.join(self.suffixes)})"

    def includes(self, path: Path) -> bool:
        """Whether a path has such a suffix."""
        return path.name.lower().endswith(self.suffixes)

    def files_in(self, folder: Path) -> list[Path]:
        """Such files in a folder, in the order of their names.

        Raises:
            PareError: if there is none, or the folder holds something else.
        """
        paths = [path for path in sorted(folder.iterdir()) if not is_hidden(path)]
        known = tuple(suffix for suffix in self.suffixes if suffix not in self.plain)
        known = known if any(path.name.lower().endswith(known) for path in paths) else self.suffixes
        for path in paths:
            if not path.name.lower().endswith(known) or not path.is_file():
                raise PareError(
                    f"{path} is no {self.name} ({', '.join(known)}); move it out of the folder {folder.name}"
                )
        if not paths:
            raise PareError(f"{folder} holds no {self.name}; put some there, or remove the folder")
        return paths


@dataclass(frozen=True)
class LabelledFiles:
    """Files of one part.

    Attributes:
        paths: paths of the files, one for each row.
        codes: codes of their classes, ``(files,)`` int64.
        classes: names of the classes, in the order of their codes.
    """

    paths: list[Path]
    codes: np.ndarray
    classes: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many files each class has."""
        return dict(zip(self.classes, np.bincount(self.codes, minlength=len(self.classes)).tolist(), strict=True))

    def samples(self, read: Callable[[Sequence[Path]], np.ndarray], columns: list[str]) -> Samples:
        """Rows whose input ``read`` makes of their files, with the names of its channels."""

        def rows(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            return read(self.paths[start:stop]), self.codes[start:stop]

        return Samples(count=len(self.paths), read=rows, columns=columns, classes=self.classes)


def labelled_files(
    folder: Path, root: str | None, kind: FileKind, labels: FileLabels | None = None
) -> dict[str, LabelledFiles]:
    """Files ``<root>/<class>/<file>``, or ``<root>/train/<class>/<file>`` and ``<root>/test/<class>/<file>``.

    Classes are numbered in the order of their names; rows take the first file of each class, then the second of
    each, so that the first rows have all classes.

    Args:
        folder: holds the folder ``root``.
        root: name of the folder; by default the only one.
        kind: kind of the files.
        labels: a table that names the classes; by default the folders do.

    Returns:
        ``all``, or ``train``, ``test`` and perhaps ``validation``.

    Raises:
        PareError: if there is no such folder, a class has no file, there are fewer than two classes, or a part has
            a class that train lacks, or what is wrong with the table.
    """
    top = _root(folder, root, kind)
    if labels is not None:
        return _of_classes({"all": files_by_class(folder, top, labels, kind.suffixes)}, folder / labels.table)
    # A class may be called test or valid as well; folders of parts hold folders.
    named = sorted({path.parent for path in top.glob("*/*/") if path.parent.name.lower() in PART_WORDS})
    parts = {PART_WORDS[path.name.lower()]: path for path in named}
    if parts.keys() & {"train", "test"}:
        names = ", ".join(path.name for path in named)
        absent = [part for part in ("train", "test") if part not in parts]
        if absent:
            raise PareError(f"{top} holds {names} but no folder {absent[0]} of classes; make one, or leave out both")
        if len(parts) < len(named):
            raise PareError(f"{top} holds {names}, two of them for the same part; make one folder of them")
        found = {part: _class_folders(parts[part], kind) for part in PARTS if part in parts}
    else:
        found = {"all": _class_folders(top, kind)}
    return _of_classes(found, top)


def _of_classes(found: dict[str, dict[str, list[Path]]], top: Path) -> dict[str, LabelledFiles]:
    classes = list(next(iter(found.values())))
    for part, folders in found.items():
        strange = sorted(set(folders) - set(classes))
        if strange:
            raise unknown_name("class", strange[0], classes, f"{top}: folder {part} may hold the classes of train only")
    if len(classes) < 2:
        raise PareError(f"{top} has {', '.join(classes) or 'none'} as its only class; at least two are needed")
    return {part: _in_turns(folders, classes) for part, folders in found.items()}


def _root(folder: Path, name: str | None, kind: FileKind) -> Path:
    folders = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir() and not is_hidden(path)}
    if name is not None:
        if name not in folders:
            raise unknown_name("folder", name, folders, str(folder))
        return folders[name]
    if len(folders) != 1:
        raise PareError(
            f"{folder} holds the folders {', '.join(folders) or 'none'}; name the one of the {kind.name}s with the "
            "reader's option 'root'"
        )
    return next(iter(folders.values()))


def _class_folders(folder: Path, kind: FileKind) -> dict[str, list[Path]]:
    """Files of each class, by its name, in sorted order."""
    entries = [path for path in sorted(folder.iterdir()) if not is_hidden(path)]
    for path in entries:
        if not path.is_dir():
            raise PareError(
                f"{path} is in no class; {kind.name}s must be in folders that are named after their classes"
            )
    if not entries:
        raise PareError(f"{folder} holds no folders; make one for each class, and put its {kind.name}s there")
    return {path.name: kind.files_in(path) for path in entries}


def _in_turns(folders: dict[str, list[Path]], classes: list[str]) -> LabelledFiles:
    labelled = [[(path, code) for path in folders.get(name, [])] for code, name in enumerate(classes)]
    rows = [row for turn in zip_longest(*labelled) for row in turn if row is not None]
    return LabelledFiles([path for path, _ in rows], np.array([code for _, code in rows], np.int64), classes)


def file_labels(paths: Sequence[Path], kind: FileKind, question: Question) -> FileLabels | None:
    """The table that comes with a folder, with its columns; None where the folder comes alone.

    Args:
        paths: the folder, and perhaps the table.
        kind: kind of the files.
        question: which names the one column to predict; a folder that comes alone has its classes in its folders.

    Raises:
        PareError: if the column to predict is not named or does not exist, or no column names files.
    """
    (top,) = [path for path in paths if path.is_dir()]
    tables = [path for path in paths if path != top]
    if not tables:
        if question.target:
            raise PareError(f"the classes of {kind.name}s are the names of their folders: leave --target out")
        return None
    (table,) = tables
    frame = label_frame(table)
    need_target(question, frame, table.name)
    if len(question.target) > 1:
        raise PareError(f"--target names {', '.join(question.target)}; the class of a file is in one column: name it")
    answers = pd.to_numeric(present_text(frame[question.target[0]]), errors="coerce")
    if (answers % 1 != 0).any() and answers.notna().all():
        raise PareError(
            f"column {question.target[0]!r} of {table.name} holds numbers, and of {kind.name}s only classes are "
            "predicted: bring the files as arrays, an .npz file with x and y"
        )
    named = [str(name) for name in frame if named_file(top, str(frame[name].iloc[0]), kind.suffixes)]
    if not named:
        raise PareError(
            f"no column of {table.name} names files: none has in its first row the path of a file in {top.name}. "
            f"Columns: {', '.join(map(str, frame))}"
        )
    return FileLabels(table=table.name, file=named[0], target=question.target[0])


def label_frame(path: Path) -> pd.DataFrame:
    """Such a table, in whatever way it is written, without a guess at types; PareError where it is damaged."""
    if table_suffix(path) not in TEXT:
        return load_frame(path, Dialect())
    dialect = detect_layout(path, None)
    load_frame(path, dialect)  # says what is damaged
    return load_text(path, dialect, dtype=str)  # 0007 is a name


def files_by_class(folder: Path, top: Path, labels: FileLabels, suffixes: tuple[str, ...]) -> dict[str, list[Path]]:
    """Files of each class, by its name in sorted order, in the order of the table; those without a class are left out.

    Args:
        folder: holds the table.
        top: holds the files.
        labels: the table and its columns.
        suffixes: that a file may have where the table leaves them out.

    Raises:
        PareError: if the table or a column is missing, or a row names no file in the folder, or one twice.
    """
    path = folder / labels.table
    if not path.is_file():
        raise PareError(f"{path} is missing; put the table of the labels there")
    frame = label_frame(path)
    for name in (labels.file, labels.target):
        if name not in frame:
            raise unknown_name("column", name, frame.columns, str(path))
    found: dict[str, list[Path]] = {}
    taken: set[Path] = set()
    names, classes = frame[labels.file].astype(str).to_list(), present_text(frame[labels.target])
    for row, name in zip(classes.index.to_list(), classes, strict=True):
        said = names[row]
        file = named_file(top, said, suffixes)
        if file is None or file in taken:
            fault = f"which is not in {top.name}" if file is None else "as another row does"
            raise PareError(
                f"{path}: column {labels.file!r} names {said!r} in row {row + 1}, {fault}; correct it, or remove the "
                "row"
            )
        taken.add(file)
        found.setdefault(name, []).append(file)
    return dict(sorted(found.items()))


def named_file(top: Path, name: str, suffixes: tuple[str, ...]) -> Path | None:
    """The file of that name in a folder, or of that name with one of the suffixes; None if it does not exist.

    Raises:
        PareError: if there are several that differ in their suffixes.
    """
    path = PurePosixPath(name.strip())
    if path.is_absolute() or ".." in path.parts or not path.name:
        return None
    if (whole := top / path).is_file():
        return whole
    found = [file for suffix in suffixes if (file := top / f"{path}{suffix}").is_file()]
    if len(found) > 1:
        names = " and ".join(file.name for file in found)
        raise PareError(f"{name!r} may be {names} in {top.name}; write names with their endings into the table")
    return found[0] if found else None
